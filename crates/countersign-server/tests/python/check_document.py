"""Schemathesis asks a running server whatever its OpenAPI document allows and forbids, and holds the answers to the document.

    check_document.py LOGIN

At LOGIN, `root` has all scopes that the document names, and `web` is a confidential client. PASSWORD is root's and of everybody
whom this registers, CLIENT_SECRET is web's.
schemathesis.toml says what is looked at, and what is left out for which reason.
"""

import base64
import os
import sys
import uuid
from pathlib import Path

import httpx
import schemathesis
import schemathesis.cli

LOGIN, PASSWORD = sys.argv[1], os.environ["PASSWORD"]
ROOT = {"username": "root", "password": PASSWORD}
CLIENT = "Basic " + base64.b64encode(f"web:{os.environ['CLIENT_SECRET']}".encode()).decode()


def log_in(user):
    answer = httpx.post(f"{LOGIN}/token", data={"grant_type": "password", **user})
    return f"Bearer {answer.raise_for_status().json()['access_token']}"


def me(credentials):
    return httpx.get(f"{LOGIN}/users/me", headers={"Authorization": credentials})


ROOT_ID = me(log_in(ROOT)).raise_for_status().json()["id"]


@schemathesis.auth(refresh_interval=None)
class Tokens:
    """Accounts are administered with root's token; one's own account is that of somebody who may be lost."""

    def __init__(self):
        self.root = log_in(ROOT)
        self.somebody = None

    def get(self, case, context):
        path = context.operation.path
        if path in ["/revoke", "/introspect"]:
            return CLIENT
        if "security" not in context.operation.definition.raw:
            return None
        if not path.startswith("/users/me"):
            return self.root
        if self.somebody is None or me(self.somebody).status_code != 200:
            user = {"username": f"u{uuid.uuid4().hex}", "password": PASSWORD}
            httpx.post(f"{LOGIN}/users", json=user).raise_for_status()
            self.somebody = log_in(user)
        return self.somebody

    def set(self, case, credentials, context):
        case.headers["Authorization"] = credentials


@schemathesis.hook
def before_call(context, case, kwargs):
    """Nobody takes root away, who is in the list of users."""
    if case.path == "/users/{id}" and case.path_parameters.get("id") == ROOT_ID:
        case.path_parameters["id"] = str(uuid.uuid4())


settings = Path(__file__).with_name("schemathesis.toml")
schemathesis.cli.schemathesis(["--config-file", str(settings), "run", f"{LOGIN}/openapi.json"])
