#!/usr/bin/env python3
"""The bare Argon2id hash against argon2-cffi, the C reference through Python: CPU time at the same parameters.

    python3 bench/argon2.py [--rounds 7] [--json]

Both run by turns, each hash in a process that is warm, and what counts is the CPU time (user and system, all threads)
of one hash: the median of all. The environment with argon2-cffi is made under target/ on the first run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "target" / "bench-argon2"
PACKAGE = "argon2-cffi==25.1.0"
# KiB, iterations, lanes, and how many hashes make a turn.
SETS = [(19456, 2, 1, 21), (47104, 1, 1, 13), (65536, 3, 4, 5)]
TARGET = 1.5

REFERENCE = """
import statistics, sys
from time import process_time
from argon2.low_level import Type, hash_secret_raw
memory, time, lanes, count = map(int, sys.argv[1:])
def once():
    start = process_time()
    hash_secret_raw(b"correct horse battery staple", b"0123456789abcdef", time, memory, lanes, 32, Type.ID)
    return (process_time() - start) * 1000
once()
print(statistics.median(once() for _ in range(count)))
"""


def python():
    """The interpreter that has argon2-cffi."""
    interpreter = VENV / "bin" / "python"
    if not interpreter.exists():
        print(f"making {VENV.relative_to(ROOT)} with {PACKAGE}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
    return interpreter


def bench():
    """The bench of countersign-password, built."""
    command = ["cargo", "bench", "-p", "countersign-password", "--bench", "hash", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in built.splitlines()]
    return next(m["executable"] for m in messages if m.get("target", {}).get("name") == "hash" and m.get("executable"))


def run(command):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True).stdout


def compare(executable, interpreter, memory, time, lanes, count, rounds):
    ours, reference = [], []
    for _ in range(rounds):
        line = run([executable, "--json", "--only", f"{memory},{time},{lanes}", "--count", count])
        ours.append(json.loads(line)["cpu_ms"])
        reference.append(float(run([interpreter, "-c", REFERENCE, memory, time, lanes, count])))
    ours_ms, reference_ms = statistics.median(ours), statistics.median(reference)
    return {
        "set": f"m={memory} t={time} p={lanes}",
        "countersign_cpu_ms": round(ours_ms, 2),
        "argon2_cffi_cpu_ms": round(reference_ms, 2),
        "ratio": round(reference_ms / ours_ms, 2),
        "ratios": [round(theirs / mine, 2) for mine, theirs in zip(ours, reference)],
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--json", action="store_true")
    arguments = arguments.parse_args()

    interpreter, executable = python(), bench()
    results = [compare(executable, interpreter, *one, arguments.rounds) for one in SETS]
    if arguments.json:
        print(json.dumps({"load": os.getloadavg()[0], "target": TARGET, "results": results}))
    else:
        for result in results:
            print("{set}: countersign {countersign_cpu_ms} ms, argon2-cffi {argon2_cffi_cpu_ms} ms: ".format(**result)
                  + "{ratio} times as cheap (by turns {ratios})".format(**result))
    return 0 if all(result["ratio"] >= TARGET for result in results) else 1


sys.exit(main())
