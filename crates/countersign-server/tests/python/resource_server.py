"""An API in FastAPI that takes the tokens of a login server and knows nothing of it but its address.

ISSUER and AUDIENCE say whose tokens it takes, and who it is itself.
"""

import os
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Security, status
from fastapi.security import OAuth2PasswordBearer, SecurityScopes

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]

app = FastAPI()
keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json")
bearer = OAuth2PasswordBearer(tokenUrl=f"{ISSUER}/token", scopes={"items:read": "Read items"})


def read_claims(scopes: SecurityScopes, token: Annotated[str, Depends(bearer)]) -> dict:
    """The claims of a good token that has the scopes of the route."""
    challenge = f'Bearer scope="{scopes.scope_str}"' if scopes.scopes else "Bearer"
    try:
        key = keys.get_signing_key_from_jwt(token)
        decoded = jwt.decode_complete(
            token, key, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER, options={"require": REQUIRED}
        )
    except jwt.PyJWKClientConnectionError:
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "The login server does not answer")
    except jwt.PyJWTError as error:
        raise unauthorized(str(error), challenge)
    if decoded["header"].get("typ") != "at+jwt":
        raise unauthorized("Not an access token", challenge)
    claims = decoded["payload"]
    if not set(scopes.scopes) <= set(claims.get("scope", "").split()):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Not enough permissions", {"WWW-Authenticate": challenge})
    return claims


def unauthorized(detail: str, challenge: str) -> HTTPException:
    return HTTPException(status.HTTP_401_UNAUTHORIZED, detail, {"WWW-Authenticate": challenge})


@app.get("/whoami")
def whoami(claims: Annotated[dict, Depends(read_claims)]):
    return claims


@app.get("/items")
def read_items(claims: Annotated[dict, Security(read_claims, scopes=["items:read"])]):
    return [{"item_id": "Foo", "owner": claims["sub"]}]
