"""Transfers of every shape, and a log that holds them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

from service import ledger, transfer_log
from service.access import Caller, Role
from service.config import Config
from service.db import Connection, new_id, transaction
from service.donations import Donation, DonationRequest, donate_many
from service.ledger import Transfer
from service.log_bundles import Bundle
from service.retirements import NewRetirement, retire_own
from service.sessions import access_token
from tests.books import CLASSES, open_member
from tests.people import Headers
from tests.tallied import Hall, open_hall

JUNE = date(2026, 6, 1)


def citizen(member_id: UUID) -> Caller:
    """A member who asks for their own."""
    return Caller(member_id, frozenset({Role.PUBLIC, Role.CITIZEN}))


def headers(config: Config, member_id: UUID) -> Headers:
    """What a member's app sends."""
    token = access_token(config, member_id, frozenset({Role.PUBLIC, Role.CITIZEN}), datetime.now(UTC))
    return {"Authorization": f"Bearer {token}"}


async def seal_all(pool: asyncpg.Pool, config: Config, limit: int = 1_000) -> int:
    """Seal until nothing waits; return how many."""
    sealed = 0
    while True:
        async with transaction(pool) as connection:
            taken = await transfer_log.seal(connection, config, limit)
        if not taken:
            return sealed
        sealed += taken


async def proof(pool: asyncpg.Pool, config: Config, member: UUID, transfer: UUID, since: int | None = None) -> Bundle:
    """What a member keeps of their transfer."""
    async with pool.acquire() as connection:
        return await transfer_log.inclusion(connection, config, citizen(member), transfer, since)


async def issue_once(connection: Connection, member_id: UUID, grams: int, event_id: UUID | None = None) -> UUID:
    """Issue grams of June, or of travel to an event; return the transfer's id."""
    credit_class = ledger.CreditClass("140000", "三晋绿色生活 — 骑行", "2026-1", JUNE, event_id)
    class_id = (await ledger.class_ids(connection, [credit_class]))[credit_class]
    transfer = Transfer(new_id(), ledger.ISSUANCE, member_id, class_id, grams, "issue")
    await ledger.lock_accounts(connection, [member_id])
    await ledger.post_many(connection, [transfer])
    return transfer.id


async def june(connection: Connection) -> int:
    """The class of what `issue_once` issues."""
    credit_class = ledger.CreditClass("140000", "三晋绿色生活 — 骑行", "2026-1", JUNE)
    return (await ledger.class_ids(connection, [credit_class]))[credit_class]


async def retire(connection: Connection, member_id: UUID, grams: int) -> UUID:
    """Retire a member's grams, the oldest class first."""
    new = NewRetirement(grams=grams, beneficiary="李雷", purpose="个人碳足迹")
    return (await retire_own(connection, new_id(), member_id, new)).retirement_id


async def donate(pool: asyncpg.Pool, member_id: UUID, event_id: UUID, grams: int) -> UUID:
    """Give to an event; return the donation's id."""
    async with transaction(pool) as connection:
        (given,) = await donate_many(connection, [DonationRequest(new_id(), member_id, event_id, grams)])
    assert isinstance(given, Donation)
    return given.donation_id


async def some_of_every_shape(pool: asyncpg.Pool) -> tuple[UUID, Hall, list[UUID]]:
    """A member and an event with an issuance, one by travelling, a donation of several classes, a reversal and a
    retirement. Returns the member, the event, and the transfers' ids."""
    async with transaction(pool) as connection:
        member, event = await open_member(connection), await open_hall(connection)
        ids = [await issue_once(connection, member, 500), await issue_once(connection, member, 80, event.id)]
        reversed_id = await issue_once(connection, member, 30)
        classes = list((await ledger.class_ids(connection, CLASSES[:2])).values())
        several = [Transfer(new_id(), ledger.ISSUANCE, member, each, 10, "issue") for each in classes]
        await ledger.post_many(connection, several)
        retired, reversal = await retire(connection, member, 44), new_id()
        await ledger.reverse(connection, reversed_id, reversal)
    given = await donate(pool, member, event.id, 460)
    return member, event, [*ids, reversed_id, *(each.id for each in several), retired, reversal, given]
