"""PyJWT verifies tokens of every algorithm by the published keys.

    check_algorithms.py ALGORITHM=LOGIN …

LOGIN signs by ALGORITHM, and knows `ada`; PASSWORD is hers.
"""

import os
import sys

import httpx
import jwt


def check(algorithm, login):
    form = {"username": "ada", "password": os.environ["PASSWORD"], "grant_type": "password"}
    token = httpx.post(f"{login}/token", data=form).raise_for_status().json()["access_token"]
    header = jwt.get_unverified_header(token)
    assert header["alg"] == algorithm, header

    key = jwt.PyJWKClient(f"{login}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    expected = {"algorithms": [algorithm], "audience": login, "issuer": login}
    assert jwt.decode(token, key, **expected)["sub"].startswith("user:")

    head, signature = token.rsplit(".", 1)
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    try:
        jwt.decode(f"{head}.{other}", key, **expected)
    except jwt.InvalidSignatureError:
        return
    raise AssertionError(f"{algorithm}: a changed signature was taken")


for argument in sys.argv[1:]:
    check(*argument.split("=", 1))
