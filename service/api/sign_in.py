"""Signing in and out. Tokens are never stored, so a repeat with the same Idempotency-Key makes them anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.datastructures import CacheControlHeader
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from service import members, sessions
from service.access import Caller
from service.api.given import Config, Limits, Pool, Sender
from service.api.problems import WRITES, refuses
from service.api.requests import Key
from service.db import transaction
from service.inputs import CodeText, PhoneText, TokenText
from service.members import CodeSent, Me
from service.phones import PhoneInvalid
from service.sessions import SessionEnded, TokenForged, Tokens
from service.sign_in_codes import CodeNotSent, CodeUsedUp, CodeWrong

NEVER_KEPT = CacheControlHeader(no_store=True)


class SignInPhone(msgspec.Struct, forbid_unknown_fields=True):
    """Whose phone a code shall go to."""

    phone: PhoneText


class SignInCode(msgspec.Struct, forbid_unknown_fields=True):
    """The code that came to a phone."""

    phone: PhoneText
    code: CodeText


class RefreshToken(msgspec.Struct, forbid_unknown_fields=True):
    """The refresh token of the last pair."""

    refresh_token: TokenText


@post("/sign-in/codes", status_code=202, responses=refuses(PhoneInvalid, CodeNotSent, *WRITES))
async def request_code(
    request: Request[Caller, Any, Any],
    data: JSONBody[SignInPhone],
    key: Key,
    pool: Pool,
    config: Config,
    sender: Sender,
    limits: Limits,
) -> CodeSent:
    """Send a one-time code to a phone. The answer is the same whether or not the number is a member's."""
    caller = request.user.address
    limits.sign_in(caller)
    return await members.request_code(pool, config, sender, data.phone, caller, key, datetime.now(UTC))


@post(
    "/sign-in/sessions",
    status_code=201,
    cache_control=NEVER_KEPT,
    responses=refuses(PhoneInvalid, CodeWrong, CodeUsedUp, *WRITES),
)
async def sign_in(
    request: Request[Caller, Any, Any],
    data: JSONBody[SignInCode],
    key: Key,
    pool: Pool,
    config: Config,
    limits: Limits,
) -> Tokens:
    """Sign in with the code. The first time makes the account."""
    limits.sign_in(request.user.address)
    return await members.sign_in(pool, config, data.phone, data.code, key, datetime.now(UTC))


@post(
    "/sign-in/rotations",
    status_code=201,
    cache_control=NEVER_KEPT,
    responses=refuses(TokenForged, SessionEnded, *WRITES),
)
async def rotate(
    request: Request[Caller, Any, Any],
    data: JSONBody[RefreshToken],
    key: Key,
    pool: Pool,
    config: Config,
    limits: Limits,
) -> Tokens:
    """Change a refresh token for the next pair. A token used before ends the session."""
    limits.sign_in(request.user.address)
    return await sessions.rotate(pool, config, data.refresh_token, key, datetime.now(UTC))


@post("/sign-out", status_code=204, responses=refuses(TokenForged, *WRITES))
async def sign_out(data: JSONBody[RefreshToken], key: Key, pool: Pool, config: Config) -> None:
    """End the session of a refresh token; again does no harm."""
    async with transaction(pool) as connection:
        await sessions.sign_out(connection, config, data.refresh_token, datetime.now(UTC))


@get("/me", cache_control=NEVER_KEPT, responses=refuses(SessionEnded))
async def read_me(request: Request[Caller, Any, Any], pool: Pool) -> Me:
    """The caller's own account."""
    async with pool.acquire() as connection:
        return await members.read_me(connection, request.user.member)


routes: list[ControllerRouterHandler] = [request_code, sign_in, rotate, sign_out, read_me]
