"""An event's inventory: it holds what the tally holds, by packs that were pinned, and is kept whole in versions."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from scenarios.meeting.travel import Leg, Trip
from service import accountings, check_in_cells, events, inventories, tallies
from service.access import Caller, Role
from service.accountings import NewAbsence, NewSettings
from service.config import Config
from service.db import transaction
from service.errors import NotFound
from service.events import Event
from tests.books import NOW
from tests.doors import BY_METRO, DAY, LOCAL_METRO, MORNING, come_in, coming, device, open_event
from tests.people import HAN, WANG, ZHAO, Headers, add_gate_keeper, appoint, found_organization, key
from tests.tallied import Hall, undo
from tests.test_events import new_event

BY_CAR = Trip("journey", (Leg("car", 35_000, occupants=2), Leg("walk", 300)), round_trip=True, companions=2)
BY_PLANE = Trip("journey", (Leg("plane", 1_200_000),), round_trip=True, nights=3, companions=1)
KWH = {"item": "electricity", "quantity": "1200", "unit": "kWh", "rank": "measured"}


async def organizer_of(database: asyncpg.Pool, event: Event) -> Caller:
    """Who organizes it."""
    member = await database.fetchval(
        "SELECT member_id FROM organization_members WHERE organization_id = $1", event.organization_id
    )
    return Caller(member, frozenset({Role.ORGANIZER}))


async def fill(database: asyncpg.Pool, config: Config, event: Event) -> None:
    """Some come alike and some not, one is undone, and all are folded into the tally."""
    for number, trip in enumerate([BY_METRO, BY_METRO, BY_CAR, BY_PLANE, BY_METRO]):
        receipt = await come_in(
            database, config, coming(event, device(f"d{number}"), trip, at=MORNING, gate=number % 2)
        )
    await come_in(database, config, coming(event, device("d0"), LOCAL_METRO, at=MORNING + DAY))
    await undo(database, Hall(event.id, (0, 0)), receipt.check_in_id)
    async with transaction(database) as connection:
        await tallies.fold(connection, event.id)


async def test_the_inventory_has_the_tallys_grams_in_cells_of_check_ins_that_came_alike(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database)
    await fill(database, config, event)
    async with database.acquire() as connection:
        tally = await tallies.read(connection, event.id)
        found = await inventories.compute(connection, event.id, NOW)
        assert found.cells == tuple(await check_in_cells.of_event(connection, event.id))
    result = found.result
    assert result.checked_in_travel_g == tally.journey_emissions_g + tally.local_emissions_g > 0
    assert result.checked_in_lodging_g == tally.lodging_emissions_g > 0
    assert result.checked_in_g == sum(cell.grams for cell in found.cells) == tally.emissions_g
    assert result.check_ins == tally.check_ins == sum(cell.count for cell in found.cells) == 5
    car = next(cell for cell in found.cells if cell.legs[0].mode == "car")
    assert (car.legs[0].occupants, car.legs[1].occupants, car.people, car.count) == (2, None, 3, 1)
    assert len(found.cells) == 5  # two came by metro, through different gates


async def test_those_alike_at_one_gate_are_one_cell_and_old_rows_tell_their_occupants(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database)
    for name in "abc":
        await come_in(database, config, coming(event, device(name), BY_CAR, at=MORNING))
    await database.execute("UPDATE check_ins SET trip = trip #- '{legs,0,occupants}'")
    async with database.acquire() as connection:
        (cell,) = await check_in_cells.of_event(connection, event.id)
    assert (cell.count, cell.legs[0].occupants, cell.grams) == (3, 2, 3 * cell.grams_each)


async def test_an_accounting_opens_once_however_many_ask(database: asyncpg.Pool) -> None:
    event = await open_event(database)

    async def ask() -> Any:
        async with transaction(database) as connection:
            return (await accountings.opened(connection, event, None, NOW)).packs

    packs = await asyncio.gather(*[ask() for _ in range(5)])
    assert len(set(packs)) == 1
    assert {each.kind for each in packs[0]} == {"factors", "boundary", "sources"}
    assert packs[0][0].id == event.factor_set
    assert await database.fetchval("SELECT count(*) FROM accountings") == 1
    stored = await database.fetchval("SELECT count(*) FROM pinned_packs WHERE sha256(content) = digest")
    assert stored == len(packs[0])


async def test_what_is_computed_later_reads_the_packs_that_were_pinned(
    database: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await open_event(database)
    async with transaction(database) as connection:
        before = await accountings.opened(connection, event, None, NOW)

    def gone(*_: Any) -> Any:
        raise AssertionError("a pack that ships was read")

    monkeypatch.setattr(accountings, "choose", gone)
    async with transaction(database) as connection:
        after = await accountings.opened(connection, event, None, NOW + timedelta(days=400))
    assert (after.packs, after.opened_at) == (before.packs, NOW)
    on = events.day_of(event, MORNING)
    assert after.factors.find("metro", "110000", on) == before.factors.find("metro", "110000", on)


async def test_settings_and_absences_keep_their_history(database: asyncpg.Pool) -> None:
    event = await open_event(database)
    caller = await organizer_of(database, event)
    for settings in (
        NewSettings(ambition="full"),
        NewSettings(area_m2="2500.5", baseline_g=900_000, baseline_because="实施计划第三章"),
    ):
        async with transaction(database) as connection:
            await accountings.settle(connection, caller, event, settings, NOW)
    for absent in (True, False, True):
        new = NewAbsence("catering", because="不供餐", absent=absent)
        async with transaction(database) as connection:
            await accountings.declare(connection, caller, event, new, NOW)
    async with database.acquire() as connection:
        first, second = await accountings.settings_of(connection, event.id)
        found = await inventories.compute(connection, event.id, NOW)
    assert (first.area_m2, first.ambition, second.ambition, second.area_m2) == (
        Decimal("2500.5"),
        "basic",
        "full",
        None,
    )
    assert found.result.absent == {"catering": "不供餐"}
    assert "catering" not in {each.key for each in found.result.missing}
    assert found.result.avoided is not None
    assert found.result.avoided.avoided_g == 900_000 - found.result.reported_g
    assert found.result.per.m2_g == 0
    for wrong in (NewSettings(area_m2="0"), NewSettings(baseline_g=1)):
        with pytest.raises((accountings.AreaImpossible, accountings.BaselineUnexplained)):
            async with transaction(database) as connection:
                await accountings.settle(connection, caller, event, wrong, NOW)
    with pytest.raises(accountings.SourceUnknown):
        async with transaction(database) as connection:
            await accountings.declare(connection, caller, event, NewAbsence("fireworks", because="无"), NOW)


async def test_two_who_submit_at_once_make_one_version(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event(database)
    await fill(database, config, event)
    caller = await organizer_of(database, event)

    async def submit() -> inventories.Version:
        async with transaction(database) as connection:
            return await inventories.submit(connection, caller, event, None, NOW)

    made = await asyncio.gather(submit(), submit(), submit())
    assert {each.number for each in made} == {1}
    async with database.acquire() as connection:
        whole = await inventories.find(connection, event.id, 1)
        assert inventories.digest_of(whole.inventory) == whole.version.digest == made[0].digest
        with pytest.raises(NotFound):
            await inventories.find(connection, event.id, 2)
    with pytest.raises(asyncpg.RestrictViolationError):
        await database.execute("UPDATE inventories SET because = 'x'")


async def an_event(client: httpx.AsyncClient) -> tuple[Headers, Any, str]:
    """An organizer's event, and where its accounting is."""
    organizer, organization = await found_organization(client, WANG)
    answer = await client.post("/v1/events", json=new_event(organization), headers=organizer | key())
    return organizer, organization, f"/v1/events/{answer.json()['id']}"


