"""Events of the example that were held under their place's rule: one neutral and confirmed, one on its way there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

import asyncpg
import msgspec

from scenarios.meeting.rule_terms import Host, OffsetClass
from scenarios.meeting.travel import Leg, Trip
from service import (
    activity_data,
    codes,
    demo_people,
    event_facts,
    event_marks,
    event_measures,
    events,
    governing_rules,
    head_counts,
    inventories,
    ledger,
    plans,
    retirements,
    self_declarations,
    tallies,
)
from service.access import Caller
from service.activity_data import NewActivityData
from service.check_in_rows import CheckIn
from service.check_ins import check_in_many
from service.codes import Scanned
from service.config import Config
from service.db import Connection, transaction
from service.donations import DonationRequest, donate_many
from service.errors import Refusal
from service.event_facts import NewFacts
from service.event_marks import NewMark
from service.event_measures import NewMeasure
from service.events import Event, Kind, NewEvent
from service.head_counts import NewHeadCount
from service.idempotency import digest
from service.plans import NewBoundary, NewPlan, NewPublication, Surplus
from service.retirements import NewEventRetirement
from service.schedules import CHINA, Hours
from service.self_declarations import NewDeclaration

OPENS, CLOSES = time(9), time(17, 30)
WAYS = (
    Trip("journey", (Leg("metro", 7_000),), round_trip=True),
    Trip("journey", (Leg("bus", 5_000),), round_trip=True),
    Trip("journey", (Leg("walk", 900),), round_trip=True),
    Trip("journey", (Leg("bicycle", 3_200),), round_trip=True),
)
"""How people came to it, each in turn."""


class Past(NamedTuple):
    """An event that is over, with what its organizers planned and used."""

    name: str
    kind: Kind
    host: Host
    place: str
    venue: str
    days_ago: int
    people: int
    estimate_g: int
    offset: OffsetClass
    surplus: Surplus
    kwh: str


MEETING = Past(
    "省直机关节能工作会议（示例）", "official_meeting", "government", "太原", "机关会议中心", 12, 40, 30_000,
    "citizen_credits", "return", "18",
)  # fmt: skip
FAIR = Past(
    "孔孟之乡绿色产品推介会（示例）", "exhibition", "other", "济宁", "会展中心二层", 25, 320, 4_000_000,
    "ccer", "keep", "5200",
)  # fmt: skip


async def hold_both(
    pool: asyncpg.Pool, config: Config, caller: Caller, organization_id: UUID, donors: Sequence[UUID], now: datetime
) -> None:
    """Make the two, each once. `donors` have credits that the meeting's place takes."""
    async with pool.acquire() as connection:
        known = {each.name for each in await events.of_caller(connection, caller)}
    if MEETING.name not in known:
        meeting = await hold(pool, config, caller, organization_id, MEETING, now)
        await cover(pool, config, caller, meeting, donors, now)
    if FAIR.name not in known:
        await hold(pool, config, caller, organization_id, FAIR, now)


async def hold(
    pool: asyncpg.Pool, config: Config, caller: Caller, organization_id: UUID, past: Past, now: datetime
) -> Event:
    """Plan it, hold it, account for it; each step on the day on which it would have been taken."""
    day = (now.astimezone(CHINA) - timedelta(days=past.days_ago)).date()
    opens = datetime.combine(day, OPENS, CHINA)
    async with transaction(pool) as connection:
        event = await events.create(connection, caller, as_new_event(past, organization_id, day))
        await say_what_it_is(connection, caller, event, past, opens - timedelta(days=30))
        await plan(connection, caller, event, past, opens - timedelta(days=21))
        await check_in_many(connection, config, arrivals(config, event, past.people, opens))
    async with transaction(pool) as connection:
        await tallies.fold(connection, event.id, past.people)
        await account(connection, caller, event, past, opens + timedelta(days=2))
    return event


def as_new_event(past: Past, organization_id: UUID, day: date) -> NewEvent:
    """The event."""
    return NewEvent(
        organization_id=organization_id,
        name=past.name,
        kind=past.kind,
        place=past.place,
        venue=past.venue,
        time_zone=CHINA.key,
        expected_people=past.people,
        hours=[Hours(datetime.combine(day, OPENS, CHINA), datetime.combine(day, CLOSES, CHINA))],
        gates=["正门"],
    )


async def say_what_it_is(connection: Connection, caller: Caller, event: Event, past: Past, at: datetime) -> None:
    """Its facts."""
    new = NewFacts(kind=past.kind, host=past.host, people_on_site=past.people, confirmation="self_declaration")
    await event_facts.say(connection, caller, event, new, at)


