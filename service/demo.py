"""The first look on one machine: an organizer, and an event that is open, made where there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from service import codes, demo_neutral, demo_people, events, members, organizations
from service.access import Caller, Role
from service.actions import log_many
from service.check_ins import check_in_many
from service.config import Config
from service.db import Connection, transaction
from service.donations import donate_many
from service.errors import Refusal
from service.events import DAY_BEGINS, Event, Gate, Kind, NewEvent, is_open
from service.i18n import mark
from service.organizations import NewOrganization
from service.schedules import CHINA, daily

ORGANIZER = "+86 138 0013 8000"
ORGANIZATION = "碳惠示范组"
Verdict = TypeVar("Verdict")
ROLES = frozenset({Role.PUBLIC, Role.CITIZEN, Role.ORGANIZER})


class Example(NamedTuple):
    """An event to look at, and how many people fill it: on the first day, on the second, and with an account."""

    name: str
    kind: Kind
    place: str
    venue: str
    expected_people: int
    gates: Sequence[str]
    first_day: int
    second_day: int
    citizens: int


BEIJING, TAIYUAN = "geonames:1816670", "geonames:1793511"
GATES = ("A 门", "B 门", "C 门")
MAIN = Example("零碳科技周（示例）", "exhibition", BEIJING, "会展中心", 5_000, GATES, 750, 450, 150)
SECOND = Example("汾河低碳集市（示例）", "festival", TAIYUAN, "汾河岸边", 800, ("东门", "西门"), 140, 60, 20)
SET = 50
ACTS = 30


class FirstLook(msgspec.Struct, frozen=True):
    """Where to look first: an organizer's sign-in, an event that is open and a way in; a neutral one's certificate."""

    organizer_phone: str
    sign_in_code: str
    event: Event
    gate: Gate
    check_in_url: str
    certificate_url: str | None

    @property
    def lines(self) -> Sequence[tuple[str, str]]:
        """Labels (catalog texts) and what they name, as the terminal shows them."""
        certificate = [(mark("碳中和示例"), self.certificate_url)] if self.certificate_url else []
        return (
            (mark("组织者手机号"), self.organizer_phone),
            (mark("登录验证码（五分钟内有效）"), self.sign_in_code),
            (mark("示例活动"), f"{self.event.name} · {self.gate.name}"),
            (mark("扫码报到"), self.check_in_url),
            *certificate,
        )


async def first_look(connection: Connection, config: Config, now: datetime) -> FirstLook:
    """What to show after a start: the example event that is open, made if need be, and a fresh sign-in code."""
    async with connection.transaction():
        event = await open_event(connection, config, MAIN, now)
        code = await members.code_on_screen(connection, config, ORGANIZER, now)
        confirmed = await demo_neutral.confirmed(connection, event.organization_id)
    gate = event.gates[0]
    certificate = f"{config.base_url}/n/{confirmed}" if confirmed else None
    way_in = codes.url(config, codes.poster_code(config, gate.short_code))
    return FirstLook(ORGANIZER, code, event, gate, way_in, certificate)


async def open_event(connection: Connection, config: Config, example: Example, now: datetime) -> Event:
    """The example that is open now; the next one is made where none is."""
    member_id = await members.member_by_phone(connection, config, ORGANIZER)
    caller = Caller(member_id, ROLES)
    for found in await events.of_caller(connection, caller):
        if found.name == example.name and is_open(found, now):
            return found
    organization_id = await find_organization(connection, member_id)
    return await events.create(connection, caller, as_new_event(example, organization_id, now))


async def find_organization(connection: Connection, member_id: UUID) -> UUID:
    """The example's organization, made at the first start."""
    for found in await organizations.of_member(connection, member_id):
        if found.name == ORGANIZATION:
            return found.id
    return (await organizations.found(connection, member_id, NewOrganization(ORGANIZATION))).id


def as_new_event(example: Example, organization_id: UUID, now: datetime) -> NewEvent:
    """An example that is open around the clock, so at every start: from yesterday for eight days."""
    today = (now.astimezone(CHINA) - DAY_BEGINS).date()
    begins = time(hour=DAY_BEGINS // timedelta(hours=1))
    return NewEvent(
        organization_id=organization_id,
        name=example.name,
        kind=example.kind,
        place=example.place,
        venue=example.venue,
        time_zone=CHINA.key,
        expected_people=example.expected_people,
        hours=daily(today - timedelta(days=1), today + timedelta(days=6), begins, begins, CHINA.key),
        gates=list(example.gates),
    )


async def fill(
    pool: asyncpg.Pool, config: Config, now: datetime, told: Callable[[int, int], None]
) -> Sequence[tuple[Event, Gate]]:
    """Fill the examples with people, once; return the ways in. `told` hears how many of how many have come.

    Check-ins of the past cannot come over HTTP, where now is now: they go through the function behind it.
    """
    examples = (MAIN, SECOND)
    everybody = sum(each.first_day + each.second_day for each in examples)
    come = 0
    doors: list[tuple[Event, Gate]] = []
    for number, example in enumerate(examples):
        event, citizens = await settle(pool, config, example, number, now)
        doors += [(event, gate) for gate in event.gates]
        await act_and_give(pool, event, citizens, now)
        days = demo_people.arrivals(config, event, citizens, example.first_day, example.second_day, now)
        for crowd in [day[start : start + SET] for day in days for start in range(0, len(day), SET)]:
            async with transaction(pool) as connection:
                succeed(await check_in_many(connection, config, crowd))
            told(come := come + len(crowd), everybody)
    await settle_past(pool, config, citizens, now)
    return doors


async def settle_past(pool: asyncpg.Pool, config: Config, donors: Sequence[UUID], now: datetime) -> None:
    """The events that are over; donors are citizens of where the one that they cover was held."""
    async with transaction(pool) as connection:
        member_id = await members.member_by_phone(connection, config, ORGANIZER)
        organization_id = await find_organization(connection, member_id)
    await demo_neutral.hold_both(pool, config, Caller(member_id, ROLES), organization_id, donors, now)


async def settle(
    pool: asyncpg.Pool, config: Config, example: Example, number: int, now: datetime
) -> tuple[Event, list[UUID]]:
    """The example's event, and its citizens."""
    async with transaction(pool) as connection:
        event = await open_event(connection, config, example, now)
        phones = [f"+86 139 0013 {8000 + 200 * number + each}" for each in range(example.citizens)]
        return event, [await members.member_by_phone(connection, config, phone) for phone in phones]


async def act_and_give(pool: asyncpg.Pool, event: Event, citizens: Sequence[UUID], now: datetime) -> None:
    """Let citizens earn credits and give some to the event."""
    today = events.day_of(event, now)
    for citizen in citizens:
        async with transaction(pool) as connection:
            acts = succeed(await log_many(connection, demo_people.acts_of(event, citizen, today, ACTS), now))
            earned_g = sum(each.reduction_g for each in acts if each.state == "credited")
            succeed(await donate_many(connection, [demo_people.gift_of(event, citizen, earned_g)]))


def succeed(verdicts: Sequence[Verdict | Refusal]) -> list[Verdict]:
    """The verdicts. Raises the first that is a refusal."""
    for each in verdicts:
        if isinstance(each, Refusal):
            raise each
    return [each for each in verdicts if not isinstance(each, Refusal)]
