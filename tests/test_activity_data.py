"""Activity data: the published footprint of a real congress from its rows; all lines or none; an honest inventory."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from service.config import Config
from service.events import Event
from service.inventories import Draft
from tests.doors import BY_METRO, DAY, LOCAL_METRO, MORNING, come_in, coming, device
from tests.people import HAN, LI, WANG, ZHAO, Headers, add_gate_keeper, appoint, found_organization, key
from tests.test_events import new_event

CONGRESS = Path(__file__).parent / "data" / "egu2019.csv"
VIENNA = {"place": "维也纳", "time_zone": "Europe/Vienna"}
METRO = {"label": "会务组", "mode": "metro", "people": "12", "distance_m": 10_000}


async def an_event(client: httpx.AsyncClient, **changes: Any) -> tuple[Headers, Event]:
    """An organizer's event."""
    organizer, organization = await found_organization(client, WANG)
    answer = await client.post("/v1/events", json=new_event(organization, **changes), headers=organizer | key())
    assert answer.status_code == 201, answer.text
    return organizer, msgspec.json.decode(answer.content, type=Event)


async def enter(client: httpx.AsyncClient, organizer: Headers, event: Event, *lines: Any) -> httpx.Response:
    """Enter lines."""
    url = f"/v1/events/{event.id}/activity-data"
    return await client.post(url, json={"lines": list(lines)}, headers=organizer | key())


async def inventory_of(client: httpx.AsyncClient, reader: Headers, event: Event) -> Draft:
    """The event's inventory."""
    answer = await client.get(f"/v1/events/{event.id}/inventory", headers=reader)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Draft)


def congress() -> list[dict[str, Any]]:
    """The congress's rows as lines: people are the country's, times the city's share."""
    with CONGRESS.open(encoding="utf-8", newline="") as source:
        return [as_line(row) for row in csv.DictReader(source)]


def as_line(row: dict[str, str]) -> dict[str, Any]:
    """A row as a line."""
    people = Decimal(row["country_attendees"]) * Decimal(row["city_share"])
    return {
        "label": f"{row['city']}, {row['country']}",
        "mode": "any",
        "people": f"{people:f}",
        "distance_m": int(Decimal(row["one_way_km"]) * 1_000),
        "round_trip": True,
    }


@pytest.mark.parametrize(("factor_set", "published_t"), [("klower-2020", 22_302.1), ("klower-2020-rail", 19_750.2)])
async def test_a_congress_entered_row_by_row_comes_to_its_published_footprint(
    client: httpx.AsyncClient, factor_set: str, published_t: float
) -> None:
    organizer, event = await an_event(client, **VIENNA, factor_set=factor_set)
    lines = congress()
    answer = await enter(client, organizer, event, *lines)
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["lines"]) == len(lines) == 119
    result = (await inventory_of(client, organizer, event)).result
    assert result.lines_g / 1e6 == pytest.approx(published_t, abs=0.1)
    assert result.full_g == result.lines_g == answer.json()["emissions_g"]
    assert [(each.key, each.emissions_g) for each in result.by_item] == [("any", result.full_g)]


