"""Events that are over, accounted for and offset; verifiers, officers and organizers who confirm them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from scenarios.policies.verification import checklist
from service import activity_data, event_facts, events, inventories, organizations
from service.access import Caller
from service.activity_data import NewActivityData
from service.config import Config
from service.db import Connection, new_id, transaction
from service.event_facts import NewFacts
from service.events import Event, NewEvent
from service.organizations import NewOrganization
from service.schedules import Hours
from service.sessions import access_token, roles_of
from tests.books import open_member
from tests.people import Headers, bearer

OPENING = datetime(2026, 5, 1, 1, tzinfo=UTC)
COUNTED = datetime(2026, 5, 4, 1, tzinfo=UTC)
KWH = {"item": "electricity", "quantity": "1000", "unit": "kWh", "rank": "measured"}
PLACES = {"460000": "海口", "370800": "济宁", "310000": "上海", "140000": "太原", "440300": "深圳"}
UNITS = {"460000": "ccer", "370800": "national_allowance", "310000": "national_allowance", "140000": "ccer"}
BECAUSE = {"because": "电表读数有误"}


async def someone(connection: Connection, config: Config) -> tuple[UUID, Headers]:
    """A member, and the header that says who calls with the roles that they have by now: ask late."""
    member = await open_member(connection)
    return member, await headers_of(connection, config, member)


async def headers_of(connection: Connection, config: Config, member: UUID) -> Headers:
    """The header that says who calls."""
    roles = await roles_of(connection, member)
    return bearer({"access_token": access_token(config, member, roles, datetime.now(UTC))})


async def organization(pool: asyncpg.Pool, config: Config, name: str) -> tuple[UUID, UUID, Headers]:
    """An organization, its owner, and the owner's header."""
    async with transaction(pool) as connection:
        member = await open_member(connection)
        made = await organizations.found(connection, member, NewOrganization(name))
        return made.id, member, await headers_of(connection, config, member)


async def officer(pool: asyncpg.Pool, config: Config, region: str, *offices: str) -> tuple[UUID, Headers]:
    """An officer of a place's authority with those offices."""
    async with transaction(pool) as connection:
        member = await open_member(connection)
        await connection.execute(
            "INSERT INTO authority_members (member_id, region, offices) VALUES ($1, $2, $3)",
            member,
            region,
            list(offices),
        )
        return member, await headers_of(connection, config, member)


async def verifier(pool: asyncpg.Pool, config: Config, region: str | None = None) -> tuple[UUID, UUID, Headers]:
    """A registered verifier, one who acts for it, and their header."""
    organization_id, member, _ = await organization(pool, config, "核查所")
    await register(pool, organization_id, member, region)
    async with pool.acquire() as connection:
        return organization_id, member, await headers_of(connection, config, member)


async def register(
    pool: asyncpg.Pool, organization_id: UUID, by: UUID, region: str | None, *, registered: bool = True
) -> None:
    """Say that it is a verifier, or is one no more."""
    await pool.execute(
        """
        INSERT INTO verifier_registrations (id, organization_id, region, registered, reference, said_by, said_at)
        VALUES ($1, $2, $3, $4, '名录第 1 号', $5, now())
        """,
        new_id(),
        organization_id,
        region,
        registered,
        by,
    )


class Held:
    """An event that is over, with who organizes it."""

    def __init__(self, event: Event, member: UUID, headers: Headers, region: str) -> None:
        self.event, self.member, self.headers, self.region = event, member, headers, region

    @property
    def url(self) -> str:
        """Where it is."""
        return f"/v1/events/{self.event.id}"

    @property
    def caller(self) -> Caller:
        """Its organizer."""
        return Caller(self.member, frozenset())


async def held(pool: asyncpg.Pool, config: Config, region: str = "460000", **facts: Any) -> Held:
    """An event of three days in May 2026 in that place, of 300 people counted after it."""
    organization_id, member, headers = await organization(pool, config, "会务组")
    async with transaction(pool) as connection:
        made = await events.create(
            connection,
            Caller(member, frozenset()),
            NewEvent(
                organization_id=organization_id,
                name="零碳论坛",
                kind="forum",
                place=PLACES[region],
                venue="会议中心",
                time_zone="Asia/Shanghai",
                expected_people=300,
                hours=[Hours(OPENING + timedelta(days=n), OPENING + timedelta(days=n, hours=9)) for n in range(3)],
                gates=["A"],
            ),
        )
        said: dict[str, Any] = {"kind": "forum", "host": "other", "people_on_site": 300} | facts
        await event_facts.say(connection, Caller(member, frozenset()), made, NewFacts(**said), COUNTED)
    return Held(made, member, headers, region)


async def submit(pool: asyncpg.Pool, own: Held, because: str | None = None, **line: str) -> inventories.Version:
    """Enter a line of electricity and submit the inventory."""
    async with transaction(pool) as connection:
        new = msgspec.convert({"lines": [KWH | line]}, NewActivityData)
        await activity_data.enter(connection, own.caller, own.event, new, datetime.now(UTC))
        return await inventories.submit(connection, own.caller, own.event, because, datetime.now(UTC))


async def retire(pool: asyncpg.Pool, own: Held, tonnes: int = 1, first: int = 1, **said: Any) -> UUID:
    """Units of another registry, retired for the event on 1 June."""
    values = {"unit": UNITS.get(own.region, "ccer"), "project_place": own.region, "recognition": None} | said
    unit_id = new_id()
    await pool.execute(
        """
        INSERT INTO offset_units (
            id, event_id, class, registry, project, project_place, vintage, series, serials, recognition, donated,
            state, entered_by, entered_at, retired_on, retired_reference, retired_by, retired_at
        )
        VALUES ($1, $2, $3, 'CCER', '红树林', $4, 2024, $9, int8range($5, $6), $7, false, 'retired', $8, now(),
            '2026-06-01', '注销单 7', $8, now())
        """,
        unit_id,
        own.event.id,
        values["unit"],
        values["project_place"],
        first,
        first + tonnes,
        values["recognition"],
        own.member,
        f"HN-{own.event.id.hex[-8:].upper()}-",
    )
    return unit_id


async def measure(pool: asyncpg.Pool, own: Held, key: str = "other_cups") -> None:
    """A reduction measure that was taken."""
    await pool.execute(
        """
        INSERT INTO event_measures (id, event_id, key, state, what, done_on, said_by, said_at)
        VALUES ($1, $2, $3, 'done', '张三自带水杯', $4, $5, now())
        """,
        new_id(),
        own.event.id,
        key,
        date(2026, 5, 1),
        own.member,
    )


async def neutral(pool: asyncpg.Pool, config: Config, region: str = "460000", **facts: Any) -> Held:
    """An event ready to be confirmed: accounted for, offset, with a measure taken."""
    own = await held(pool, config, region, **facts)
    await submit(pool, own)
    await retire(pool, own)
    await measure(pool, own)
    return own


def answers(**changes: str) -> list[dict[str, str]]:
    """A checklist answered: all well but for what is said."""
    return [
        {
            "key": each.key,
            "answer": (said := changes.get(each.key, "yes")),
            "remark": "发票缺页" if said == "no" else "",
        }
        for each in checklist().items
    ]


def report(number: int = 1, *, passed: bool = True, **changes: str) -> dict[str, Any]:
    """A verifier's report."""
    return {
        "inventory_number": number,
        "checklist": answers(**changes),
        "findings": "核对了全部凭证。\n结果可以重新计算得出。",
        "passed": passed,
    }
