"""The front end of a tutorial, written against an API with FastAPI's own login: a form, and whoever logged in by name.

API says where that API is.
"""

import html
import os
from typing import Annotated

import httpx
from fastapi import FastAPI, Form
from fastapi.responses import HTMLResponse

API = os.environ["API"]
FORM = """<form method="post" action="/login">
<input name="username"> <input name="password" type="password"> <button>Log in</button>
</form>"""

app = FastAPI(default_response_class=HTMLResponse)


def page(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(f"<p>{html.escape(text)}</p>\n{FORM}", status)


@app.get("/login")
async def show_form():
    return page("Who are you?")


@app.post("/login")
async def log_in(username: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""):
    async with httpx.AsyncClient(base_url=API) as api:
        answer = await api.post("/token", data={"username": username, "password": password})
        if answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer":
            return page(answer.json()["detail"], 401)
        if answer.status_code == 422:
            errors = answer.json()["detail"]
            return page("; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in errors), 422)
        token = answer.raise_for_status().json()
        if token["token_type"] != "bearer":
            raise ValueError("no bearer token")
        me = await api.get("/users/me", headers={"Authorization": f"Bearer {token['access_token']}"})
        user = me.raise_for_status().json()
        return page(f"Hello, {user['full_name'] or user['username']} <{user['email']}>")
