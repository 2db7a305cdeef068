"""A day on which everything that the ledger knows is done once, and everything that it refuses is tried."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from service import corrections, ledger, refunds, reservations, retirements, transfer_log
from service.access import Caller, Role
from service.attendees import Attendee
from service.config import Config
from service.db import Connection, new_id, transaction
from service.donations import Donation, DonationRequest, donate_many
from service.errors import Refusal
from service.events import Event
from service.retirements import NewEventRetirement, NewRetirement
from tests import doors
from tests.books import rich_member

AN_HOUR = timedelta(hours=1)


class Day(NamedTuple):
    """Who was there, and what can be meddled with: donations of LI (two classes) and of HAN."""

    event: Event
    li: UUID
    han: UUID
    lis_gift: UUID
    hans_gift: UUID


async def live_through(pool: asyncpg.Pool, config: Config) -> Day:
    """Issue, donate, reverse, reserve, post, void, lapse, retire, refund, expire; seal in between and at the end."""
    event = await doors.open_event(pool)
    li, han = await rich_member(pool, 100, 200, 300), await rich_member(pool, 500)
    await tell_of_walks(pool)
    day = Day(event, li, han, new_id(), new_id())
    await come_and_go(pool, config, day)
    await give(pool, day)
    await seal(pool, config)
    await reserve(pool, day)
    await leave_circulation(pool, day)
    await give_back(pool, day)
    await seal(pool, config)
    return day


async def seal(pool: asyncpg.Pool, config: Config) -> None:
    """Seal what waits."""
    async with transaction(pool) as connection:
        await transfer_log.seal(connection, config)


async def tell_of_walks(pool: asyncpg.Pool) -> None:
    """The acts that earned what has been issued."""
    await pool.execute(
        """
        INSERT INTO actions (
            id, member_id, region, action, quantity, occurred_on, reduction_g, trace, request_digest, logged_at,
            settled_at
        )
        SELECT transfers.id, destination, region, 'walking', grams, vintage, grams, '{}',
            decode(repeat('00', 32), 'hex'), made_at, made_at
        FROM transfers JOIN credit_classes ON credit_classes.id = class_id WHERE reason = 'issue'
        """
    )


async def come_and_go(pool: asyncpg.Pool, config: Config, day: Day) -> None:
    """Both come to the event; HAN takes it back."""
    receipts = [
        await doors.come_in(pool, config, doors.coming(day.event, Attendee("member", each)))
        for each in (day.li, day.han)
    ]
    caller = Caller(day.han, frozenset({Role.CITIZEN}))
    async with transaction(pool) as connection:
        await corrections.undo(connection, config, receipts[1].check_in_id, caller, None, doors.MORNING)


async def give(pool: asyncpg.Pool, day: Day) -> None:
    """Both give to the event, in one set; each sends it again; one asks for too much, twice."""
    requests = [
        DonationRequest(day.lis_gift, day.li, day.event.id, 150),
        DonationRequest(day.hans_gift, day.han, day.event.id, 40),
        DonationRequest(new_id(), day.han, day.event.id, 1_000_000),
    ]
    for _ in range(2):
        async with transaction(pool) as connection:
            verdicts = await donate_many(connection, requests)
        assert [isinstance(each, Donation) for each in verdicts] == [True, True, False]


async def reserve(pool: asyncpg.Pool, day: Day) -> None:
    """Reservations that are posted in part, voided, left to lapse, and kept."""
    soon = timedelta(milliseconds=100)
    async with transaction(pool) as connection:
        posted, voided, lapsing, _ = [
            await reservations.reserve(connection, new_id(), member, day.event.id, grams, datetime.now(UTC) + after)
            for member, grams, after in (
                (day.li, 170, AN_HOUR),
                (day.han, 30, AN_HOUR),
                (day.han, 10, soon),
                (day.han, 7, AN_HOUR),
            )
        ]
        await reservations.post(connection, posted.reservation_id, new_id(), 160)
        await reservations.void(connection, voided.reservation_id, new_id())
    await asyncio.sleep(soon.total_seconds())
    async with transaction(pool) as connection:
        await reservations.lapse(connection, lapsing.reservation_id, new_id())


async def leave_circulation(pool: asyncpg.Pool, day: Day) -> None:
    """The event and LI retire; some of HAN's expires."""
    async with transaction(pool) as connection:
        of_event = NewEventRetirement(grams=60, beneficiary="碳惠会务", purpose="零碳会议")
        await retirements.retire_for_event(connection, new_id(), day.event.id, of_event)
        await retirements.retire_own(
            connection, new_id(), day.li, NewRetirement(grams=20, beneficiary="李雷", purpose="出行")
        )
        await ledger.lock_accounts(connection, [day.han])
        (class_id,) = await classes_of(connection, day.hans_gift)
        await ledger.post_many(connection, [ledger.Transfer(new_id(), day.han, ledger.EXPIRED, class_id, 5, "expire")])


