"""What the security chapters of the FastAPI tutorial arrive at: the password flow, Argon2 through pwdlib, HS256 tokens."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pwdlib import PasswordHash
from pydantic import BaseModel

SECRET = "a-secret-of-the-bench-which-is-long-enough"
ALGORITHM = "HS256"
LIFETIME = timedelta(minutes=30)

hashing = PasswordHash.recommended()


class User(BaseModel):
    username: str
    email: str | None = None
    full_name: str | None = None
    disabled: bool | None = None


class StoredUser(User):
    hashed_password: str


class Token(BaseModel):
    access_token: str
    token_type: str


USERS = {
    "johndoe": {
        "username": "johndoe",
        "email": "johndoe@example.com",
        "full_name": "John Doe",
        "disabled": False,
        "hashed_password": hashing.hash("correct-horse-1"),
    }
}
NOBODY = hashing.hash("nobody has this password")

app = FastAPI()
bearer = OAuth2PasswordBearer(tokenUrl="token")


def find(username: str) -> StoredUser | None:
    return StoredUser(**USERS[username]) if username in USERS else None


def authenticate(username: str, password: str) -> StoredUser | None:
    user = find(username)
    good = hashing.verify(password, user.hashed_password if user else NOBODY)
    return user if user and good else None


async def current_user(token: Annotated[str, Depends(bearer)]) -> StoredUser:
    refused = HTTPException(
        status.HTTP_401_UNAUTHORIZED, "The token is not valid", headers={"WWW-Authenticate": "Bearer"}
    )
    try:
        username = jwt.decode(token, SECRET, algorithms=[ALGORITHM]).get("sub")
    except jwt.InvalidTokenError:
        raise refused from None
    user = find(username) if username else None
    if user is None:
        raise refused
    return user


async def active_user(user: Annotated[StoredUser, Depends(current_user)]) -> StoredUser:
    if user.disabled:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "The user is disabled")
    return user


# Like the tutorial's, this function is async, and so hashes on the event loop.
@app.post("/token")
async def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
    user = authenticate(form.username, form.password)
    if user is None:
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED, "Wrong name or password", headers={"WWW-Authenticate": "Bearer"}
        )
    claims = {"sub": user.username, "exp": datetime.now(UTC) + LIFETIME}
    return Token(access_token=jwt.encode(claims, SECRET, algorithm=ALGORITHM), token_type="bearer")


@app.get("/users/me")
async def me(user: Annotated[StoredUser, Depends(active_user)]) -> User:
    return user
