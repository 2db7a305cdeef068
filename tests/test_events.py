"""Events: who may make one, what is refused, which day it is there, and when its doors are open."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import events, ledger
from service.codes import ALPHABET
from service.config import Config
from service.errors import NotFound
from service.events import Event, EventClosed, EventNotOpenYet, Hours, check_open, day_of, is_open
from service.schedules import HoursReversed, check_hours, daily
from tests.people import HAN, LI, WANG, ZHAO, Headers, add_gate_keeper, appoint, found_organization, key, sign_in

OPENS = datetime(2026, 11, 20, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def hours(*pairs: tuple[datetime, datetime]) -> list[dict[str, str]]:
    """Opening hours as JSON has them."""
    return [{"opens_at": opens.isoformat(), "closes_at": closes.isoformat()} for opens, closes in pairs]


def one(opens_at: str, closes_at: str) -> list[dict[str, str]]:
    """One interval, as written."""
    return [{"opens_at": opens_at, "closes_at": closes_at}]


def new_event(organization: UUID, **changes: Any) -> dict[str, Any]:
    """An event in Beijing that nothing is wrong with, but for the changes."""
    return {
        "organization_id": str(organization),
        "name": "零碳会议论坛",
        "kind": "forum",
        "place": "北京",
        "venue": "国家会议中心",
        "time_zone": "Asia/Shanghai",
        "expected_people": 800,
        "hours": hours((OPENS, OPENS + DAY / 2), (OPENS + DAY, OPENS + 1.5 * DAY)),
        "gates": ["东门", "西门"],
    } | changes


async def post_event(client: httpx.AsyncClient, organizer: Headers, event: dict[str, Any]) -> httpx.Response:
    """Ask for an event."""
    return await client.post("/v1/events", json=event, headers=organizer | key())


def sample(time_zone: str = "Asia/Shanghai", *opening: Hours) -> Event:
    """An event that no database knows."""
    return Event(
        id=UUID(int=1),
        organization_id=UUID(int=2),
        name="会议",
        kind="meeting",
        country="CN",
        region="110000",
        place="geonames:1816670",
        venue="会议中心",
        latitude=39.9,
        longitude=116.4,
        time_zone=time_zone,
        expected_people=10,
        factor_set="travel-cn",
        hours=opening or (Hours(OPENS, OPENS + DAY / 2), Hours(OPENS + DAY, OPENS + 1.5 * DAY)),
        gates=(),
    )


async def test_an_organizer_makes_an_event_with_gates_account_and_tally(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    organizer, organization = await found_organization(client, WANG)
    answer = await post_event(client, organizer, new_event(organization))
    assert answer.status_code == 201, answer.text
    event = msgspec.json.decode(answer.content, type=Event)
    assert [gate.name for gate in event.gates] == ["东门", "西门"]
    assert all(set(gate.short_code) <= set(ALPHABET) and len(gate.short_code) == 8 for gate in event.gates)
    assert (event.country, event.region, event.jurisdiction) == ("CN", "110000", "110000")
    assert (event.latitude, event.longitude) == (pytest.approx(39.9, abs=0.1), pytest.approx(116.4, abs=0.1))
    assert event.factor_set == "travel-cn"
    assert event.hours == (Hours(OPENS, OPENS + DAY / 2), Hours(OPENS + DAY, OPENS + 1.5 * DAY))
    async with database.acquire() as connection:
        assert await events.find(connection, event.id) == event
        assert await connection.fetchval("SELECT kind FROM accounts WHERE id = $1", event.id) == "event"
        assert await connection.fetchval("SELECT sequence FROM tallies WHERE event_id = $1", event.id) == 0
        assert await ledger.balance_g(connection, event.id) == 0


async def test_the_same_request_twice_makes_one_event(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    organizer, organization = await found_organization(client, WANG)
    headers = organizer | key()
    first, second = [await client.post("/v1/events", json=new_event(organization), headers=headers) for _ in range(2)]
    assert first.content == second.content
    assert await database.fetchval("SELECT count(*) FROM events") == 1


async def test_everyone_sees_an_event_but_not_its_short_codes(client: httpx.AsyncClient) -> None:
    organizer, organization = await found_organization(client, WANG)
    event = (await post_event(client, organizer, new_event(organization))).json()
    shown = await client.get(f"/v1/events/{event['id']}")
    assert shown.status_code == 200
    assert (shown.json()["name"], shown.json()["gates"]) == ("零碳会议论坛", ["东门", "西门"])
    assert not any(gate["short_code"] in shown.text for gate in event["gates"])
    assert (await client.get(f"/v1/events/{uuid4()}")).json()["code"] == "not_found"


async def test_events_are_listed_for_those_who_act_for_them(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    organizer, organization = await found_organization(client, WANG)
    made = [(await post_event(client, organizer, new_event(organization))).json()["id"] for _ in range(3)]
    elsewhere = (await post_event(client, organizer, new_event(organization, place="太原"))).json()["id"]
    keeper = await add_gate_keeper(client, organizer, organization, HAN)
    stranger, _ = await found_organization(client, LI, "别家")
    authority = await appoint(client, database, config, ZHAO, "140000")
    for headers, seen in (
        (organizer, [elsewhere, *reversed(made)]),
        (keeper, [elsewhere, *reversed(made)]),
        (authority, [elsewhere]),
        (stranger, []),
    ):
        listed = await client.get("/v1/events", headers=headers)
        assert [each["id"] for each in listed.json()] == seen
    page = await client.get("/v1/events", headers=organizer, params={"limit": 2, "before": made[2]})
    assert [each["id"] for each in page.json()] == [made[1], made[0]]


async def test_only_an_organizer_of_that_very_organization_makes_its_events(client: httpx.AsyncClient) -> None:
    organizer, organization = await found_organization(client, WANG)
    stranger, other = await found_organization(client, LI, "别家")
    keeper = await add_gate_keeper(client, organizer, organization, HAN)
    assert (await post_event(client, stranger, new_event(organization))).json()["code"] == "not_found"
    assert (await post_event(client, organizer, new_event(other))).json()["code"] == "not_found"
    assert (await post_event(client, keeper, new_event(organization))).json()["code"] == "not_allowed"
    assert (await client.post("/v1/events", json=new_event(organization), headers=key())).status_code == 401


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"hours": []}, 400, "bad_input"),
        ({"hours": hours((OPENS + DAY, OPENS))}, 400, "hours_reversed"),
        ({"hours": hours((OPENS, OPENS))}, 400, "hours_reversed"),
        ({"hours": hours((OPENS, OPENS + DAY + timedelta(seconds=1)))}, 400, "hours_too_long"),
        ({"hours": hours((OPENS + DAY / 4, OPENS + DAY), (OPENS, OPENS + DAY / 3))}, 400, "hours_overlap"),
        (
            {"hours": hours((datetime(1999, 12, 31, 20, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)))},
            400,
            "hours_absurd",
        ),
        (
            {"hours": [{"opens_at": "0001-01-01T00:00:00+14:00", "closes_at": "0001-01-01T02:00:00+14:00"}]},
            400,
            "hours_absurd",
        ),
        (
            {"hours": [{"opens_at": "9999-12-31T20:00:00-12:00", "closes_at": "9999-12-31T23:00:00-12:00"}]},
            400,
            "hours_absurd",
        ),
        ({"hours": one("2026-11-20T08:00:00", "2026-11-20T09:00:00")}, 400, "bad_input"),
        ({"hours": hours(*((OPENS + DAY * n, OPENS + DAY * n + DAY / 2) for n in range(61)))}, 400, "bad_input"),
        ({"time_zone": "Mars/Olympus"}, 400, "time_zone_unknown"),
        ({"time_zone": "../../etc/passwd"}, 400, "time_zone_unknown"),
        ({"time_zone": "localtime"}, 400, "time_zone_unknown"),
        ({"gates": ["东门", "东门 "]}, 400, "gate_names_repeat"),
        ({"gates": []}, 400, "bad_input"),
        ({"gates": [" "]}, 400, "bad_input"),
        ({"gates": [str(n) for n in range(201)]}, 400, "bad_input"),
        ({"name": "a\0b"}, 400, "bad_input"),
        ({"name": "会" * 201}, 400, "bad_input"),
        ({"name": " \u3000"}, 400, "bad_input"),
        ({"kind": "party"}, 400, "bad_input"),
        ({"latitude": 39.9}, 400, "coordinates_incomplete"),
        ({"latitude": 91, "longitude": 0}, 400, "bad_input"),
        ({"expected_people": 0}, 400, "bad_input"),
        ({"expected_people": 2**70}, 400, "bad_input"),
        ({"place": "朝阳"}, 422, "place_ambiguous"),
        ({"place": "没有这样的地方"}, 422, "place_unknown"),
        ({"place": "geonames:0"}, 422, "place_unknown"),
        ({"factor_set": "nobody's"}, 422, "unknown_factor_set"),
        ({"place": "维也纳"}, 422, "factor_set_needed"),
        ({"surprise": 1}, 400, "bad_input"),
    ],
)
async def test_what_cannot_be_an_event_is_refused_and_nothing_is_made(
    client: httpx.AsyncClient, database: asyncpg.Pool, changes: dict[str, Any], status: int, code: str
) -> None:
    organizer, organization = await found_organization(client, WANG)
    answer = await post_event(client, organizer, new_event(organization, **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert set(answer.json()["texts"]) == {"zh", "en"}
    assert await database.fetchval("SELECT count(*) FROM events") == 0
    assert await database.fetchval("SELECT count(*) FROM accounts WHERE kind = 'event'") == 0


async def test_an_event_may_be_abroad_under_a_factor_set_of_its_own(client: httpx.AsyncClient) -> None:
    organizer, organization = await found_organization(client, WANG)
    abroad = new_event(organization, place="维也纳", factor_set="klower-2020", time_zone="Europe/Vienna")
    answer = await post_event(client, organizer, abroad | {"latitude": 48.235, "longitude": 16.413})
    assert answer.status_code == 201, answer.text
    event = msgspec.json.decode(answer.content, type=Event)
    assert (event.country, event.region, event.jurisdiction) == ("AT", None, "AT")
    assert (event.latitude, event.longitude) == (48.235, 16.413)


async def test_a_short_code_finds_its_event_and_gate(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    organizer, organization = await found_organization(client, WANG)
    one, two = [
        msgspec.json.decode((await post_event(client, organizer, new_event(organization))).content, type=Event)
        for _ in range(2)
    ]
    asked = {one.gates[1].short_code, two.gates[0].short_code, "ZZZZZZZZ"}
    async with database.acquire() as connection:
        found = await events.find_many_by_short_code(connection, asked)
        assert found == {
            one.gates[1].short_code: (one, one.gates[1]),
            two.gates[0].short_code: (two, two.gates[0]),
        }
        with pytest.raises(NotFound):
            await events.find(connection, uuid4())


async def test_a_citizen_may_not_list_events(client: httpx.AsyncClient) -> None:
    citizen = await sign_in(client, LI)
    assert (await client.get("/v1/events", headers=citizen)).json()["code"] == "not_allowed"


@pytest.mark.parametrize(
    ("time_zone", "at", "day"),
    [
        ("Asia/Shanghai", "2026-11-20T19:59:59Z", date(2026, 11, 20)),  # 03:59:59
        ("Asia/Shanghai", "2026-11-20T20:00:00Z", date(2026, 11, 21)),  # 04:00
        ("Asia/Shanghai", "2026-11-20T16:00:00Z", date(2026, 11, 20)),  # midnight
        ("Europe/Vienna", "2026-03-29T01:59:59Z", date(2026, 3, 28)),  # 03:59:59, an hour after clocks went forward
        ("Europe/Vienna", "2026-03-29T02:00:00Z", date(2026, 3, 29)),
        ("Europe/Vienna", "2026-10-25T02:59:59Z", date(2026, 10, 24)),  # 03:59:59, clocks went back: 26 hours' day
        ("Europe/Vienna", "2026-10-25T03:00:00Z", date(2026, 10, 25)),
        ("America/New_York", "2026-11-21T08:59:59Z", date(2026, 11, 20)),
        ("Pacific/Kiritimati", "2026-11-20T14:00:00Z", date(2026, 11, 21)),  # 14 hours ahead
    ],
)
def test_a_day_begins_at_four_by_the_clock_on_the_wall(time_zone: str, at: str, day: date) -> None:
    assert day_of(sample(time_zone), datetime.fromisoformat(at)) == day


@given(
    st.sampled_from(["Asia/Shanghai", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(1_577_836_800, 4_102_444_799),
    st.integers(0, 86_400),
)
def test_days_follow_each_other(time_zone: str, second: int, later: int) -> None:
    event, at = sample(time_zone), datetime.fromtimestamp(second, UTC)
    assert day_of(event, at) <= day_of(event, at + timedelta(seconds=later)) <= day_of(event, at) + 2 * DAY


def test_an_hour_that_the_clocks_leave_out_is_no_opening() -> None:
    night = date(2026, 3, 29)
    check_hours(daily(night, night, time(1, 30), time(3, 30), "Europe/Vienna"))
    with pytest.raises(HoursReversed):
        check_hours(daily(night, night, time(2, 30), time(3), "Europe/Vienna"))


def test_doors_are_open_from_opening_until_closing() -> None:
    event = sample()
    assert [is_open(event, OPENS + DAY * days) for days in (-0.1, 0, 0.4, 0.5, 0.9, 1, 1.4, 1.5, 2)] == [
        *(False, True, True, False, False, True, True, False, False),
    ]


def test_closed_doors_say_when_they_open_by_local_time() -> None:
    for now, opens_at in ((OPENS - DAY, "2026-11-20 08:00+08:00"), (OPENS + 0.6 * DAY, "2026-11-21 08:00+08:00")):
        with pytest.raises(EventNotOpenYet) as refused:
            check_open(sample(), now)
        assert refused.value.values == {"opens_at": opens_at}
    with pytest.raises(EventClosed):
        check_open(sample(), OPENS + 1.5 * DAY)
    check_open(sample(), OPENS)
