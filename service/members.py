"""Members: people who signed in with a phone number, or were named by one."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from service import ledger, sessions, sign_in_codes
from service.access import Role
from service.config import Config
from service.db import Connection, new_id, transaction
from service.errors import Refusal
from service.phones import Phone, read_phone
from service.senders import Sender, SendingFailed
from service.sessions import Session, SessionEnded, Tokens
from service.sign_in_codes import CodeNotSent, CodeWrong


class CodeSent(msgspec.Struct, frozen=True):
    """A code is on its way, for so long."""

    expires_in_s: int = int(sign_in_codes.LIFE.total_seconds())


class Me(msgspec.Struct, frozen=True):
    """A member's own account: the number's last digits, what they are now, and grams held (one credit each)."""

    member_id: UUID
    phone_hint: str
    roles: list[Role]
    balance_g: int


async def request_code(
    pool: asyncpg.Pool, config: Config, sender: Sender, phone: str, address: str, key: str, now: datetime
) -> CodeSent:
    """Send a sign-in code, once a key: the same answer and work whether or not the number is a member's.

    Raises PhoneInvalid, TooMany and CodeNotSent. The code is sent after the transaction, so that a slow gateway
    holds no connection; a code that could not be sent is forgotten.
    """
    who = read_phone(config, phone)
    async with transaction(pool) as connection:
        code = await sign_in_codes.issue(connection, config, who, address, key, now)
    if code:
        try:
            await sender.send(who.number, code)
        except SendingFailed:
            async with transaction(pool) as connection:
                await sign_in_codes.forget(connection, who, key)
            raise CodeNotSent from None
    return CodeSent()


async def code_on_screen(connection: Connection, config: Config, phone: str, now: datetime) -> str:
    """A new code for whoever runs this machine to read: it is sent to nobody, so the limits on sending do not count it.

    Raises PhoneInvalid.
    """
    return await sign_in_codes.replace_code(connection, config, read_phone(config, phone), str(new_id()), now)


async def sign_in(pool: asyncpg.Pool, config: Config, phone: str, code: str, key: str, now: datetime) -> Tokens:
    """Open an app's session by a code. The same key again gets a pair for the same session, while the code lives.

    Raises PhoneInvalid, CodeWrong (wrong, expired, used or never sent) and CodeUsedUp.
    """
    async with transaction(pool) as connection:
        opened = await open_by_code(connection, config, phone, code, "app", key, now)
        if isinstance(opened, Session):
            return await sessions.issue_tokens(connection, config, opened, now)
    raise opened


async def sign_in_browser(pool: asyncpg.Pool, config: Config, phone: str, code: str, key: str, now: datetime) -> str:
    """Open a browser's session by a code: its cookie. Otherwise as `sign_in`."""
    async with transaction(pool) as connection:
        opened = await open_by_code(connection, config, phone, code, "browser", key, now)
    if isinstance(opened, Session):
        return sessions.cookie_of(config, opened)
    raise opened


async def open_by_code(
    connection: Connection,
    config: Config,
    phone: str,
    code: str,
    kind: Literal["app", "browser"],
    key: str,
    now: datetime,
) -> Session | Refusal:
    """The session that a right code opens, or that it opened for this key before; else why not."""
    who = read_phone(config, phone)
    tried = await sign_in_codes.try_code(connection, config, who, code, now)
    if isinstance(tried, Refusal):
        return tried
    if tried:
        return await sessions.find_unused(connection, tried, kind, key, now) or CodeWrong()
    member_id = await make_member(connection, who)
    session = await sessions.open_session(connection, member_id, kind, key, now)
    await sign_in_codes.spend(connection, who, session.id)
    return session


async def member_by_phone(connection: Connection, config: Config, phone: str) -> UUID:
    """The member with this number, made known where it was not. Raises PhoneInvalid."""
    return await make_member(connection, read_phone(config, phone))


async def make_member(connection: Connection, phone: Phone) -> UUID:
    """The member with this number; a new one gets an account in the ledger."""
    found: UUID | None = await connection.fetchval("SELECT id FROM members WHERE phone_digest = $1", phone.digest)
    if found:
        return found
    made: UUID | None = await connection.fetchval(
        """
        INSERT INTO members (id, phone_digest, phone_hint) VALUES ($1, $2, $3)
        ON CONFLICT (phone_digest) DO NOTHING RETURNING id
        """,
        new_id(),
        phone.digest,
        phone.hint,
    )
    if made is None:  # somebody else made it between the two statements
        return await make_member(connection, phone)
    await ledger.open_account(connection, made, "member")
    return made


async def read_me(connection: Connection, member_id: UUID) -> Me:
    """What a member may know of their own account. Raises SessionEnded when there is no such member."""
    hint = await connection.fetchval("SELECT phone_hint FROM members WHERE id = $1", member_id)
    if hint is None:
        raise SessionEnded
    roles = await sessions.roles_of(connection, member_id)
    return Me(member_id, hint, sorted(roles - {Role.PUBLIC}), await ledger.balance_g(connection, member_id))
