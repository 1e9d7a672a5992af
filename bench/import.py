#!/usr/bin/env python3
"""What it takes to take a million users over: users a second and memory, against a bare insert into the same table.

    cargo build --release && python3 bench/import.py [--users 1000000] [--rounds 1] [--json]

A file of users in JSON Lines is made in a folder of its own, with names and addresses in no order. In each round it is
rehearsed, taken over into an empty database, and taken over once more, when everybody is here already; then the rows
that this made are inserted by a bare loop into another database with the same tables and settings, 1000 to a transaction.
"""

import argparse
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "release" / "countersign"
HASH = "$2b$12$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie"
BATCH = 1000


def write_users(path, count):
    order = list(range(count))
    random.Random(1).shuffle(order)
    with path.open("w") as file:
        for number in order:
            name = f"{number * 2654435761 % 2**32:08x}-{number}"
            user = {"username": name, "email": f"{name}@example.com", "password_hash": HASH}
            file.write(json.dumps(user) + "\n")


def peak_memory(process):
    """In MiB. The usage that `wait4` reports begins with that of this program, before it became another."""
    status = Path(f"/proc/{process}/status").read_text()
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def run(folder, *arguments):
    """Seconds and the peak memory in MiB of one run, and what it counted."""
    environment = os.environ | {"COUNTERSIGN_DATA": str(folder / "data")}
    command = [PROGRAM, "import", "users", "--json", folder / "users.jsonl", *arguments]
    began, peak = time.monotonic(), 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, peak_memory(process.pid))
            time.sleep(0.02)
        counts = json.load(process.stdout)
    if process.returncode:
        sys.exit(f"the import failed: {counts}")
    return time.monotonic() - began, peak, counts


def bare_loop(folder):
    """Seconds in which a loop inserts the rows of the database into an empty one."""
    source = sqlite3.connect(folder / "data" / "countersign.db")
    rows = source.execute("SELECT * FROM users ORDER BY id")
    (folder / "bare.db").unlink(missing_ok=True)
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for setting in ["journal_mode = wal", "synchronous = FULL", "secure_delete = ON", "cache_size = -2048"]:
        bare.execute(f"PRAGMA {setting}")
    tables = "SELECT sql FROM sqlite_schema WHERE tbl_name = 'users' AND sql IS NOT NULL AND type <> 'trigger'"
    for (statement,) in source.execute(tables):
        bare.execute(statement)
    insert = f"INSERT INTO users VALUES ({', '.join('?' * len(rows.description))})"
    took = 0
    while batch := rows.fetchmany(BATCH):
        began = time.monotonic()
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany(insert, batch)
        bare.execute("COMMIT")
        took += time.monotonic() - began
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not PROGRAM.exists():
        sys.exit(f"there is no {PROGRAM}: run `cargo build --release` first")
    figures = {}
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_users(folder / "users.jsonl", arguments.users)
            runs = {"check": run(folder, "--check"), "import": run(folder), "import once more": run(folder)}
            for name, (seconds, mib, counts) in runs.items():
                assert counts["added"] + counts["known"] == arguments.users, counts
                figures.setdefault(f"{name}, users a second", []).append(arguments.users / seconds)
                figures.setdefault(f"{name}, peak memory in MiB", []).append(mib)
            figures.setdefault("import / bare loop, time", []).append(runs["import"][0] / bare_loop(folder))
    if arguments.json:
        print(json.dumps({"users": arguments.users, "figures": figures}))
        return
    print(f"{arguments.users} users (median of {arguments.rounds})")
    for name, values in figures.items():
        print(f"  {name:<40} {statistics.median(values):>12.2f}")


if __name__ == "__main__":
    main()