async def give_back(pool: asyncpg.Pool, day: Day) -> None:
    """HAN's gift is reversed, of LI's some is refunded; and so the tally is told."""
    async with transaction(pool) as connection:
        await ledger.lock_accounts(connection, [day.li, day.han])
        await ledger.reverse(connection, day.hans_gift, reversal := new_id())
        await refunds.note(connection, day.event.id, 1, 40, [reversal])
        class_id = (await classes_of(connection, day.lis_gift))[1]
        refund = ledger.Transfer(new_id(), day.event.id, day.li, class_id, 50, "refund", 1, day.lis_gift)
        await ledger.post_many(connection, [refund])
        await refunds.note(connection, day.event.id, 0, 50, [refund.id])


async def classes_of(connection: Connection, transfer_id: UUID) -> list[int]:
    """The classes of a transfer's rows."""
    rows = await connection.fetch("SELECT class_id FROM transfers WHERE id = $1 ORDER BY ordinal", transfer_id)
    return [row["class_id"] for row in rows]


# What must not be ----------------------------------------------------------------------------------------------------


async def meddle(pool: asyncpg.Pool, day: Day) -> list[str]:
    """Try what must be refused, past Python's own refusals; return what was not refused."""
    async with pool.acquire() as connection:
        own = await connection.fetchval("SELECT id FROM credit_classes WHERE event_id = $1", day.event.id)
        first, second = await classes_of(connection, day.lis_gift)
        gift, event = day.lis_gift, day.event.id
        reversal = await connection.fetchval("SELECT id FROM transfers WHERE refers_to = $1", day.hans_gift)
        tries = {
            "a gift to nobody": ledger.Transfer(new_id(), day.han, new_id(), first, 1, "donate"),
            "a gift of what one does not hold": ledger.Transfer(new_id(), day.han, event, second, 1, "donate"),
            "a gift of what travelling to the event earned": ledger.Transfer(new_id(), day.li, event, own, 1, "donate"),
            "a retirement beyond what is held": ledger.Transfer(new_id(), event, ledger.RETIRED, first, 90, "retire"),
            "a retirement without certificate": ledger.Transfer(new_id(), day.han, ledger.RETIRED, first, 1, "retire"),
            "a reversal in part": ledger.Transfer(new_id(), event, day.li, first, 1, "reverse", 0, gift),
            "a second reversal": ledger.Transfer(new_id(), event, day.han, first, 40, "reverse", 0, day.hans_gift),
            "a reversal of a reversal": ledger.Transfer(new_id(), day.han, event, first, 40, "reverse", 0, reversal),
            "a refund in another class": ledger.Transfer(new_id(), event, day.li, second, 1, "refund", 0, gift),
            "a refund to another": ledger.Transfer(new_id(), event, day.han, first, 1, "refund", 0, gift),
            "a refund beyond the gift": ledger.Transfer(new_id(), event, day.li, first, 101, "refund", 0, gift),
            "no grams": ledger.Transfer(new_id(), ledger.ISSUANCE, day.li, first, 0, "issue"),
            "grams less than none": ledger.Transfer(new_id(), ledger.ISSUANCE, day.li, first, -1, "issue"),
        }
        passed = [name for name, transfer in tries.items() if not await is_refused(connection, transfer)]
        for table in ("transfers", "serial_blocks", "sealed_transfers", "reservations", "retirements"):
            with suppress(asyncpg.RestrictViolationError):
                await connection.execute(f"DELETE FROM {table} WHERE false")
                passed.append(f"rows of {table} deleted")
        return passed


async def is_refused(connection: Connection, transfer: ledger.Transfer) -> bool:
    """Whether the database refuses a transfer; what it does not refuse is kept."""
    try:
        async with connection.transaction():
            if transfer.reason == "retire" and transfer.grams > 1:
                await name_retirement(connection, transfer)
            await ledger.post_many(connection, [transfer])
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.CheckViolationError, Refusal):
        return True
    return False


async def name_retirement(connection: Connection, transfer: ledger.Transfer) -> None:
    """The certificate of a retirement."""
    await connection.execute(
        """
        INSERT INTO retirements (id, account_id, beneficiary, beneficiary_kind, purpose, grams, retired_on)
        VALUES ($1, $2, '韩梅梅', 'person', '出行', $3, '2026-11-20')
        """,
        transfer.id,
        transfer.source,
        transfer.grams,
    )