async def post(client: httpx.AsyncClient, who: Headers, url: str, **body: Any) -> httpx.Response:
    """A write."""
    return await client.post(url, json=body, headers=who | key())


async def test_versions_are_submitted_restated_verified_and_held_against_each_other(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    organizer, organization, url = await an_event(client)
    keeper = await add_gate_keeper(client, organizer, organization, HAN)
    authority = await appoint(client, database, config, ZHAO, "110000")
    assert (await client.get(f"{url}/accounting", headers=organizer)).status_code == 404
    assert (await client.get(f"{url}/inventory", headers=organizer)).json()["result"]["full_g"] == 0
    opened = await post(client, organizer, f"{url}/accounting", ambition="full", area_m2="1000")
    assert opened.status_code == 201, opened.text
    assert (await post(client, organizer, f"{url}/activity-data", lines=[KWH])).status_code == 201
    first = await post(client, organizer, f"{url}/inventories")
    assert (first.status_code, first.json()["number"], first.json()["state"]) == (201, 1, "submitted")
    assert (await post(client, organizer, f"{url}/inventories")).json() == first.json()
    await post(client, organizer, f"{url}/activity-data", lines=[KWH | {"quantity": "300"}])
    assert (await client.get(f"{url}/inventories/1", headers=organizer)).json()["version"] == first.json()
    unexplained = await post(client, organizer, f"{url}/inventories")
    assert (unexplained.status_code, unexplained.json()["code"]) == (422, "restatement_unexplained")
    second = (await post(client, organizer, f"{url}/inventories", because="补录一张电表")).json()
    assert (second["number"], second["state"], second["replaces"]) == (2, "restated", 1)
    changed = (await client.get(f"{url}/inventories/1/differences/2", headers=authority)).json()
    assert [(each["kind"], each["before_g"]) for each in changed] == [("line", None)]
    assert changed[0]["after_g"] == second["full_g"] - first.json()["full_g"] > 0
    asked = [("organizer", organizer, 2, 403), ("keeper", keeper, 2, 403), ("old", authority, 1, 409)]
    for _, who, number, status in [*asked, ("newest", authority, 2, 201), ("again", authority, 2, 409)]:
        answer = await client.post(f"{url}/inventories/{number}/verification", headers=who | key())
        assert answer.status_code == status, answer.text
    versions = (await client.get(f"{url}/inventories", headers=authority)).json()
    assert [(each["number"], each["state"]) for each in versions] == [(2, "verified"), (1, "submitted")]
    draft = msgspec.json.decode(
        (await client.get(f"{url}/inventory", headers=authority)).content, type=inventories.Draft
    )
    assert (draft.number, draft.result.full_g, draft.result.ambition) == (2, second["full_g"], "full")
    assert (await client.get(f"{url}/inventory", headers=keeper)).status_code == 403
