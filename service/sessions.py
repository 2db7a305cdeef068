"""Tokens. An access token (15 minutes, JWT) says who and which roles; a refresh token opens the next pair.

A refresh token is `<session id>.<generation>.<keyed digest>`: derived, never stored. Using it raises the generation;
using an older one ends the session, unless it is a repeat of the very request that was answered last.
A browser's cookie has the same shape and is not rotated. An access token outlives its session by 15 minutes at most.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg
import jwt
import msgspec

from service.access import Caller, Role, roles_as
from service.config import Config
from service.db import Connection, new_id, transaction
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


class Session(NamedTuple):
    """A live session as it stands: whose, and which generation of refresh token is good."""

    id: UUID
    member_id: UUID
    generation: int = 0


async def open_session(
    connection: Connection, member_id: UUID, kind: Literal["app", "browser"], key: str, now: datetime
) -> Session:
    """Begin a session for a member. `key` is the Idempotency-Key of the request that signed in."""
    session = Session(new_id(), member_id)
    await connection.execute(
        """
        INSERT INTO sessions (id, member_id, kind, rotation_key, opened_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        session.id,
        member_id,
        kind,
        key,
        now,
        now + SESSION_LIFE,
    )
    return session


async def find_unused(connection: Connection, session_id: UUID, kind: str, key: str, now: datetime) -> Session | None:
    """A live session that was opened with this key and has not been rotated since."""
    member_id = await connection.fetchval(
        """
        SELECT member_id FROM sessions
        WHERE id = $1 AND kind = $2 AND rotation_key = $3 AND generation = 0 AND ended_at IS NULL AND expires_at > $4
        """,
        session_id,
        kind,
        key,
        now,
    )
    return Session(session_id, member_id) if member_id else None


async def rotate(pool: asyncpg.Pool, config: Config, token: str, key: str, now: datetime) -> Tokens:
    """The next pair for a refresh token. `key` is the request's Idempotency-Key: its repeat gets the same successor.

    Raises TokenForged, or SessionEnded: also when this very use ends the session, the token having been used.
    """
    session_id, generation = read_refresh_token(config, token)
    async with transaction(pool) as connection:
        if rotated := await advance(connection, session_id, generation, key, now):
            return await issue_tokens(connection, config, rotated, now)
    raise SessionEnded


async def advance(connection: Connection, session_id: UUID, generation: int, key: str, now: datetime) -> Session | None:
    """Move an app's session past a generation, once a key; None when it has ended, or ends now by a token's reuse."""
    row = await connection.fetchrow(
        """
        SELECT member_id, generation, rotation_key FROM sessions
        WHERE id = $1 AND kind = 'app' AND ended_at IS NULL AND expires_at > $2
        FOR NO KEY UPDATE
        """,
        session_id,
        now,
    )
    if row is None:
        return None
    if row["generation"] == generation:
        await connection.execute(
            "UPDATE sessions SET generation = generation + 1, rotation_key = $2, expires_at = $3 WHERE id = $1",
            session_id,
            key,
            now + SESSION_LIFE,
        )
    elif (row["generation"], row["rotation_key"]) != (generation + 1, key):
        await end_session(connection, session_id, "reused", now)
        return None
    return Session(session_id, row["member_id"], generation + 1)


async def sign_out(connection: Connection, config: Config, token: str, now: datetime) -> None:
    """End the session of a refresh token or a browser's cookie, if it has not ended. Raises TokenForged."""
    session_id, _ = read_refresh_token(config, token)
    await end_session(connection, session_id, "signed_out", now)


async def end_session(
    connection: Connection, session_id: UUID, because: Literal["signed_out", "reused"], now: datetime
) -> None:
    """End a session, once."""
    await connection.execute(
        "UPDATE sessions SET ended_at = $2, ended_because = $3 WHERE id = $1 AND ended_at IS NULL",
        session_id,
        now,
        because,
    )


async def forget_old(connection: Connection, before: datetime) -> None:
    """Forget sessions that ended or expired before then."""
    await connection.execute("DELETE FROM sessions WHERE least(ended_at, expires_at) < $1", before)


async def roles_of(connection: Connection, member_id: UUID) -> frozenset[Role]:
    """What a member may be called: always a citizen, and what organizations and authorities made of them.

    A verifier is one whose organization was ever registered as such; for which event, `organizations.roles_at` says.
    """
    rows = await connection.fetch(
        """
        SELECT role FROM organization_members WHERE member_id = $1
        UNION SELECT 'authority' FROM authority_members WHERE member_id = $1
        UNION SELECT 'operator' FROM operators WHERE member_id = $1
        UNION SELECT 'verifier' FROM organization_members JOIN verifier_registrations USING (organization_id)
        WHERE member_id = $1 AND role IN ('owner', 'editor')
        """,
        member_id,
    )
    return roles_as(*(row["role"] for row in rows)) | {Role.PUBLIC, Role.CITIZEN}


async def issue_tokens(connection: Connection, config: Config, session: Session, now: datetime) -> Tokens:
    """The pair of a session's generation, with the roles that the member has now."""
    roles = await roles_of(connection, session.member_id)
    return Tokens(
        access_token(config, session.member_id, roles, now), refresh_token(config, session.id, session.generation)
    )


def access_token(config: Config, member_id: UUID, roles: frozenset[Role], now: datetime) -> str:
    """A token that speaks for a member in these roles for 15 minutes."""
    claims = {"sub": member_id.hex, "roles": sorted(roles), "iat": now, "exp": now + ACCESS_LIFE}
    return jwt.encode(claims, config.key("access token"), algorithm="HS256")


def refresh_token(config: Config, session_id: UUID, generation: int) -> str:
    """The refresh token of a session's generation."""
    signed = f"{session_id.hex}.{generation}"
    mark = hmac.digest(config.key("refresh token"), signed.encode(), hashlib.sha256)
    return f"{signed}.{mark.hex()}"


def cookie_of(config: Config, session: Session) -> str:
    """The cookie of a browser's session."""
    return refresh_token(config, session.id, 0)


def read_refresh_token(config: Config, token: str) -> tuple[UUID, int]:
    """The session and generation that a genuine token or cookie names. Raises TokenForged."""
    try:
        session_hex, generation, _ = token.split(".")
        session_id, number = UUID(hex=session_hex), int(generation)
        genuine = hmac.compare_digest(refresh_token(config, session_id, number).encode(), token.encode())
    except ValueError:
        raise TokenForged from None
    if not genuine:
        raise TokenForged
    return session_id, number


def read_access_token(config: Config, token: str, address: str) -> Caller:
    """Who an access token speaks for. Raises TokenForged when it is forged or expired."""
    try:
        claims = jwt.decode(
            token, config.key("access token"), algorithms=["HS256"], options={"require": ["exp", "sub"]}
        )
        return Caller(UUID(hex=claims["sub"]), frozenset(Role(role) for role in claims["roles"]), address)
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise TokenForged from None


async def read_browser_token(connection: Connection, config: Config, token: str, address: str, now: datetime) -> Caller:
    """Who a browser's cookie speaks for; nobody in particular when it is no good."""
    nobody = Caller(None, PUBLIC_ONLY, address)
    try:
        session_id, _ = read_refresh_token(config, token)
    except TokenForged:
        return nobody
    member_id = await connection.fetchval(
        """
        SELECT member_id FROM sessions
        WHERE id = $1 AND kind = 'browser' AND ended_at IS NULL AND expires_at > $2
        """,
        session_id,
        now,
    )
    if member_id is None:
        return nobody
    return Caller(member_id, await roles_of(connection, member_id), address)
