"""One-time codes: six digits, five minutes, five tries, one live code a number; how often they are sent.

Only a keyed digest of a code is stored. Nothing here asks whether a number belongs to a member, so that neither the
answer nor the time it takes can tell.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from service.config import Config
from service.db import Connection
from service.errors import NotReady, NotSignedIn, TooMany
from service.limits import network_of
from service.phones import Phone

LIFE = timedelta(minutes=5)
TRIES = 5
SENDS_A_NUMBER_AN_HOUR = 5


class CodeWrong(NotSignedIn):
    """验证码不正确或已过期。"""

    code = "code_wrong"


class CodeUsedUp(NotSignedIn):
    """验证码已输错 5 次，请重新获取。"""

    code = "code_used_up"


class CodeNotSent(NotReady):
    """验证码没有发出，请一分钟后再试。"""

    code = "code_not_sent"
    retry_after_s = 60


async def issue(
    connection: Connection, config: Config, phone: Phone, address: str, key: str, now: datetime
) -> str | None:
    """A new code that replaces the number's last one; None when this very request (its key) was served before.

    Raises TooMany: a number gets one a minute and five an hour, a network what the settings say.
    """
    sender = hmac.digest(config.key("address"), network_of(address).encode(), hashlib.sha256)
    await take_turns(connection, phone.digest, sender)
    if await was_issued(connection, phone.digest, key, now):
        return None
    await count_send(connection, config, phone.digest, sender, now)
    return await replace_code(connection, config, phone, key, now)


async def replace_code(connection: Connection, config: Config, phone: Phone, key: str, now: datetime) -> str:
    """A new code in the place of the number's last one, whoever asked for that."""
    code = f"{secrets.randbelow(1_000_000):06}"
    await connection.execute(
        """
        INSERT INTO sign_in_codes (phone_digest, code_digest, tries_left, expires_at, sent_for)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (phone_digest) DO UPDATE SET code_digest = excluded.code_digest,
            tries_left = excluded.tries_left, expires_at = excluded.expires_at, sent_for = excluded.sent_for,
            session_id = NULL
        """,
        phone.digest,
        digest_of(config, phone, code),
        TRIES,
        now + LIFE,
        key,
    )
    return code


async def take_turns(connection: Connection, *digests: bytes) -> None:
    """Wait, until the transaction ends, for whoever counts sends to the same number or from the same network."""
    locks = sorted(int.from_bytes(digest[:8], signed=True) for digest in digests)
    await connection.execute("SELECT pg_advisory_xact_lock(turn) FROM unnest($1::bigint[]) AS turn", locks)


async def was_issued(connection: Connection, phone_digest: bytes, key: str, now: datetime) -> bool:
    """Whether the number's live code was made for this key."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM sign_in_codes WHERE phone_digest = $1 AND sent_for = $2 AND expires_at > $3",
            phone_digest,
            key,
            now,
        )
    )


async def count_send(
    connection: Connection, config: Config, phone_digest: bytes, address_digest: bytes, now: datetime
) -> None:
    """Note a send. Raises TooMany when the number or the network had its share."""
    again_at: datetime | None = await connection.fetchval(
        """
        SELECT max(again_at) FROM (
            (SELECT sent_at + interval '1 minute' AS again_at FROM sign_in_sends
            WHERE phone_digest = $1 AND sent_at > $3::timestamptz - interval '1 minute'
            ORDER BY sent_at DESC LIMIT 1)
            UNION ALL
            (SELECT sent_at + interval '1 hour' FROM sign_in_sends
            WHERE phone_digest = $1 AND sent_at > $3::timestamptz - interval '1 hour'
            ORDER BY sent_at DESC OFFSET $4::integer - 1 LIMIT 1)
            UNION ALL
            (SELECT sent_at + interval '1 hour' FROM sign_in_sends
            WHERE address_digest = $2 AND sent_at > $3::timestamptz - interval '1 hour'
            ORDER BY sent_at DESC OFFSET $5::integer - 1 LIMIT 1)
        ) AS limits
        """,
        phone_digest,
        address_digest,
        now,
        SENDS_A_NUMBER_AN_HOUR,
        config.code_sends_per_address_an_hour,
    )
    if again_at:
        raise TooMany(max(1, ceil((again_at - now).total_seconds())))
    await connection.execute(
        "INSERT INTO sign_in_sends (phone_digest, address_digest, sent_at) VALUES ($1, $2, $3)",
        phone_digest,
        address_digest,
        now,
    )


async def forget(connection: Connection, phone: Phone, key: str) -> None:
    """Drop the code that was made for a key but could not be sent. The send stays counted."""
    await connection.execute("DELETE FROM sign_in_codes WHERE phone_digest = $1 AND sent_for = $2", phone.digest, key)


async def try_code(
    connection: Connection, config: Config, phone: Phone, code: str, now: datetime
) -> CodeWrong | CodeUsedUp | UUID | None:
    """Try a code: None when it is right (mark it with `spend`), the session's id when it was right before.

    A wrong try is counted in the caller's transaction, which must therefore commit: so refusals are returned, not
    raised. The number's row stays locked, so that guesses made at once are counted one by one.
    """
    row = await connection.fetchrow(
        """
        SELECT code_digest, tries_left, session_id FROM sign_in_codes
        WHERE phone_digest = $1 AND expires_at > $2 FOR NO KEY UPDATE
        """,
        phone.digest,
        now,
    )
    if row is None:
        return CodeWrong()
    right = hmac.compare_digest(row["code_digest"], digest_of(config, phone, code))
    if row["session_id"]:
        return row["session_id"] if right else CodeWrong()
    if row["tries_left"] == 0:
        return CodeUsedUp()
    if right:
        return None
    await connection.execute(
        "UPDATE sign_in_codes SET tries_left = tries_left - 1 WHERE phone_digest = $1", phone.digest
    )
    return CodeUsedUp() if row["tries_left"] == 1 else CodeWrong()


async def spend(connection: Connection, phone: Phone, session_id: UUID) -> None:
    """Note which session the number's code opened: it opens no other."""
    await connection.execute(
        "UPDATE sign_in_codes SET session_id = $2 WHERE phone_digest = $1", phone.digest, session_id
    )


def digest_of(config: Config, phone: Phone, typed: str) -> bytes:
    """The keyed digest of a number's code, in full-width digits or with spaces as it may be typed."""
    code = "".join(unicodedata.normalize("NFKC", typed).split())
    return hmac.digest(config.key("sign-in code"), f"{phone.number} {code}".encode(), hashlib.sha256)


async def forget_old(connection: Connection, before: datetime) -> None:
    """Forget what was sent, and codes that expired, before then: nothing asks for them any more."""
    await connection.execute("DELETE FROM sign_in_sends WHERE sent_at < $1", before)
    await connection.execute("DELETE FROM sign_in_codes WHERE expires_at < $1", before)
