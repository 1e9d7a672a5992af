"""Drives a Countersign server as client libraries do: Authlib, requests-oauthlib and httpx-oauth get, refresh, ask about and give
back tokens.

With --make-keys it makes a pair of keys of each algorithm in FOLDER, and does nothing else. LOGIN knows the public ones as those of the
clients `signer-ALGORITHM`, which have the grant client_credentials and are for the issuer. Besides it has the user `ada`, who may items:read; the confidential client `web` with the grants password, refresh_token and
client_credentials; and the public client `app` with the grants password and refresh_token. PASSWORD is ada's, CLIENT_SECRET web's.
The tokens are then verified by the published keys with joserfc, python-jose and Authlib.
"""

import argparse
import asyncio
import json
import os
import pathlib

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # on this machine alone

import httpx
import joserfc.jwk
import joserfc.jwt
import jose.jwt
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from httpx_oauth.oauth2 import GetAccessTokenError, OAuth2, RefreshTokenError
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError, LegacyApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

PASSWORD = os.environ.get("PASSWORD")
SECRET = os.environ.get("CLIENT_SECRET")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--make-keys", action="store_true")
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("login", nargs="?")
    arguments = arguments.parse_args()
    if arguments.make_keys:
        return make_keys(arguments.folder)
    login = arguments.login
    metadata = httpx.get(f"{login}/.well-known/oauth-authorization-server").raise_for_status().json()
    for method in ["client_secret_basic", "client_secret_post"]:
        assert method in metadata["token_endpoint_auth_methods_supported"], metadata
        with_authlib(metadata, method)
    a_public_client_with_authlib(metadata)
    with_requests_oauthlib(metadata)
    for method in ["client_secret_basic", "client_secret_post"]:
        asyncio.run(with_httpx_oauth(metadata, method))
    assert "private_key_jwt" in metadata["token_endpoint_auth_methods_supported"], metadata
    assert set(KEYS) == set(metadata["token_endpoint_auth_signing_alg_values_supported"]), metadata
    for algorithm in KEYS:
        with_a_key(metadata, algorithm, arguments.folder)
    verify(metadata, tokens_of_both_kinds(metadata))


KEYS = {
    "ES256": lambda about: joserfc.jwk.ECKey.generate_key("P-256", about),
    "EdDSA": lambda about: joserfc.jwk.OKPKey.generate_key("Ed25519", about),
    "RS256": lambda about: joserfc.jwk.RSAKey.generate_key(2048, about),
    "PS256": lambda about: joserfc.jwk.RSAKey.generate_key(2048, about),
}


def make_keys(folder):
    for algorithm, generate in KEYS.items():
        key = generate({"alg": algorithm, "use": "sig"})
        (folder / f"{algorithm}.key").write_text(json.dumps(key.as_dict(private=True)))
        (folder / f"{algorithm}.jwks").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))


class Signature(PrivateKeyJWT):
    """For this audience and this long."""

    def __init__(self, audience, algorithm, seconds=60):
        super().__init__(audience, alg=algorithm)
        self.seconds = seconds

    def sign(self, auth, token_endpoint):
        key, client = auth.client_secret, auth.client_id
        return private_key_jwt_sign(key, client, token_endpoint, alg=self.alg, expires_in=self.seconds)


def with_a_key(metadata, algorithm, folder):
    key = joserfc.jwk.import_key(json.loads((folder / f"{algorithm}.key").read_text()))
    client = f"signer-{algorithm}"
    signer = authlib(metadata, client, key, Signature(metadata["issuer"], algorithm))
    own = signer.fetch_token(grant_type="client_credentials")
    about = signer.introspect_token(metadata["introspection_endpoint"], token=own["access_token"]).json()
    assert about["active"] and about["sub"] == f"client:{client}", about
    signer.revoke_token(metadata["revocation_endpoint"], token="csr_x").raise_for_status()
    other = joserfc.jwk.import_key(KEYS[algorithm]({"alg": algorithm}).as_dict(private=True))
    for key, audience, seconds in [
        (key, metadata["token_endpoint"], 60),
        (key, metadata["issuer"], 3600),
        (other, metadata["issuer"], 60),
    ]:
        wrong = authlib(metadata, client, key, Signature(audience, algorithm, seconds))
        expect_error("invalid_client", lambda: wrong.fetch_token(grant_type="client_credentials"))


def authlib(metadata, client="web", secret=SECRET, method="client_secret_basic", scope=None):
    endpoints = {name: metadata[name] for name in ["token_endpoint", "revocation_endpoint", "introspection_endpoint"]}
    methods = {"token_endpoint_auth_method": method, "revocation_endpoint_auth_method": method}
    return OAuth2Client(client, secret, scope=scope, **methods, **endpoints)


