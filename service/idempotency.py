"""A POST repeated with the same Idempotency-Key answers as before and does nothing again.

Three states: in flight (the row is locked by the transaction that answers: a repeat waits for it), committed, and
refused (its problem document is kept as the answer). The same key with other content is refused as `id_reused`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from service.db import Connection, transaction
from service.errors import IdReused, NotReady, Refusal


class Answer(msgspec.Struct, frozen=True):
    """A response as first given: HTTP status, encoded body, media type."""

    status: int
    body: bytes
    media_type: str


def digest(*parts: Any) -> bytes:
    """SHA-256 of a request's content, by its canonical encoding."""
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).digest()


async def once(
    pool: asyncpg.Pool,
    caller: str,
    key: str,
    request_digest: bytes,
    work: Callable[[Connection], Awaitable[Answer]],
    refused: Callable[[Refusal], Answer],
) -> Answer:
    """Do `work` in a transaction and keep its answer; for a repeat, return the answer kept.

    `refused` turns a refusal into the answer that is kept; one that asks to come back later is raised and not kept.
    Raises IdReused, and whatever fault `work` raises.
    """
    async with transaction(pool) as connection:
        if not await reserve(connection, caller, key, request_digest):
            return await kept(connection, caller, key, request_digest)
        try:
            async with connection.transaction():
                answer = await work(connection)
        except Refusal as refusal:
            if refusal.retry_after_s is not None:
                raise
            answer = refused(refusal)
        await connection.execute(
            """
            UPDATE idempotent_requests SET status = $3, answer = $4, media_type = $5
            WHERE caller = $1 AND key = $2
            """,
            caller,
            key,
            answer.status,
            answer.body,
            answer.media_type,
        )
        return answer


async def reserve(connection: Connection, caller: str, key: str, request_digest: bytes) -> bool:
    """Take the key; False when it was taken before. Waits for whoever is just answering under it."""
    return bool(
        await connection.fetchval(
            """
            INSERT INTO idempotent_requests (caller, key, request_digest) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING RETURNING true
            """,
            caller,
            key,
            request_digest,
        )
    )


async def kept(connection: Connection, caller: str, key: str, request_digest: bytes) -> Answer:
    """The answer first given under this key. Raises IdReused when the content differs."""
    row = await connection.fetchrow(
        "SELECT request_digest, status, answer, media_type FROM idempotent_requests WHERE caller = $1 AND key = $2",
        caller,
        key,
    )
    if row is None:  # cleaned away since: the next attempt finds the key free
        raise NotReady
    if row["request_digest"] != request_digest:
        raise IdReused
    return Answer(row["status"], row["answer"], row["media_type"])


async def forget(connection: Connection, before: datetime) -> None:
    """Forget answers given before then: who asks again after so long asks anew."""
    await connection.execute("DELETE FROM idempotent_requests WHERE asked_at < $1", before)
