"""Reports of real events: who gets which form, that they come out computed again, what the public one hides."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import asyncpg
import httpx

from scenarios.meeting.extrapolation import Group
from scenarios.meeting.recompute import recompute
from scenarios.meeting.report_building import build
from scenarios.meeting.report_cells import people_in
from scenarios.meeting.reports import LEAST_PEOPLE, decode, encode
from scenarios.meeting.travel import Leg, Trip
from service import inventories, jobs, reports
from service.access import Caller, Role
from service.config import Config
from service.db import transaction
from service.events import Event
from tests.doors import MORNING, come, coming, device, open_event
from tests.reporting import CELLS, GROUPS, accounted, cell
from workers import working

TYPED = ("张三", "李四", "王五", "赵六", "没有货运")


def test_the_public_form_names_nobody_and_has_the_same_totals() -> None:
    full, public = build(accounted()), build(accounted(), "public")
    said = encode(public).decode()
    assert all(name in encode(full).decode() for name in TYPED)
    assert not [name for name in TYPED if name in said]
    assert "B 门" not in said
    assert "A 门" in said
    same = ("full_g", "basic_g", "checked_in_g", "extrapolated_g", "co2_only_g", "by_source", "by_scope", "check_ins")
    assert [getattr(public.result, name) for name in same] == [getattr(full.result, name) for name in same]
    assert public.result.uncertainty
    assert full.result.uncertainty
    assert public.result.uncertainty.half_g == full.result.uncertainty.half_g
    assert all(each.people * each.count >= LEAST_PEOPLE for each in public.cells)
    assert all(each.people >= LEAST_PEOPLE for each in public.merged)
    assert sum(each.people * each.count for each in public.cells) + sum(e.people for e in public.merged) == people_in(
        CELLS
    )


def test_few_people_are_never_told_however_few_there_are() -> None:
    lonely = (cell(6, Leg("metro", 5_000)), cell(1, Leg("plane", 1_000_000)))
    public = build(accounted(lonely), "public")
    assert not public.cells
    assert [each.people for each in public.merged] == [7]
    assert not public.merged[0].legs
    assert recompute(public) == []
    alone = build(accounted((cell(2, Leg("plane", 1_000_000)),)), "public")
    assert [each.check_ins for each in alone.merged] == [2]
    assert b"plane" not in encode(alone).replace(b"plane_", b"")


def test_groups_of_few_are_told_as_one_without_a_name() -> None:
    two = (
        *GROUPS,
        Group(**{name: getattr(GROUPS[1], name) for name in GROUPS[1].__struct_fields__} | {"name": "C 门"}),
    )
    public = build(accounted(groups=two), "public")
    assert [each.name for each in public.result.extrapolated] == ["A 门", ""]
    assert public.result.extrapolated[1].respondents == 6
    assert public.result.extrapolated_g == build(accounted(groups=two)).result.extrapolated_g
    assert recompute(public) == []


async def visited(pool: asyncpg.Pool, config: Config) -> Event:
    """An event that people came to."""
    event = await open_event(pool, "上海")
    far = Trip(
        "journey", (Leg("high_speed_rail", 1_200_000), Leg("taxi", 5_000)), round_trip=True, nights=2, companions=1
    )
    near = Trip("journey", (Leg("metro", 8_000),), round_trip=True)
    requests = [coming(event, device(f"{n}"), far if n == 0 else near) for n in range(7)]
    assert all(not isinstance(each, Exception) for each in await come(pool, config, *requests))
    return event


async def organizer(pool: asyncpg.Pool) -> Caller:
    return Caller(await pool.fetchval("SELECT founded_by FROM organizations"), frozenset({Role.ORGANIZER}))


async def test_a_version_keeps_its_report_and_a_job_makes_all_of_its_files(
    database: asyncpg.Pool, config: Config, client: httpx.AsyncClient
) -> None:
    event = await visited(database, config)
    caller = await organizer(database)
    url = f"/v1/events/{event.id}/reports"
    async with transaction(database) as connection:
        await inventories.submit(connection, caller, event, None, MORNING)
    answer = await client.get(f"{url}/1.json?form=public")
    report = decode(answer.content)
    assert (answer.status_code, report.form, recompute(report)) == (200, "public", [])
    assert (await client.get(f"{url}/1.json")).status_code == 404
    assert (await client.get(f"{url}/draft.json?form=public")).status_code == 404
    for wrong in ("2.json?form=public", "1.exe?form=public", "x.json?form=public", "1.?form=public"):
        assert (await client.get(f"{url}/{wrong}")).status_code == 404, wrong
    async with transaction(database) as connection:
        job = await jobs.start(connection, reports.JOB, event.id, caller, reports.Prepared(1, "zh"))
    await working.do_waiting(database, config)
    assert (await jobs.ended(database, job.id)).result == 8
    assert await database.fetchval("SELECT count(*) FROM report_files") == 8
    again = await client.get(f"{url}/1.json?form=public")
    assert again.content == answer.content


async def test_a_draft_comes_out_when_computed_again(database: asyncpg.Pool, config: Config) -> None:
    event = await visited(database, config)
    async with database.acquire() as connection:
        found = await reports.accounted(connection, event.id, None, datetime.now(UTC))
    for form in reports.FORMS:
        report = build(found, form)
        assert recompute(report) == []
        assert report.result.full_g == found.result.full_g > 0
        assert json.loads(encode(report))["version"]["state"] == "draft"
