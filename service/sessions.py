"""Tokens. An access token (15 minutes, JWT) says who and which roles; a refresh token opens the next pair.

A refresh token is `<session id>.<generation>.<keyed digest>`: derived, never stored. Using it raises the generation;
using an older one ends the session, unless it is a repeat of the very request that was answered last.
A browser's cookie has the same shape and is not rotated.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import jwt
import msgspec

from service.access import Caller, Role
from service.config import Config
from service.db import Connection, new_id
from service.errors import NotSignedIn

ACCESS_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(days=30)
PUBLIC_ONLY = frozenset({Role.PUBLIC})


class SessionEnded(NotSignedIn):
    """登录已失效，请重新登录。"""

    code = "session_ended"


class TokenForged(NotSignedIn):
    """登录凭证无效或已过期。"""

    code = "token_invalid"


class Tokens(msgspec.Struct, frozen=True):
    """A pair of tokens. `expires_in_s` is the access token's life."""

    access_token: str
    refresh_token: str
    expires_in_s: int = int(ACCESS_LIFE.total_seconds())


async def open_session(connection: Connection, config: Config, member_id: UUID, kind: str, now: datetime) -> UUID:
    """Begin a session of kind 'app' or 'browser' for a member."""
    session_id = new_id()
    await connection.execute(
        "INSERT INTO sessions (id, member_id, kind, opened_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        session_id,
        member_id,
        kind,
        now,
        now + SESSION_LIFE,
    )
    return session_id


def refresh_token(config: Config, session_id: UUID, generation: int) -> str:
    """The token of a session's generation; also a browser's cookie (generation 0)."""
    signed = f"{session_id.hex}.{generation}"
    mark = hmac.digest(config.key("refresh token"), signed.encode(), hashlib.sha256)
    return f"{signed}.{mark.hex()}"


def read_refresh_token(config: Config, token: str) -> tuple[UUID, int]:
    """The session and generation that a genuine token names. Raises TokenForged."""
    try:
        session_hex, generation, _ = token.split(".")
        session_id, number = UUID(hex=session_hex), int(generation)
    except ValueError:
        raise TokenForged from None
    if not hmac.compare_digest(refresh_token(config, session_id, number).encode(), token.encode()):
        raise TokenForged
    return session_id, number


async def rotate(pool: asyncpg.Pool, config: Config, token: str, key: str, now: datetime) -> Tokens:
    """The next pair for a refresh token. `key` is the request's Idempotency-Key: its repeat gets the same successor.

    Raises TokenForged, or SessionEnded: also when this very use ends the session, the token having been used.
    """
    session_id, generation = read_refresh_token(config, token)
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            """
            SELECT member_id, kind, generation, rotation_key, ended_at, expires_at
            FROM sessions WHERE id = $1 FOR NO KEY UPDATE
            """,
            session_id,
        )
        alive = row and row["ended_at"] is None and row["expires_at"] > now and row["kind"] == "app"
        fresh = alive and row["generation"] == generation
        repeat = alive and row["generation"] == generation + 1 and row["rotation_key"] == key
        if fresh:
            await connection.execute(
                """
                UPDATE sessions SET generation = generation + 1, rotation_key = $2, expires_at = $3
                WHERE id = $1
                """,
                session_id,
                key,
                now + SESSION_LIFE,
            )
        elif alive and not repeat:
            await end_session(connection, session_id, "reused", now)
        if fresh or repeat:
            roles = await roles_of(connection, row["member_id"])
            return pair(config, row["member_id"], roles, session_id, generation + 1, now)
    raise SessionEnded


async def end_session(connection: Connection, session_id: UUID, because: str, now: datetime) -> None:
    """End a session, once: 'signed_out' or 'reused'."""
    await connection.execute(
        "UPDATE sessions SET ended_at = $2, ended_because = $3 WHERE id = $1 AND ended_at IS NULL",
        session_id,
        now,
        because,
    )


async def roles_of(connection: Connection, member_id: UUID) -> frozenset[Role]:
    """What a member may be called: always a citizen, and what organizations and authorities made of them."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT role FROM organization_members WHERE member_id = $1
        UNION SELECT 'authority' FROM authority_members WHERE member_id = $1
        """,
        member_id,
    )
    return frozenset({Role.PUBLIC, Role.CITIZEN, *(Role(row["role"]) for row in rows)})


def pair(
    config: Config, member_id: UUID, roles: frozenset[Role], session_id: UUID, generation: int, now: datetime
) -> Tokens:
    """The tokens of a session's generation."""
    access = jwt.encode(
        {"sub": member_id.hex, "roles": sorted(roles), "iat": now, "exp": now + ACCESS_LIFE},
        config.key("access token"),
        algorithm="HS256",
    )
    return Tokens(access, refresh_token(config, session_id, generation))


def read_access_token(config: Config, token: str, address: str) -> Caller:
    """Who an access token speaks for. Raises TokenForged when it is forged or expired."""
    try:
        claims = jwt.decode(
            token, config.key("access token"), algorithms=["HS256"], options={"require": ["exp", "sub"]}
        )
        return Caller(UUID(hex=claims["sub"]), frozenset(Role(role) for role in claims["roles"]), address)
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise TokenForged from None


async def read_browser_token(pool: asyncpg.Pool, config: Config, token: str, address: str) -> Caller:
    """Who a browser's cookie speaks for; nobody in particular when it is no good."""
    nobody = Caller(None, PUBLIC_ONLY, address)
    try:
        session_id, _ = read_refresh_token(config, token)
    except TokenForged:
        return nobody
    async with pool.acquire() as connection:
        member_id = await connection.fetchval(
            """
            SELECT member_id FROM sessions
            WHERE id = $1 AND kind = 'browser' AND ended_at IS NULL AND expires_at > $2
            """,
            session_id,
            datetime.now(UTC),
        )
        if member_id is None:
            return nobody
        return Caller(member_id, await roles_of(connection, member_id), address)