def with_authlib(metadata, method):
    client = authlib(metadata, method=method, scope="items:read offline_access")
    token = client.fetch_token(username="ada", password=PASSWORD, grant_type="password")
    assert token["token_type"] == "Bearer" and token["expires_in"] > 0, token
    assert set(token["scope"].split()) == {"items:read", "offline_access"}, token
    me = metadata["issuer"] + "/users/me"
    assert client.get(me).json()["username"] == "ada"

    about = client.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
    assert about["active"] and about["username"] == "ada" and about["client_id"] == "web", about
    refreshed = client.refresh_token(refresh_token=token["refresh_token"])
    assert refreshed["refresh_token"] != token["refresh_token"], refreshed
    client.revoke_token(metadata["revocation_endpoint"], token=refreshed["refresh_token"]).raise_for_status()
    about = client.introspect_token(metadata["introspection_endpoint"], token=refreshed["access_token"]).json()
    assert about == {"active": False}, about
    expect_error("invalid_grant", lambda: client.refresh_token(refresh_token=refreshed["refresh_token"]))

    own = authlib(metadata, method=method).fetch_token(grant_type="client_credentials")
    assert "refresh_token" not in own, own
    wrong = authlib(metadata, secret="wrong", method=method)
    expect_error("invalid_client", lambda: wrong.fetch_token(grant_type="client_credentials"))


def a_public_client_with_authlib(metadata):
    client = authlib(metadata, client="app", secret=None, method="none", scope="offline_access")
    token = client.fetch_token(username="ada", password=PASSWORD, grant_type="password")
    refreshed = client.refresh_token(refresh_token=token["refresh_token"])
    # The answer was lost: the same once more.
    again = client.refresh_token(refresh_token=token["refresh_token"])
    assert again["refresh_token"] == refreshed["refresh_token"], again
    expect_error("invalid_grant", lambda: client.fetch_token(username="ada", password="wrong", grant_type="password"))


def with_requests_oauthlib(metadata):
    url, basic = metadata["token_endpoint"], HTTPBasicAuth("web", SECRET)
    own = OAuth2Session(client=BackendApplicationClient("web", scope=["items:read"])).fetch_token(url, auth=basic)
    assert own["scope"] == ["items:read"], own

    scope = ["items:read", "offline_access"]
    session = OAuth2Session(client=LegacyApplicationClient("web", scope=scope))
    token = session.fetch_token(url, username="ada", password=PASSWORD, auth=basic, scope=scope)
    refreshed = session.refresh_token(url, refresh_token=token["refresh_token"], auth=basic)
    assert session.get(metadata["issuer"] + "/users/me").json()["username"] == "ada"
    session.refresh_token(url, refresh_token=refreshed["refresh_token"], auth=basic)
    try:
        session.refresh_token(url, refresh_token=token["refresh_token"], auth=basic)
    except InvalidGrantError:
        return
    raise AssertionError("a token that was used long ago was taken")


async def with_httpx_oauth(metadata, method):
    client = OAuth2(
        "web",
        SECRET,
        metadata["issuer"] + "/authorize",
        metadata["token_endpoint"],
        refresh_token_endpoint=metadata["token_endpoint"],
        revoke_token_endpoint=metadata["revocation_endpoint"],
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )
    # It knows authorization codes and no passwords: Authlib logs in.
    token = authlib(metadata, scope="offline_access").fetch_token(username="ada", password=PASSWORD, grant_type="password")
    refreshed = await client.refresh_token(token["refresh_token"])
    assert refreshed["refresh_token"] != token["refresh_token"] and not refreshed.is_expired(), refreshed
    await client.revoke_token(refreshed["refresh_token"], "refresh_token")
    await expect_refusal(RefreshTokenError, "invalid_grant", client.refresh_token(refreshed["refresh_token"]))
    await expect_refusal(
        GetAccessTokenError, "unsupported_grant_type", client.get_access_token("code", "https://app.example.com")
    )


async def expect_refusal(kind, error, act):
    try:
        await act
    except kind as found:
        assert found.response.json()["error"] == error, found.response.text
        return
    raise AssertionError(f"no {error}")


def tokens_of_both_kinds(metadata):
    client = authlib(metadata, scope="items:read")
    user = client.fetch_token(username="ada", password=PASSWORD, grant_type="password")
    own = client.fetch_token(grant_type="client_credentials")
    return [user["access_token"], own["access_token"]]


def verify(metadata, tokens):
    issuer, jwks = metadata["issuer"], httpx.get(metadata["jwks_uri"]).raise_for_status().json()
    registry = joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer}, aud={"essential": True, "value": issuer}, exp={"essential": True}
    )
    subjects = []
    for token in tokens:
        verified = joserfc.jwt.decode(token, joserfc.jwk.KeySet.import_key_set(jwks), algorithms=["ES256"])
        registry.validate(verified.claims)
        assert verified.header["typ"] == "at+jwt", verified.header
        claims = jose.jwt.decode(token, jwks, algorithms=["ES256"], audience=issuer, issuer=issuer)
        assert claims == verified.claims and claims["client_id"] == "web", claims
        subjects.append(claims["sub"].split(":")[0])
    assert subjects == ["user", "client"], subjects


def expect_error(error, act):
    try:
        act()
    except OAuthError as found:
        assert found.error == error, found
        return
    raise AssertionError(f"no {error}")


main()