async def test_each_line_keeps_the_values_it_was_quantified_by(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    organizer, event = await an_event(client)
    (line,) = (await enter(client, organizer, event, METRO)).json()["lines"]
    row = await database.fetchrow("SELECT * FROM activity_data WHERE id = $1", UUID(line["id"]))
    assert row is not None
    trace = msgspec.json.decode(row["trace"])
    assert (trace["factor"]["pack"], trace["factor"]["key"]) == ("travel-cn", "metro")
    assert trace["factor"]["citation"]
    assert len(trace["factor"]["digest"]) == 16
    assert Fraction(trace["base_amount"]) == 240_000
    assert (row["label"], row["item"], row["people"], row["distance_m"]) == ("会务组", "metro", 12, 10_000)
    assert (row["source"], row["stage"], row["rank"], row["quantity"], row["unit"]) == (
        "travel",
        "hold",
        "declared",
        240,
        "pkm",
    )
    value = Fraction(trace["factor"]["value"])
    assert row["emissions_g"] == line["emissions_g"] == -(-value * 240_000 // 1) > 0


async def test_a_refused_line_refuses_all_and_each_is_told(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    organizer, event = await an_event(client)
    wrong = [METRO | {"mode": "broom"}, METRO | {"people": "0.000"}, METRO | {"mode": "any"}]
    far = METRO | {"mode": "walk", "distance_m": 39_000_000}
    answer = await enter(client, organizer, event, METRO, *wrong, METRO, far)
    assert (answer.status_code, answer.json()["code"]) == (422, "lines_refused")
    assert [(each["index"], each["code"]) for each in answer.json()["values"]["lines"]] == [
        (1, "unknown_item"),
        (2, "people_absurd"),
        (3, "factor_not_in_force"),
        (5, "distance_absurd"),
    ]
    assert not any(re.search("[\u4e00-\u9fff]", each["texts"]["en"]) for each in answer.json()["values"]["lines"])
    assert "2, 3, 4, 6" in answer.json()["texts"]["en"]
    assert await database.fetchval("SELECT count(*) FROM activity_data") == 0


@pytest.mark.parametrize(
    "line",
    [
        METRO | {"people": 12},
        METRO | {"people": "NaN"},
        METRO | {"people": "1e300000"},
        METRO | {"people": "-1"},
        METRO | {"people": "\uff11\uff12"},
        METRO | {"people": "1\n"},
        METRO | {"people": "1" * 60},
        METRO | {"distance_m": -1},
        METRO | {"distance_m": 40_000_001},
        METRO | {"distance_m": 1.5},
        METRO | {"label": "a\0b"},
        METRO | {"label": "字" * 201},
        METRO | {"surprise": 1},
        {"mode": "metro", "people": "1"},
        "metro",
    ],
)
async def test_what_is_no_line_is_refused(client: httpx.AsyncClient, line: Any) -> None:
    organizer, event = await an_event(client)
    answer = await enter(client, organizer, event, line)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")


async def test_there_is_a_line_and_not_more_than_a_thousand(client: httpx.AsyncClient) -> None:
    organizer, event = await an_event(client)
    for count, status in ((0, 400), (1_000, 201), (1_001, 400)):
        assert (await enter(client, organizer, event, *[METRO] * count)).status_code == status


async def test_the_same_request_twice_enters_its_lines_once(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    organizer, event = await an_event(client)
    url, headers = f"/v1/events/{event.id}/activity-data", organizer | key()
    first, second = [await client.post(url, json={"lines": [METRO]}, headers=headers) for _ in range(2)]
    assert first.content == second.content
    assert await database.fetchval("SELECT count(*) FROM activity_data") == 1


async def test_the_inventory_keeps_origins_apart_and_adds_them_up(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    organizer, event = await an_event(client)
    people = [device("a"), device("b")]
    for attendee in people:
        await come_in(database, config, coming(event, attendee, BY_METRO, at=MORNING))
        await come_in(database, config, coming(event, attendee, LOCAL_METRO, at=MORNING + DAY))
    await enter(client, organizer, event, METRO, METRO | {"mode": "bus", "round_trip": False})
    found = await inventory_of(client, organizer, event)
    result = found.result
    assert (result.check_ins, result.lines, found.event_id) == (4, 2, event.id)
    assert result.full_g == result.lines_g + result.checked_in_g > 0
    assert {each.key for each in result.by_item} == {"metro", "bus"}


async def test_co2_alone_is_told_apart(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    organizer, event = await an_event(client, **VIENNA, factor_set="klower-2020")
    await enter(client, organizer, event, METRO | {"mode": "any", "people": "0.5"})
    result = (await inventory_of(client, organizer, event)).result
    gases = msgspec.json.decode(await database.fetchval("SELECT trace FROM activity_data"))["factor"]["gases"]
    assert result.co2_only_g == (result.lines_g if gases == ["CO2"] else 0)


async def test_activity_data_is_the_organizers_and_the_inventory_the_authoritys_too(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    organizer, organization = await found_organization(client, WANG)
    answer = await client.post("/v1/events", json=new_event(organization), headers=organizer | key())
    event = msgspec.json.decode(answer.content, type=Event)
    keeper = await add_gate_keeper(client, organizer, organization, HAN)
    stranger, _ = await found_organization(client, LI, "别家")
    authority = await appoint(client, database, config, ZHAO, "110000")
    callers = (organizer, keeper, stranger, authority)
    assert [(await enter(client, who, event, METRO)).status_code for who in callers] == [201, 403, 404, 403]
    url = f"/v1/events/{event.id}/inventory"
    readers = (organizer, authority, keeper, stranger)
    assert [(await client.get(url, headers=who)).status_code for who in readers] == [200, 200, 403, 404]
