"""`certificate_page_p99_ms`: the public page of a certificate, of a hundred thousand that there are."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from scenarios.meeting.rule_terms import Text
from service.config import Config
from service.db import new_id, transaction
from service.neutrality_records import (
    FORMAT,
    BlockSaid,
    EventSaid,
    FieldSaid,
    InventorySaid,
    IssuerSaid,
    MeasureSaid,
    OffsetSaid,
    Record,
    RuleSaid,
    UnitsSaid,
    sign,
)
from tests.bench.checkin import prepare
from tests.bench.figures import RUNS, Figure
from tests.bench.load import Plan
from tests.bench.processes import run_load
from tests.bench.stand import Stand, connected, stand
from tests.bench.world import World

CERTIFICATES = 100_000
PER_S = 50
"""Visitors in a second, each of another certificate."""
BLOCKS = 12
BATCH = 5_000
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ZERO = b"\0" * 32
COLUMNS = (
    "id",
    "event_id",
    "way",
    "inventory_number",
    "label",
    "need_g",
    "retired_g",
    "record",
    "signature",
    "public_key",
    "confirmed_by",
    "confirmed_at",
)


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(service: Stand, count: int = CERTIFICATES, seconds: float = 5, runs: int = RUNS) -> list[Figure]:
    """Open certificates chosen at random, at a steady rate."""
    ids = asyncio.run(filled(service, count))
    chosen = random.Random(1)
    asked = [request(each) for each in chosen.choices(ids, k=2_000)]
    plan = Plan(port=service.port, requests=asked, seconds=seconds, warm_up_s=2, repeat=True, per_s=PER_S)
    results = [run_load(plan) for _ in range(runs)]
    strange = next((each.strange for each in results if each.strange), None)
    assert strange is None, strange
    return [
        Figure(
            name="certificate_page_p99_ms",
            value=round(median(each.p99_ms for each in results), 1),
            unit="ms",
            limit=50,
            bound="most",
            note=f"{count} certificates of {BLOCKS} blocks each, {PER_S} a second, load on the same cores",
        ),
        Figure(name="certificate_page_p50_ms", value=round(median(each.p50_ms for each in results), 1), unit="ms"),
    ]


def request(confirmation_id: UUID) -> bytes:
    """Opening a page, as it goes over the wire."""
    return f"GET /n/{confirmation_id} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: zh-CN\r\n\r\n".encode()


async def filled(service: Stand, count: int) -> list[UUID]:
    """As many events with an inventory and a confirmation each."""
    world = await prepare(service)
    async with connected(service.config) as pool:
        async with transaction(pool) as connection:
            member = await connection.fetchval("SELECT founded_by FROM organizations LIMIT 1")
            events = await add_events(connection, world, member, count)
        made = [await confirm(pool, service.config, member, events[at : at + BATCH]) for at in range(0, count, BATCH)]
        await pool.execute("VACUUM ANALYZE confirmations")
    return [each for batch in made for each in batch]


async def confirm(pool: asyncpg.Pool, config: Config, member: UUID, events: list[UUID]) -> list[UUID]:
    """Confirmations of these events."""
    rows = list(confirmations(config, member, events))
    async with pool.acquire() as connection:
        await connection.copy_records_to_table("confirmations", records=rows, columns=COLUMNS)
    return [row[0] for row in rows]


async def add_events(connection: asyncpg.Connection, world: World, member: UUID, count: int) -> list[UUID]:
    """Events like the world's, each accounted for."""
    events = [new_id() for _ in range(count)]
    await connection.execute(
        """
        INSERT INTO events (
            id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
            expected_people, factor_set
        )
        SELECT made, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone,
            expected_people, factor_set
        FROM events CROSS JOIN unnest($2::uuid[]) AS made WHERE id = $1
        """,
        world.event.id,
        events,
    )
    await connection.execute(
        """
        INSERT INTO accountings (event_id, gwp_set, packs, opened_by, opened_at)
        SELECT unnest($1::uuid[]), 'AR5', ARRAY[$2::bytea], $3, $4
        """,
        events,
        ZERO,
        member,
        NOW,
    )
    await connection.execute(
        """
        INSERT INTO inventories (event_id, number, content, digest, full_g, basic_g, reported_g, made_by, made_at)
        SELECT unnest($1::uuid[]), 1, '{}', $2, 1, 1, 1, $3, $4
        """,
        events,
        ZERO,
        member,
        NOW,
    )
    return events


def confirmations(config: Config, member: UUID, events: list[UUID]) -> Iterator[tuple[Any, ...]]:
    """Their confirmations, signed."""
    record = like()
    for event_id in events:
        own = msgspec.structs.replace(
            record, id=new_id(), event=msgspec.structs.replace(record.event, id=event_id), confirmed_at=NOW
        )
        signed = sign(config, own)
        fixed = (own.way, 1, own.label, own.need_g, own.retired_g)
        yield own.id, event_id, *fixed, signed.record, signed.signature, signed.public_key, member, NOW


def like() -> Record:
    """A record as Jining's self-declaration makes them, with many blocks of serials."""
    text = Text("碳中和", "Carbon neutral")
    day = date(2026, 5, 1)
    blocks = [
        BlockSaid(
            retirement_id=UUID(int=number),
            retired_on=day,
            class_id=number + 1,
            first_serial=1,
            last_serial=400_000,
            serials=f"CN-370000-qingluxing-2024-2026-{number % 12 + 1:02}-K{number + 1}-0000001–0400000",
        )
        for number in range(BLOCKS)
    ]
    unit = UnitsSaid(
        registry="CCER",
        project="黄河三角洲造林",
        project_place="370000",
        vintage=2024,
        series="SD-",
        first=1,
        last=10,
        grams=10_000_000,
        retired_on=day,
        reference="注销单 7",
    )
    rule = RuleSaid(
        id="jining", version="2023", digest="ab" * 32, title=text, ground="三、实施范围", standing=text, voluntary=False
    )
    return Record(
        format=FORMAT,
        id=UUID(int=0),
        confirmed_at=NOW,
        way="self_declaration",
        way_name=Text("自我承诺", "Self-commitment"),
        label="neutral",
        label_name=text,
        word="抵消",
        issuer=IssuerSaid("organizer", Text("测量组", "测量组")),
        event=EventSaid(
            id=UUID(int=0),
            name="测量",
            kind="meeting",
            organizer="测量组",
            place="370800",
            venue="测量中心",
            time_zone="Asia/Shanghai",
            first=day,
            last=day,
        ),
        rule=rule,
        inventory=InventorySaid(number=1, digest="cd" * 32, basic_g=1, full_g=1),
        need_g=1,
        retired_g=BLOCKS * 400_000 + unit.grams,
        neutral_on=day,
        offsets=(
            OffsetSaid(unit="citizen_credits", name=text, grams=BLOCKS * 400_000, blocks=tuple(blocks)),
            OffsetSaid(unit="ccer", name=text, grams=unit.grams, units=(unit,)),
        ),
        measures=tuple(MeasureSaid(f"other_{number}", text, day) for number in range(5)),
        fields=tuple(FieldSaid("name", text, text) for _ in range(9)),
    )
