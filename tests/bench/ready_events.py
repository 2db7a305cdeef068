"""Ten thousand events under one place's rule, each as far as one that was really told: a fixture for checklists."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from service import (
    donation_needs,
    event_facts,
    event_marks,
    event_measures,
    events,
    governing_rules,
    inventories,
    members,
    organizations,
    plans,
)
from service.access import Caller
from service.activity_data import NewActivityData, enter
from service.config import Config
from service.db import Connection, new_id
from service.event_facts import NewFacts
from service.event_marks import NewMark
from service.event_measures import NewMeasure
from service.events import Event, NewEvent
from service.line_inputs import NewLine
from service.plans import NewBoundary, NewPlan, NewPublication
from service.schedules import Hours
from tests.bench.world import ORGANIZER, ROLES

JINING = "geonames:1805518"
UNITS = 6
"""Blocks of units that an event holds, half of them retired."""
PATIENCE_S = 300.0
COPIED = (
    "opening_hours",
    "event_facts",
    "neutrality_plans",
    "plan_publications",
    "event_measures",
    "event_marks",
    "inventories",
)


async def make_event(connection: Connection, config: Config) -> tuple[Caller, Event]:
    """An event that ended a month ago, planned, reduced, accounted for and half offset."""
    now = datetime.now(UTC)
    member = await members.member_by_phone(connection, config, ORGANIZER)
    made = await organizations.found(connection, member, organizations.NewOrganization("测量组"))
    caller = Caller(member, ROLES)
    opening = now - timedelta(days=30)
    new = NewEvent(
        organization_id=made.id,
        name="测量",
        kind="meeting",
        place=JINING,
        venue="测量中心",
        time_zone="Asia/Shanghai",
        expected_people=300,
        hours=[Hours(opening, opening + timedelta(hours=9))],
        gates=["A"],
    )
    event = await events.create(connection, caller, new)
    await tell(connection, caller, event, now, (now - timedelta(days=20)).date())
    return caller, event


async def tell(connection: Connection, caller: Caller, event: Event, now: datetime, day: date) -> None:
    """Say what an organizer says in the course of an event."""
    facts = NewFacts(kind="meeting", host="soe", people_on_site=300, confirmation="self_declaration")
    await event_facts.say(connection, caller, event, facts, now)
    rule = (await governing_rules.of_event(connection, event, now)).rule
    for key in event_measures.catalogue(rule):
        measure = NewMeasure(key=key, state="done", what="做了", done_on=day)
        await event_measures.say(connection, caller, event, rule, measure, now)
    plan = NewPlan(
        boundary=NewBoundary(scope="full", stages=["prepare", "hold", "close"]),
        estimate_by_assumptions=True,
        measures=list(event_measures.catalogue(rule)),
        offsets={"ccer": 10_000_000, "new_forestry": 5_000_000},
    )
    made = await plans.save(connection, caller, event, plan, now)
    await plans.publish(connection, caller, event, NewPublication(made.number, "keep"), now)
    line = NewLine(item="electricity", quantity="12000", unit="kWh", rank="measured")
    await enter(connection, caller, event, NewActivityData([line]), now)
    await inventories.submit(connection, caller, event, None, now)
    for key in event_marks.known(rule) if rule else ():
        if key.startswith(("duty_", "report_")):
            await event_marks.say(connection, caller, event, rule, NewMark(key=key, note="做了", done_on=day), now)
    await donation_needs.reckon(connection, event.id, now)


async def multiply(connection: Connection, event: Event, caller: Caller, count: int) -> list[UUID]:
    """So many events of the place that were told the same, each with units of its own; their ids."""
    ids = [new_id() for _ in range(count)]
    await connection.execute("CREATE TEMPORARY TABLE others AS SELECT unnest($1::uuid[]) AS id", ids)
    await copy_rows(connection, "events", "id", event.id)
    await connection.execute("INSERT INTO accounts (id, kind) SELECT id, 'event' FROM others")
    for table in ("accountings", *COPIED):
        await copy_rows(connection, table, "event_id", event.id)
    await connection.execute(
        """
        INSERT INTO offset_units (
            id, event_id, class, registry, project, project_place, vintage, series, serials, donated, state, entered_by,
            entered_at, retired_on, retired_reference, retired_by, retired_at
        )
        SELECT uuidv7(), others.id, CASE WHEN block % 4 = 0 THEN 'new_forestry' ELSE 'ccer' END, 'BENCH', '测量',
            '370000', 2026, upper(others.id::text), int8range(block * 10, block * 10 + 1), false,
            CASE WHEN block % 2 = 0 THEN 'retired' ELSE 'held' END, $1::uuid, now(),
            CASE WHEN block % 2 = 0 THEN current_date END, CASE WHEN block % 2 = 0 THEN 'R' END,
            CASE WHEN block % 2 = 0 THEN $1::uuid END, CASE WHEN block % 2 = 0 THEN now() END
        FROM others CROSS JOIN generate_series(1, $2::integer) AS block
        """,
        caller.member,
        UNITS,
        timeout=PATIENCE_S,
    )
    return ids


async def copy_rows(connection: Connection, table: str, column: str, event_id: UUID) -> None:
    """An event's rows of a table for each of the others; a row's own id is a new one."""
    rows = await connection.fetch(
        """
        SELECT attname FROM pg_attribute
        WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        ORDER BY attnum
        """,
        table,
    )
    names = [row["attname"] for row in rows]
    new = {column: "others.id"} | ({"id": "uuidv7()"} if column != "id" and "id" in names else {})
    columns, values = ", ".join(names), ", ".join(new.get(name, f"own.{name}") for name in names)
    copying = f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} AS own, others WHERE own.{column} = $1"
    await connection.execute(copying, event_id, timeout=PATIENCE_S)
