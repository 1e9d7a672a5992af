"""Logs in at Countersign and takes the tokens to an API that checks them by the published keys.

API runs resource_server.py for the issuer LOGIN, where `ada` may items:read and me. The other servers name the same issuer
in their tokens, unless it is said otherwise, and have the same users. PASSWORD is everybody's.
"""

import argparse
import base64
import json
import os
import time

import httpx

PASSWORD = os.environ["PASSWORD"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("api")
    arguments.add_argument("login")
    arguments.add_argument("--other-audience", metavar="LOGIN")
    arguments.add_argument("--other-issuer", metavar="LOGIN")
    arguments.add_argument("--other-keys", metavar="LOGIN")
    arguments.add_argument("--short-lived", metavar="LOGIN")
    arguments = arguments.parse_args()

    good_tokens_pass(arguments.api, arguments.login)
    changed_tokens_are_refused(arguments.api, arguments.login)
    for login, reason in [
        (arguments.other_audience, "Audience doesn't match"),
        (arguments.other_issuer, "Invalid issuer"),
        (arguments.other_keys, "Unable to find a signing key"),
    ]:
        if login:
            expect_refused(arguments.api, log_in(login, "ada"), reason)
    if arguments.short_lived:
        expired_tokens_are_refused(arguments.api, arguments.short_lived)


def good_tokens_pass(api, login):
    user = {"username": "annie", "password": PASSWORD}
    registered = expect(201, httpx.post(f"{login}/users", json=user)).json()
    annie = log_in(login, "annie")
    claims = expect(200, get(f"{api}/whoami", annie)).json()
    assert claims["sub"] == f"user:{registered['id']}", claims
    assert claims["iss"] == login, claims

    refused = expect(403, get(f"{api}/items", annie))
    assert refused.headers["www-authenticate"] == 'Bearer scope="items:read"', refused.headers
    expect(403, get(f"{api}/items", log_in(login, "ada", scope="me")))
    for ada in [log_in(login, "ada"), log_in(login, "ada", scope="items:read")]:
        items = expect(200, get(f"{api}/items", ada)).json()
        assert items[0]["owner"].startswith("user:"), items
    expect(401, httpx.get(f"{api}/items"))


def changed_tokens_are_refused(api, login):
    header, claims, signature = log_in(login, "annie").split(".")
    more = encode({**decode(claims), "scope": "items:read"})
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    for token in [f"{header}.{more}.{signature}", f"{header}.{claims}.{other}"]:
        expect_refused(api, token, "Signature verification failed")


def expired_tokens_are_refused(api, login):
    token = log_in(login, "ada")
    expires_at = decode(token.split(".")[1])["exp"]
    while time.time() < expires_at:
        time.sleep(expires_at - time.time())
    expect_refused(api, token, "Signature has expired")


def log_in(login, username, **fields):
    form = {"grant_type": "password", "username": username, "password": PASSWORD, **fields}
    return expect(200, httpx.post(f"{login}/token", data=form)).json()["access_token"]


def get(url, token):
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"})


def expect_refused(api, token, reason):
    answer = expect(401, get(f"{api}/items", token))
    assert reason in answer.json()["detail"], answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer"), answer.headers


def expect(status, answer):
    assert answer.status_code == status, f"{answer.request.url}: {answer.status_code} {answer.text}"
    return answer


def decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def encode(claims):
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


main()
