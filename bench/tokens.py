#!/usr/bin/env python3
"""Signing and verifying tokens against PyJWT and jsonwebtoken: CPU time of each algorithm.

    python3 bench/tokens.py [--rounds 5] [--json]

countersign-token with jsonwebtoken in one process, and PyJWT in another, run by turns, each with keys that are loaded
once and the same eight claims, among them an identifier of 128 random bits, new for each token; what counts is the CPU
time (user and system) of one token: the median of the turns. Ratios above 1 say how many times cheaper countersign-token
is. PyJWT comes from the environment of script/python. Exits with 1 if any ratio is below 1, or if a refusal of the attack
tokens takes 10 ms (R-081).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALGORITHMS = ["HS256", "RS256", "ES256", "EdDSA", "PS256", "HS512", "RS512", "ES384", "ES512", "PS512"]

PYJWT = """
import json, secrets, statistics, sys, time
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

def keys(algorithm):
    if algorithm.startswith("HS"):
        secret = bytes(range(int(algorithm[2:]) // 8))
        return secret, secret
    if algorithm.startswith(("RS", "PS")):
        private = rsa.generate_private_key(65537, 2048)
    elif algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = ec.generate_private_key({"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}[algorithm]())
    return private, private.public_key()

def cpu_us(action, turn_s=0.1, turns=5):
    start, count = time.process_time(), 0
    while time.process_time() - start < turn_s:
        action()
        count += 1
    def turn():
        start = time.process_time()
        for _ in range(count):
            action()
        return (time.process_time() - start) * 1e6 / count
    return statistics.median(turn() for _ in range(turns))

now = int(time.time())
claims = {"iss": "https://as.example", "sub": "user:01890a5d-ac96-774b-bcce-b302099a8057", "aud": "https://api.example",
          "exp": now + 1800, "iat": now, "client_id": "web", "scope": "items:read me"}
costs = {}
for algorithm in sys.argv[1:]:
    private, public = keys(algorithm)
    headers = {"typ": "at+jwt", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}
    def sign():
        return jwt.encode({**claims, "jti": secrets.token_urlsafe(16)}, private, algorithm=algorithm, headers=headers)
    token = sign()
    costs[algorithm] = {
        "sign": cpu_us(sign),
        "verify": cpu_us(lambda: jwt.decode(token, public, algorithms=[algorithm], audience="https://api.example",
                                            issuer="https://as.example")),
    }
print(json.dumps(costs))
"""


def bench():
    """The bench of countersign-token, built."""
    command = ["cargo", "bench", "-p", "countersign-token", "--bench", "verify", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in built.splitlines()]
    return next(m["executable"] for m in messages if m.get("target", {}).get("name") == "verify" and m.get("executable"))


def run(command):
    return json.loads(subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True).stdout)


def median(turns, algorithm, what):
    values = [turn[algorithm][what] for turn in turns]
    return None if None in values else statistics.median(values)


def compare(rust, pyjwt, algorithm, act):
    """Microseconds and ratios of one algorithm and one act."""
    ours = median(rust, algorithm, act)
    others = {"pyjwt": median(pyjwt, algorithm, act), "jsonwebtoken": median(rust, algorithm, f"jsonwebtoken_{act}")}
    result = {"algorithm": algorithm, "act": act, "countersign_us": round(ours, 2)}
    for name, cost in others.items():
        result[f"{name}_us"] = cost and round(cost, 2)
        result[f"{name}_ratio"] = cost and round(cost / ours, 2)
    return result


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", action="store_true")
    arguments = arguments.parse_args()

    executable = bench()
    rust, pyjwt = [], []
    for _ in range(arguments.rounds):
        rust.append(run([executable, "--json", "--rounds", "5"]))
        pyjwt.append(run([ROOT / "script" / "python", "-c", PYJWT, *ALGORITHMS]))
    # The quickest of the rounds: the others were disturbed.
    refusal = min((turn["slowest_refusal"] for turn in rust if turn["slowest_refusal"]), key=lambda r: r["cpu_us"], default=None)
    costs = [turn["cpu_us"] for turn in rust]
    results = [compare(costs, pyjwt, algorithm, act) for algorithm in ALGORITHMS for act in ("sign", "verify")]

    if arguments.json:
        print(json.dumps({"load": os.getloadavg()[0], "results": results, "slowest_refusal": refusal}))
    else:
        print(f"{'':<14}{'countersign':>12}{'PyJWT':>10}{'ratio':>8}{'jsonwebtoken':>14}{'ratio':>8}   CPU us a token")
        for r in results:
            theirs = [r["pyjwt_us"], r["pyjwt_ratio"], r["jsonwebtoken_us"], r["jsonwebtoken_ratio"]]
            texts = ["-" if value is None else f"{value:.2f}" for value in theirs]
            print(f"{r['algorithm']:<7}{r['act']:<7}{r['countersign_us']:>12.2f}{texts[0]:>10}{texts[1]:>8}{texts[2]:>14}{texts[3]:>8}")
        if refusal:
            print("slowest refusal of {tokens} attack tokens: {id}, {cpu_us:.0f} us".format(**refusal))
        else:
            print("slowest refusal: NOT MEASURED, no attack tokens here; name their file in ATTACK_TOKENS")
    ratios = [r[f"{name}_ratio"] for r in results for name in ("pyjwt", "jsonwebtoken")]
    good = all(ratio is None or ratio >= 1 for ratio in ratios) and (refusal is None or refusal["cpu_us"] < 10_000)
    return 0 if good else 1


sys.exit(main())
