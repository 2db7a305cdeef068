"""A member's life in the ledger with everything in it that a statement can show."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from scenarios.citations import PackUsed
from service import actions, cancellations, corrections, events, ledger, refunds, reservations, retirements
from service.access import Caller, Role
from service.action_rows import Action, ActionRequest
from service.attendees import Attendee
from service.config import Config
from service.db import encode_json, new_id, transaction
from service.donations import Donation, DonationRequest, donate_many
from service.expiry import RuleTold
from service.retirements import NewEventRetirement, NewRetirement
from service.schedules import CHINA
from tests.doors import MORNING, come_in, coming, open_event

LATER = datetime(2099, 1, 1, tzinfo=UTC)


class Life(NamedTuple):
    """Ids by which its lines are known. `forum` took place, `fair` was cancelled."""

    forum: UUID
    fair: UUID
    check_in: UUID
    undone: UUID
    act: UUID
    used: UUID
    refunded: UUID
    certificate: UUID
    own_certificate: UUID


async def give(pool: asyncpg.Pool, member: UUID, event: UUID, grams: int) -> UUID:
    """Donate, committed."""
    async with transaction(pool) as connection:
        (given,) = await donate_many(connection, [DonationRequest(new_id(), member, event, grams)])
    assert isinstance(given, Donation)
    return given.donation_id


async def live(pool: asyncpg.Pool, config: Config, member: UUID) -> Life:
    """Earn, give, reserve, retire, and see some of it come back or go."""
    forum, fair = await named_event(pool, "低碳科技论坛"), await named_event(pool, "绿色市集")
    check_in, undone = await earn_at_doors(pool, config, member, (forum, fair))
    act = await ride(pool, member)
    used, refunded = await give(pool, member, fair, 1200), await give(pool, member, forum, 300)
    await reserve_in_every_way(pool, member, fair)
    async with transaction(pool) as connection:
        certificate = new_id()
        own = NewEventRetirement(grams=800, beneficiary="绿色市集组委会", purpose="活动碳中和")
        await retirements.retire_for_event(connection, certificate, fair, own)
        own_certificate = new_id()
        mine = NewRetirement(grams=70, beneficiary="李雷", purpose="去上海出差")
        await retirements.retire_own(connection, own_certificate, member, mine)
    await cancel(pool, forum)
    await expire(pool, member, 5)
    return Life(forum, fair, check_in, undone, act, used, refunded, certificate, own_certificate)


async def named_event(pool: asyncpg.Pool, name: str) -> UUID:
    """An event with doors."""
    event = await open_event(pool)
    await pool.execute("UPDATE events SET name = $2 WHERE id = $1", event.id, name)
    return event.id


async def earn_at_doors(
    pool: asyncpg.Pool, config: Config, member: UUID, event_ids: tuple[UUID, UUID]
) -> tuple[UUID, UUID]:
    """A check-in that stands at the first event, and one at the second that is undone."""
    made = []
    for event_id in event_ids:
        async with pool.acquire() as connection:
            event = await events.find(connection, event_id)
        made.append(await come_in(pool, config, coming(event, Attendee("member", member))))
    async with transaction(pool) as connection:
        caller = Caller(member, frozenset({Role.CITIZEN}))
        soon = MORNING + timedelta(minutes=1)
        await corrections.undo(connection, config, made[1].check_in_id, caller, None, soon)
    return made[0].check_in_id, made[1].check_in_id


async def ride(pool: asyncpg.Pool, member: UUID) -> UUID:
    """Twelve kilometres by bicycle in Beijing, and a good many more."""
    asked = [
        ActionRequest(
            id=new_id(),
            member_id=member,
            region="110000",
            action="cycling",
            quantity=metres,
            occurred_on=began.date(),
            request_digest=bytes(32),
            today=date(2026, 11, 20),
            started_at=began,
            ended_at=began + timedelta(hours=4),
            source="partner",
            evidence="proven",
        )
        for metres, began in (
            (50_000, datetime(2026, 11, 17, 8, tzinfo=CHINA)),
            (50_000, datetime(2026, 11, 18, 8, tzinfo=CHINA)),
            (12_000, datetime(2026, 11, 19, 8, tzinfo=CHINA)),
        )
    ]
    for each in asked:
        async with transaction(pool) as connection:
            (logged,) = await actions.log_many(connection, [each], MORNING)
        assert isinstance(logged, Action), logged
    return asked[-1].id


async def reserve_in_every_way(pool: asyncpg.Pool, member: UUID, event: UUID) -> None:
    """Reservations: posted in part, voided, lapsed, and one that stands."""
    soon = datetime.now(UTC) + timedelta(seconds=0.5)
    async with transaction(pool) as connection:
        ids = [new_id() for _ in range(4)]
        for id_, lapses_at in zip(ids, (LATER, LATER, soon, LATER), strict=True):
            await reservations.reserve(connection, id_, member, event, 100, lapses_at)
        await reservations.post(connection, ids[0], new_id(), 60)
        await reservations.void(connection, ids[1], new_id())
    await asyncio.sleep(0.6)
    async with transaction(pool) as connection:
        await reservations.lapse(connection, ids[2], new_id())


async def cancel(pool: asyncpg.Pool, event: UUID) -> None:
    """An event does not take place; what was given goes back."""
    async with transaction(pool) as connection:
        organizer = await connection.fetchval(
            """
            SELECT member_id FROM organization_members JOIN events USING (organization_id) WHERE events.id = $1
            """,
            event,
        )
        caller = Caller(organizer, frozenset({Role.ORGANIZER}))
        await cancellations.cancel(connection, caller, event, "台风")
    async with transaction(pool) as connection:
        await refunds.refund_some(connection, event)


async def expire(pool: asyncpg.Pool, member: UUID, grams: int) -> None:
    """A few grams of the oldest class are gone, by a rule that was told."""
    rule = RuleTold(
        pack=PackUsed("some-programme", "1", "0" * 16),
        is_policy=False,
        citation="某省办法 第九条",
        months_after_vintage=12,
        notice_days=30,
    )
    async with transaction(pool) as connection:
        await ledger.lock_accounts(connection, [member])
        class_id = await connection.fetchval(
            "SELECT class_id FROM holdings WHERE account_id = $1 ORDER BY vintage, class_id LIMIT 1", member
        )
        await connection.execute(
            """
            INSERT INTO expiry_notices (account_id, class_id, expires_on, told_on, rule)
            VALUES ($1, $2, current_date, current_date - 30, $3)
            """,
            member,
            class_id,
            encode_json(rule),
        )
        await ledger.post_many(
            connection, [ledger.Transfer(new_id(), member, ledger.EXPIRED, class_id, grams, "expire")]
        )
