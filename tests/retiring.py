"""Citizens and events who retire, without HTTP."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import asyncpg

from service import retirements
from service.certificates import Certificate
from service.db import new_id, transaction
from service.donations import Donation, DonationRequest, donate_many
from service.errors import Refusal
from service.retirements import NewEventRetirement, NewRetirement

OWN = NewRetirement(grams=1, beneficiary="张三丰", purpose="抵消 2026 年 11 月的通勤")
FOR_EVENT = NewEventRetirement(grams=1, beneficiary="碳惠会务", purpose="零碳会议")


def own(grams: int, **changes: Any) -> NewRetirement:
    """What a citizen asks."""
    return NewRetirement(grams=grams, beneficiary=OWN.beneficiary, purpose=OWN.purpose, **changes)


def for_event(grams: int) -> NewEventRetirement:
    """What an organizer asks."""
    return NewEventRetirement(grams=grams, beneficiary=FOR_EVENT.beneficiary, purpose=FOR_EVENT.purpose)


async def retire_own(pool: asyncpg.Pool, member: UUID, new: NewRetirement, id_: UUID | None = None) -> Certificate:
    """Retire, committed."""
    async with transaction(pool) as connection:
        return await retirements.retire_own(connection, id_ or new_id(), member, new)


async def retire_given(pool: asyncpg.Pool, event: UUID, grams: int, id_: UUID | None = None) -> Certificate:
    """Retire what an event was given, committed."""
    async with transaction(pool) as connection:
        return await retirements.retire_for_event(connection, id_ or new_id(), event, for_event(grams))


async def give(pool: asyncpg.Pool, member: UUID, event: UUID, grams: int) -> UUID:
    """Donate, committed; the donation's id."""
    asked = DonationRequest(new_id(), member, event, grams)
    async with transaction(pool) as connection:
        (given,) = await donate_many(connection, [asked])
    assert isinstance(given, Donation), given
    return asked.id


async def close(pool: asyncpg.Pool, account: UUID, because: str) -> None:
    """Close an account."""
    await pool.execute("INSERT INTO account_closings (account_id, because) VALUES ($1, $2)", account, because)


async def verdict(work: Awaitable[Certificate]) -> Certificate | Refusal:
    """What came of it."""
    try:
        return await work
    except Refusal as refusal:
        return refusal
