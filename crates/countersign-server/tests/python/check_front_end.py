"""Logs in at front_end.py as a person does, and at Countersign as the JavaScript of the tutorials does.

    check_front_end.py FRONT_END API

At API, `ada` is Ada Lovelace, ada@example.com; PASSWORD is hers.
"""

import os
import sys
from urllib.parse import urlencode

import httpx

PASSWORD = os.environ["PASSWORD"]
FETCH = {
    "Accept": "*/*",
    "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
}


def a_person_logs_in(front_end):
    assert "<form" in expect(200, httpx.get(f"{front_end}/login")).text
    for username, password, status, text in [
        ("ada", PASSWORD, 200, "Hello, Ada Lovelace &lt;ada@example.com&gt;"),
        ("ada", "wrong", 401, "Incorrect username or password"),
        ("nobody", PASSWORD, 401, "Incorrect username or password"),
        ("ada", "", 422, "<p>password: Field required</p>"),
        ("", "", 422, "<p>username: Field required; password: Field required</p>"),
    ]:
        form = {"username": username, "password": password}
        answer = expect(status, httpx.post(f"{front_end}/login", data=form))
        assert text in answer.text, answer.text


def javascript_logs_in(api):
    # `body: new URLSearchParams({username, password})`
    answer = expect(200, fetch(f"{api}/token", username="ada", password=PASSWORD)).json()
    assert answer.keys() == {"access_token", "token_type"}, answer
    assert answer["token_type"] == "bearer", answer
    # FastAPI's own tutorial asks for `/users/me/`, another for `/users/me`: with FastAPI either is found.
    for path in ["/users/me", "/users/me/"]:
        headers = {"Authorization": f"Bearer {answer['access_token']}"}
        me = expect(200, httpx.get(f"{api}{path}", headers=headers, follow_redirects=True)).json()
        assert (me["username"], me["full_name"], me["disabled"]) == ("ada", "Ada Lovelace", False), me
    expect(200, fetch(f"{api}/token/", username="ada", password=PASSWORD))
    # Swagger UI and generated clients fill in the rest of the form.
    rest = {"grant_type": "password", "scope": "", "client_id": "string", "client_secret": "string"}
    expect(200, fetch(f"{api}/token", username="ada", password=PASSWORD, **rest))
    # `body: new FormData(form)` is multipart.
    parts = {"username": (None, "ada"), "password": (None, PASSWORD)}
    expect(200, httpx.post(f"{api}/token", files=parts))


def javascript_reads_errors(api):
    wrong = expect(401, fetch(f"{api}/token", username="ada", password="wrong"))
    assert wrong.json() == {"detail": "Incorrect username or password"}, wrong.text
    assert wrong.headers["www-authenticate"] == "Bearer", wrong.headers

    # `body: JSON.stringify(…)` is the mistake that everybody makes once.
    as_json = httpx.post(f"{api}/token", json={"username": "ada", "password": PASSWORD})
    errors = expect(422, as_json).json()["detail"]
    assert [error["loc"] for error in errors] == [["body", "username"], ["body", "password"]], errors
    assert all(error["type"] == "missing" and error["msg"] == "Field required" for error in errors), errors

    for headers in [{}, {"Authorization": "Bearer nonsense"}]:
        refused = expect(401, httpx.get(f"{api}/users/me", headers=headers))
        assert isinstance(refused.json()["detail"], str), refused.text
        assert refused.headers["www-authenticate"].startswith("Bearer"), refused.headers


def fetch(url, **fields):
    return httpx.post(url, content=urlencode(fields), headers=FETCH, follow_redirects=True)


def expect(status, answer):
    assert answer.status_code == status, f"{answer.request.url}: {answer.status_code} {answer.text}"
    return answer


front_end, api = sys.argv[1:]
a_person_logs_in(front_end)
javascript_logs_in(api)
javascript_reads_errors(api)