async def plan(connection: Connection, caller: Caller, event: Event, past: Past, at: datetime) -> None:
    """Its plan, published; and a measure that was taken."""
    new = NewPlan(
        boundary=NewBoundary(scope="full", stages=["prepare", "hold", "close"]),
        estimate_g=past.estimate_g,
        measures=["clean_transport"],
        offsets={past.offset: past.estimate_g},
        target_date=events.day_of(event, event.hours[0].opens_at) + timedelta(days=90),
    )
    made = await plans.save(connection, caller, event, new, at)
    await plans.publish(connection, caller, event, NewPublication(made.number, past.surplus), at)


def arrivals(config: Config, event: Event, people: int, opens: datetime) -> list[CheckIn]:
    """Its people, one after another in the hour before noon; with phones and without accounts."""
    gate = event.gates[0]
    code = codes.poster_code(config, gate.short_code)
    return [
        CheckIn(
            id=uuid5(event.id, f"check-in {number}"),
            event_id=event.id,
            code=code,
            scanned=Scanned(gate.short_code, fresh=False),
            attendee=(attendee := demo_people.device_of(config, event, number)),
            trip=(trip := WAYS[number % len(WAYS)]),
            origin=None,
            request_digest=digest(event.id, trip, None, attendee),
            at=opens + timedelta(seconds=10 * number),
        )
        for number in range(people)
    ]


async def account(connection: Connection, caller: Caller, event: Event, past: Past, at: datetime) -> None:
    """The measure taken, the meter read, heads counted, and the inventory submitted."""
    rule = (await governing_rules.of_event(connection, event, at)).rule
    held_on = events.day_of(event, event.hours[0].opens_at)
    done = NewMeasure(key="clean_transport", state="done", what="接驳车与共享单车，会场不设停车位", done_on=held_on)
    await event_measures.say(connection, caller, event, rule, done, at)
    line = {"item": "electricity", "quantity": past.kwh, "unit": "kWh", "rank": "measured"}
    await activity_data.enter(connection, caller, event, msgspec.convert({"lines": [line]}, NewActivityData), at)
    await head_counts.enter(connection, caller, event, NewHeadCount(past.people, "签到表"), at)
    await inventories.submit(connection, caller, event, None, at)


async def cover(
    pool: asyncpg.Pool, config: Config, caller: Caller, event: Event, donors: Sequence[UUID], now: datetime
) -> None:
    """Citizens give what it needs; it is retired, told to the public, and its neutrality declared."""
    async with transaction(pool) as connection:
        given = await give(connection, event, donors)
        await tallies.fold(connection, event.id)
        words = NewEventRetirement(grams=given, beneficiary="会务组", purpose="抵销公务会议的排放量")
        await retirements.retire_for_event(connection, uuid5(event.id, "retirement"), event.id, words, caller.member)
        rule = (await governing_rules.of_event(connection, event, now)).rule
        today = events.day_of(event, now)
        for mark in (
            NewMark(key="publish_retirements", note="单位网站", done_on=today),
            NewMark(key="disclose", note="单位网站", done_on=today, fields=["name", "emissions_g", "offset_method"]),
            NewMark(key="duty_announce", note="公示栏", done_on=today),
        ):
            await event_marks.say(connection, caller, event, rule, mark, now)
        await self_declarations.declare(connection, config, caller, event.id, NewDeclaration(truthful=True), now)


async def give(connection: Connection, event: Event, donors: Sequence[UUID]) -> int:
    """Let donors give until the need is covered; how much that was."""
    (newest, *_) = await inventories.of_event(connection, event.id)
    missing = newest.full_g
    for donor in donors:
        grams = min(missing, await ledger.balance_g(connection, donor))
        if grams <= 0:
            continue
        (verdict,) = await donate_many(
            connection, [DonationRequest(uuid5(event.id, f"donation {donor}"), donor, event.id, grams)]
        )
        if isinstance(verdict, Refusal):
            raise verdict
        missing -= grams
    return newest.full_g - missing


async def confirmed(connection: Connection, organization_id: UUID) -> UUID | None:
    """The newest confirmation in force of the organization's example, if it was made."""
    found: UUID | None = await connection.fetchval(
        """
        SELECT confirmations.id FROM confirmations JOIN events ON events.id = event_id
        WHERE organization_id = $1 AND name = $2 AND withdrawn_at IS NULL ORDER BY confirmed_at DESC LIMIT 1
        """,
        organization_id,
        MEETING.name,
    )
    return found
