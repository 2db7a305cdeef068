"""Heads counted at the gates: entered with a history, held against who answered, shown with what follows."""

from __future__ import annotations

import asyncpg
import httpx
import pytest

from scenarios.meeting.travel import Leg, Trip
from service import head_counts, members
from service.access import Caller, Role
from service.config import Config
from service.db import transaction
from service.events import Event
from service.head_counts import GatesAboveAll, HeadCounts, NewHeadCount
from tests.browsing import assert_english, assert_sound, sign_in
from tests.doors import DAY, LOCAL_METRO, MORNING, come_in, coming, device
from tests.doors import open_event as open_event_of_november
from tests.paper import see, send
from tests.people import WANG


def by_metro(km: int, companions: int = 0) -> Trip:
    """A journey."""
    leg = Leg(mode="metro", distance_m=km * 1000)
    return Trip(part="journey", legs=(leg,), round_trip=True, companions=companions)


async def count_heads(pool: asyncpg.Pool, event: Event, people: int, gate_id: int | None = None) -> HeadCounts:
    """Enter a count as the event's organizer."""
    async with transaction(pool) as connection:
        member = await connection.fetchval(
            "SELECT member_id FROM organization_members WHERE organization_id = $1", event.organization_id
        )
        caller = Caller(member, frozenset({Role.ORGANIZER}))
        return await head_counts.enter(connection, caller, event, NewHeadCount(people, "闸机", gate_id), MORNING)


async def test_answers_are_held_against_head_counts_an_attendee_once(database: asyncpg.Pool, config: Config) -> None:
    event = await open_event_of_november(database)
    east, west = event.gates
    first = await come_in(database, config, coming(event, device("a"), by_metro(10)))
    await come_in(database, config, coming(event, device("b"), by_metro(20, companions=1)))
    again = await come_in(database, config, coming(event, device("a"), LOCAL_METRO, at=MORNING + DAY, gate=1))
    async with database.acquire() as connection:
        (nobody_counted,) = (await head_counts.read(connection, event)).groups
        assert (nobody_counted.state, nobody_counted.respondents) == ("not_counted", 3)
        await count_heads(database, event, 9, east.id)
        await count_heads(database, event, 13)
        found = await head_counts.read(connection, event)
        groups = await head_counts.groups_of(connection, event)
        stored = await connection.fetchval(
            "SELECT sum(travel_emissions_g + lodging_emissions_g)::bigint FROM check_ins WHERE event_id = $1", event.id
        )
    gate, rest = groups
    assert (gate.gate, gate.answers, gate.respondents, gate.head_count) == (east.id, 2, 3, 9)
    own_g = first.trip.emissions_g + again.trip.emissions_g
    assert gate.sum_g == stored == sum(gate.by_source_g.values())
    assert gate.sum_people_squared == 1 + 4
    assert gate.sum_people_g == own_g + 2 * (stored - own_g)
    assert gate.sum_g_squared == own_g**2 + (stored - own_g) ** 2
    assert (rest.gate, rest.head_count, rest.answers) == (None, 4, 0)
    assert [each.state for each in found.groups] == ["estimated", "nobody_answered"]
    assert found.whole.refused_people == 4
    assert found.whole.missing_people == 10
    assert west.id not in {each.gate for each in groups}


async def test_a_new_count_takes_the_place_of_the_old_which_stays(database: asyncpg.Pool, event: Event) -> None:
    gate = event.gates[0].id
    await count_heads(database, event, 50, gate)
    counts = await count_heads(database, event, 60, gate)
    assert [(each.people, each.holds) for each in counts.counts] == [(60, True), (50, False)]
    assert counts.counts[0].replaces == counts.counts[1].id
    assert (counts.of(gate), counts.of(None), counts.total) == (60, None, 60)
    with pytest.raises(GatesAboveAll):
        await count_heads(database, event, 59)
    assert (await count_heads(database, event, 70)).total == 70
    with pytest.raises(asyncpg.RestrictViolationError):
        await database.execute("UPDATE head_counts SET people = 1")


async def test_heads_are_entered_on_a_page(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, WANG)
    url = f"/organize/events/{event.id}/head-counts"
    paper = await see(client, url)
    assert_sound(paper, "zh")
    form = paper.form("/head-counts")
    gate = str(event.gates[1].id)
    entered = await send(client, form, gate=gate, people="120", how="闸机")
    assert_sound(entered, "zh")
    assert "120" in entered.text
    assert "没有人作答" in entered.text
    await send(client, form, gate=gate, people="120", how="闸机")
    assert await database.fetchval("SELECT count(*) FROM head_counts") == 1
    for typed, said in (({"people": "many"}, "不是可用的数字"), ({"people": "5", "how": " "}, "不能留空")):
        wrong = await send(client, (await see(client, url)).form("/head-counts"), **({"how": "x"} | typed))
        assert said in wrong.text
    assert_english(await see(client, url, headers={"Accept-Language": "en"}))
    async with database.acquire() as connection:
        assert await members.member_by_phone(connection, config, WANG)
