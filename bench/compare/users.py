"""FastAPI-Users over SQLAlchemy and SQLite, with its JWT strategy and its defaults; users.db is in the working directory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

SECRET = "a-secret-of-the-bench-which-is-long-enough"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


engine = create_async_engine("sqlite+aiosqlite:///./users.db")
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def user_table() -> AsyncIterator[SQLAlchemyUserDatabase]:
    async with sessions() as session:
        yield SQLAlchemyUserDatabase(session, User)


async def user_manager(table: Annotated[SQLAlchemyUserDatabase, Depends(user_table)]) -> AsyncIterator[UserManager]:
    yield UserManager(table)


@asynccontextmanager
async def with_tables(_: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield


def strategy() -> JWTStrategy:
    return JWTStrategy(SECRET, lifetime_seconds=1800)


class UserRead(schemas.BaseUser[UUID]):
    pass


class UserCreate(schemas.BaseUserCreate):
    pass


class UserUpdate(schemas.BaseUserUpdate):
    pass


backend = AuthenticationBackend("jwt", BearerTransport("login"), strategy)
users = FastAPIUsers[User, UUID](user_manager, [backend])

app = FastAPI(lifespan=with_tables)
app.include_router(users.get_auth_router(backend))
app.include_router(users.get_register_router(UserRead, UserCreate))
app.include_router(users.get_users_router(UserRead, UserUpdate), prefix="/users")
