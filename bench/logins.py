#!/usr/bin/env python3
"""Logins a second at the same Argon2id (65536 KiB, t=3, p=4): this server, the FastAPI tutorial, FastAPI-Users.

    cargo build --release --workspace && python3 bench/logins.py [--rounds 5] [--seconds 4] [--json]

The three servers run at once and are asked by turns, so that a noisy machine is noisy for all, over 8 connections. The
tutorial is the program of FastAPI's own documentation as its source distribution carries it; FastAPI-Users has its
defaults over SQLite. Both run under uvicorn, one worker each: the C code of Argon2 takes as many cores as it has lanes.
The environment is made under target/ on the first run. Exits with 1 if a ratio is below 2.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "target" / "bench-logins"
FASTAPI = "fastapi==0.163.2"
PACKAGES = [FASTAPI, "fastapi-users[sqlalchemy]==15.0.5", "aiosqlite==0.22.1", "pwdlib[argon2]==0.3.0",
            "pyjwt==2.15.1", "uvicorn==0.54.0", "python-multipart"]
TUTORIAL = "docs_src/security/tutorial004.py"
TARGET = 2

USERS = """
from contextlib import asynccontextmanager
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.schemas import BaseUser, BaseUserCreate
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

class Base(DeclarativeBase): pass
class User(SQLAlchemyBaseUserTableUUID, Base): pass
class Manager(UUIDIDMixin, BaseUserManager): pass

engine = create_async_engine("sqlite+aiosqlite:///users.db")
sessions = async_sessionmaker(engine, expire_on_commit=False)

async def users():
    async with sessions() as session:
        yield SQLAlchemyUserDatabase(session, User)

async def manager(users=Depends(users)):
    yield Manager(users)

@asynccontextmanager
async def with_tables(_):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield

secret = "0123456789abcdef0123456789abcdef"
backend = AuthenticationBackend("jwt", BearerTransport("login"), lambda: JWTStrategy(secret, 1800))
api = FastAPIUsers(manager, [backend])
app = FastAPI(lifespan=with_tables)
app.include_router(api.get_auth_router(backend))
app.include_router(api.get_register_router(BaseUser, BaseUserCreate))
"""


def run(command, **options):
    done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True, **options)
    return done.stdout


def python():
    """The interpreter that has the packages."""
    interpreter = VENV / "bin" / "python"
    if not interpreter.exists():
        print(f"making {VENV.relative_to(ROOT)}", file=sys.stderr)
        run([sys.executable, "-m", "venv", VENV])
    run([interpreter, "-m", "pip", "install", "--quiet", *PACKAGES])
    return interpreter


def tutorial(interpreter):
    """The program of the tutorial, out of the source distribution."""
    program = VENV / "tutorial.py"
    if not program.exists():
        with tempfile.TemporaryDirectory() as folder:
            run([interpreter, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "-d", folder, FASTAPI])
            with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as sources:
                name = next(name for name in sources.getnames() if name.endswith(TUTORIAL))
                program.write_bytes(sources.extractfile(name).read())
    return program.read_text()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(port, path, body, kind):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body.encode(), {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status


@contextlib.contextmanager
def serving(command, port, folder):
    process = subprocess.Popen([str(part) for part in command], cwd=folder, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, "COUNTERSIGN_DATA": f"{folder}/data"})
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None:
                sys.exit(f"{command[0]} ended with {process.returncode}")
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def python_server(interpreter, folder, program):
    Path(folder, "program.py").write_text(program)
    port = free_port()
    command = [interpreter, "-m", "uvicorn", "program:app", "--port", port, "--log-level", "warning", "--no-access-log"]
    return serving(command, port, folder)


def countersign(folder):
    port = free_port()
    argon2 = ["--hash-memory-kib", 65536, "--hash-iterations", 3, "--hash-parallelism", 4]
    command = [ROOT / "target" / "release" / "countersign", "serve", "--listen", f"127.0.0.1:{port}", "--log", "warn"]
    return serving([*command, *argon2], port, folder)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=4)
    arguments.add_argument("--json", action="store_true")
    arguments = arguments.parse_args()

    interpreter = python()
    with contextlib.ExitStack() as stack:
        folder = lambda: stack.enter_context(tempfile.TemporaryDirectory())
        ours = stack.enter_context(countersign(folder()))
        theirs = stack.enter_context(python_server(interpreter, folder(), tutorial(interpreter)))
        users = stack.enter_context(python_server(interpreter, folder(), USERS))
        word = "correct-horse-1"
        post(ours, "/users", json.dumps({"username": "johndoe", "password": word}), "application/json")
        post(users, "/register", json.dumps({"email": "johndoe@example.com", "password": word}), "application/json")
        servers = {
            "countersign": (ours, "/token", f"grant_type=password&username=johndoe&password={word}"),
            "FastAPI tutorial": (theirs, "/token", "grant_type=password&username=johndoe&password=secret"),
            "FastAPI-Users": (users, "/login", f"grant_type=password&username=johndoe@example.com&password={word}"),
        }
        load = ROOT / "target" / "release" / "bench"
        rates = {name: [] for name in servers}
        # The first round warms up.
        for turn in range(arguments.rounds + 1):
            for name, (port, path, form) in servers.items():
                rate = float(run([load, "post", f"127.0.0.1:{port}", path, form, "--seconds", arguments.seconds]))
                if turn > 0:
                    rates[name].append(rate)

    results = []
    for name, theirs in rates.items():
        ratios = [mine / other for mine, other in zip(rates["countersign"], theirs)]
        results.append({"server": name, "logins_per_s": round(statistics.median(theirs), 1),
                        "ratio": round(statistics.median(ratios), 2), "ratios": [round(ratio, 2) for ratio in ratios]})
    if arguments.json:
        print(json.dumps({"load": os.getloadavg()[0], "target": TARGET, "results": results}))
    else:
        for result in results:
            print("{server}: {logins_per_s} logins/s; countersign is {ratio} times as fast (by turns {ratios})".format(**result))
    return 0 if all(result["ratio"] >= TARGET for result in results[1:]) else 1


sys.exit(main())
