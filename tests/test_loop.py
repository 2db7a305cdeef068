"""The loop over HTTP: act, earn, donate, scan, tally; and every refusal on the way, in words and by a stable code."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from service import tallies
from service.codes import poster_code, screen_code
from service.config import Config
from service.db import transaction
from service.schedules import CHINA
from tests.people import LI, WANG, Headers, found_organization, key, sign_in

PHONE = {"Tanhui-Device": "phone-of-somebody-0001"}
METRO = {"part": "journey", "legs": [{"mode": "metro", "distance_m": 12_000}], "round_trip": True}


async def make_event(
    client: httpx.AsyncClient, organizer: Headers, organization: UUID, **changed: Any
) -> dict[str, Any]:
    """An event in Beijing that is open now."""
    now = datetime.now(UTC)
    hours = {"opens_at": (now - timedelta(hours=1)).isoformat(), "closes_at": (now + timedelta(hours=2)).isoformat()}
    body = {
        "organization_id": str(organization),
        "name": "零碳会议",
        "kind": "meeting",
        "place": "北京",
        "venue": "会议中心",
        "time_zone": "Asia/Shanghai",
        "expected_people": 300,
        "hours": [hours],
        "gates": ["A", "B"],
        **changed,
    }
    answer = await client.post("/v1/events", json=body, headers=organizer | key())
    assert answer.status_code == 201, answer.text
    event: dict[str, Any] = answer.json()
    return event


@pytest.fixture
async def organizer(client: httpx.AsyncClient) -> tuple[Headers, UUID]:
    return await found_organization(client, WANG)


@pytest.fixture
async def event(client: httpx.AsyncClient, organizer: tuple[Headers, UUID]) -> dict[str, Any]:
    return await make_event(client, *organizer)


async def check_in(client: httpx.AsyncClient, event: dict[str, Any], code: str, **said: Any) -> httpx.Response:
    """Check in with a code; a device unless headers say who."""
    headers = said.pop("headers", PHONE)
    body = {"code": code, "trip": METRO, **said}
    return await client.post(f"/v1/events/{event['id']}/check-ins", json=body, headers=key() | headers)


async def log_action(client: httpx.AsyncClient, headers: Headers, **said: Any) -> httpx.Response:
    """Log ten kilometres by metro at noon yesterday, in half an hour, unless said otherwise."""
    day = datetime.now(CHINA).date() - timedelta(days=said.pop("days", 1))
    began = datetime.combine(day, time(said.pop("hour", 12)), CHINA)
    times = {"started_at": began.isoformat(), "ended_at": (began + timedelta(minutes=30)).isoformat()}
    body = {"region": "110000", "action": "metro", "quantity": 10_000, "occurred_on": day.isoformat(), **times, **said}
    return await client.post("/v1/actions", json=body, headers=headers | key())


async def test_the_loop(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, organizer: tuple[Headers, UUID]
) -> None:
    event = await make_event(client, *organizer)
    citizen = await sign_in(client, LI)

    action = (await log_action(client, citizen)).json()
    assert action["reduction_g"] == (104 - 32) * 10 // 2, "self-declared: half"
    assert action["trace"]["baseline"] == "0.104"
    assert "DB11/T 3043" in action["trace"]["citation"]

    gift = await client.post(f"/v1/events/{event['id']}/donations", json={"grams": 300}, headers=citizen | key())
    assert gift.status_code == 201, gift.text
    assert (await client.get("/v1/me", headers=citizen)).json()["balance_g"] == 60

    code = screen_code(config, event["gates"][0]["short_code"], datetime.now(UTC))
    form = (await client.get(f"/v1/codes/{code}", headers=citizen)).json()
    assert (form["part"], form["gate"], form["fresh"]) == ("journey", "A", True)
    assert {"metro", "high_speed_rail", "plane"} <= {mode["key"] for mode in form["modes"]}
    sent = {"code": form["ticket"], "trip": METRO}
    url, once = f"/v1/events/{event['id']}/check-ins", citizen | {"Idempotency-Key": form["check_in_id"]}
    first = await client.post(url, json=sent, headers=once)
    again = await client.post(url, json=sent, headers=once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.json()["earned_g"] == (104 - 32) * 24
    assert (await client.get("/v1/me", headers=citizen)).json()["balance_g"] == 60 + first.json()["earned_g"]

    async with transaction(database) as connection:
        await tallies.fold(connection, UUID(event["id"]))
    tally = (await client.get(f"/v1/events/{event['id']}/tally", headers=organizer[0])).json()
    assert (tally["check_ins"], tally["people"], tally["donated_g"]) == (1, 1, 300)
    assert tally["emissions_g"] == first.json()["emissions_g"]
    assert tally["coverage_permille"] == 300 * 1000 // tally["emissions_g"]


async def test_a_second_scan_answers_200_with_the_first_receipt(
    client: httpx.AsyncClient, config: Config, event: dict[str, Any]
) -> None:
    code = poster_code(config, event["gates"][0]["short_code"])
    first, second = await check_in(client, event, code), await check_in(client, event, code)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["duplicate"]
    assert second.json()["check_in_id"] == first.json()["check_in_id"]
    assert second.json()["checked_in_at"] == first.json()["checked_in_at"]


async def test_an_anonymous_receipt_can_be_claimed_with_its_key(
    client: httpx.AsyncClient, config: Config, event: dict[str, Any]
) -> None:
    receipt = (await check_in(client, event, poster_code(config, event["gates"][0]["short_code"]))).json()
    citizen = await sign_in(client, LI)
    url = f"/v1/check-ins/{receipt['check_in_id']}"
    assert (await client.get(url, headers=citizen)).status_code == 404
    with_key = citizen | {"Tanhui-Receipt-Key": receipt["receipt_key"]}
    claimed = await client.post(f"{url}/claims", headers=with_key | key())
    assert (claimed.status_code, claimed.json()["earning"]) == (200, "credited")
    assert (await client.get("/v1/me", headers=citizen)).json()["balance_g"] == receipt["earned_g"] > 0
    undone = await client.post(f"{url}/undo", headers=with_key | key())
    assert (undone.status_code, undone.json()["ended_because"]) == (200, "undone")
    assert (await client.get("/v1/me", headers=citizen)).json()["balance_g"] == 0


async def test_shanxis_methodology_is_not_beijings(client: httpx.AsyncClient) -> None:
    citizen = await sign_in(client, LI)
    bike = await log_action(client, citizen, region="140000", action="shared_bike", quantity=5_000)
    assert bike.json()["trace"]["full_reduction_g"] == 1250, "五公里 1250 克 (山西日报 2022-12-01)"
    for region, action in (("140000", "metro"), ("110000", "shared_bike"), ("310000", "metro")):
        refused = await log_action(client, citizen, region=region, action=action)
        assert (refused.status_code, refused.json()["code"]) == (422, "no_methodology")


REFUSED_TRIPS: list[tuple[dict[str, Any], int, str]] = [
    ({"legs": [{"mode": "teleport", "distance_m": 1}]}, 422, "unknown_mode"),
    ({"legs": [{"mode": "metro", "distance_m": -1}]}, 422, "distance_absurd"),
    ({"legs": [{"mode": "walk", "distance_m": 39_000_000}]}, 422, "distance_absurd"),
    ({"legs": [{"mode": "plane", "distance_m": 10**15}]}, 422, "distance_absurd"),
    ({"legs": [{"mode": "plane"}]}, 422, "distance_missing"),
    ({"legs": []}, 422, "legs_absurd"),
    ({"legs": METRO["legs"], "companions": 5_000}, 422, "companions_absurd"),
    ({"legs": METRO["legs"], "nights": -1}, 422, "nights_absurd"),
    ({"legs": [{"mode": "metro", "distance_m": 1.5}]}, 400, "bad_input"),
    ({"legs": METRO["legs"], "speed": 3}, 400, "bad_input"),
]


@pytest.mark.parametrize(("trip", "status", "code"), REFUSED_TRIPS)
async def test_an_impossible_trip_is_refused_in_both_languages(
    client: httpx.AsyncClient,
    config: Config,
    database: asyncpg.Pool,
    event: dict[str, Any],
    trip: dict[str, Any],
    status: int,
    code: str,
) -> None:
    poster = poster_code(config, event["gates"][0]["short_code"])
    answer = await check_in(client, event, poster, trip={"part": "journey", **trip})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["texts"]["zh"] != answer.json()["texts"]["en"]
    assert await database.fetchval("SELECT count(*) FROM check_ins") == 0


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e300000", "-1e300000", "1e9999999"])
async def test_numbers_beyond_reason_are_refused_at_once(
    client: httpx.AsyncClient, event: dict[str, Any], number: str
) -> None:
    legs = f'[{{"mode": "metro", "distance_m": {number}}}]'
    content = f'{{"code": "00000000", "trip": {{"part": "journey", "legs": {legs}}}}}'
    answer = await client.post(
        f"/v1/events/{event['id']}/check-ins",
        content=content,
        headers=key() | PHONE | {"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")


@pytest.mark.parametrize(
    ("origin", "code", "named"),
    [("朝阳", "place_ambiguous", "candidates"), ("查无此地之城", "place_unknown", "suggestions")],
)
async def test_a_place_that_is_not_clear_is_asked_for(
    client: httpx.AsyncClient, config: Config, event: dict[str, Any], origin: str, code: str, named: str
) -> None:
    trip = {"part": "journey", "legs": [{"mode": "high_speed_rail"}]}
    poster = poster_code(config, event["gates"][0]["short_code"])
    answer = await check_in(client, event, poster, trip=trip, origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert named in answer.json()["values"]


async def test_a_named_place_gives_the_distance(
    client: httpx.AsyncClient, config: Config, event: dict[str, Any]
) -> None:
    trip = {"part": "journey", "legs": [{"mode": "high_speed_rail"}], "round_trip": True}
    poster = poster_code(config, event["gates"][0]["short_code"])
    receipt = (await check_in(client, event, poster, trip=trip, origin="太原")).json()
    (leg,) = receipt["trip"]["legs"]
    assert leg["distance_source"] == "great_circle"
    assert 400_000 < leg["distance_m"] < 600_000


async def test_a_factor_that_is_not_in_force_is_named(
    client: httpx.AsyncClient, config: Config, organizer: tuple[Headers, UUID]
) -> None:
    event = await make_event(client, *organizer, place="维也纳", time_zone="Europe/Vienna", factor_set="klower-2020")
    poster = poster_code(config, event["gates"][0]["short_code"])
    answer = await check_in(client, event, poster)
    assert (answer.status_code, answer.json()["code"]) == (422, "factor_not_in_force")
    assert answer.json()["values"]["key"] == "metro"


async def test_codes_that_are_forged_expired_or_of_another_event_are_refused_and_kept(
    client: httpx.AsyncClient, config: Config, organizer: tuple[Headers, UUID]
) -> None:
    event, other = await make_event(client, *organizer), await make_event(client, *organizer)
    short = event["gates"][0]["short_code"]
    genuine = poster_code(config, short)
    forged = genuine[:-1] + ("0" if genuine[-1] != "0" else "1")
    old = screen_code(config, short, datetime.now(UTC) - timedelta(minutes=5))
    foreign = poster_code(config, other["gates"][0]["short_code"])
    answers = [await check_in(client, event, each) for each in (forged, old, foreign, "ZZZZZZZZ", "'; DROP")]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (400, "code_forged"),
        (422, "code_expired"),
        (400, "code_of_another_event"),
        (400, "code_forged"),
        (400, "code_forged"),
    ]
    kept = (await client.get(f"/v1/events/{event['id']}/refused-scans", headers=organizer[0])).json()
    assert sorted(each["refusal"] for each in kept) == sorted(each.json()["code"] for each in answers)


async def test_an_event_that_is_not_open_lets_nobody_in(
    client: httpx.AsyncClient, config: Config, organizer: tuple[Headers, UUID]
) -> None:
    for code, begin in (("event_not_open", timedelta(days=1)), ("event_closed", timedelta(days=-2))):
        opens_at = datetime.now(UTC) + begin
        hours = {"opens_at": opens_at.isoformat(), "closes_at": (opens_at + timedelta(hours=8)).isoformat()}
        event = await make_event(client, *organizer, hours=[hours])
        answer = await check_in(client, event, poster_code(config, event["gates"][0]["short_code"]))
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_more_than_one_has_cannot_be_given(client: httpx.AsyncClient, event: dict[str, Any]) -> None:
    citizen = await sign_in(client, LI)
    await log_action(client, citizen)
    same = citizen | key()
    url = f"/v1/events/{event['id']}/donations"
    refused = await client.post(url, json={"grams": 361}, headers=same)
    assert (refused.status_code, refused.json()["code"]) == (409, "overdraft")
    assert refused.json()["values"] == {"held_g": 360, "asked_g": 361}
    await log_action(client, citizen, hour=13)
    assert (await client.post(url, json={"grams": 361}, headers=same)).json() == refused.json()
    for nonsense in ({"grams": 0}, {"grams": -5}, {"grams": 2**63}, {}):
        assert (await client.post(url, json=nonsense, headers=citizen | key())).status_code == 400
    nowhere = await client.post(f"/v1/events/{uuid4()}/donations", json={"grams": 1}, headers=citizen | key())
    assert nowhere.status_code == 404
    assert (await client.get("/v1/me", headers=citizen)).json()["balance_g"] == 720


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"occurred_on": "2999-01-01"}, "action_in_future"),
        ({"days": 31}, "action_too_old"),
        ({"occurred_on": "2020-01-01"}, "no_methodology"),
        ({"action": "teleport"}, "unknown_action"),
        ({"quantity": 9_000_000_000}, "quantity_absurd"),
    ],
)
async def test_an_impossible_action_is_refused(client: httpx.AsyncClient, said: dict[str, Any], code: str) -> None:
    citizen = await sign_in(client, LI)
    answer = await log_action(client, citizen, **said)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await client.get("/v1/me", headers=citizen)).json()["balance_g"] == 0


async def test_too_many_check_ins_of_one_attendee_are_told_when_to_come_back(
    client: httpx.AsyncClient, config: Config, event: dict[str, Any]
) -> None:
    poster = poster_code(config, event["gates"][0]["short_code"])
    answers = [await check_in(client, event, poster) for _ in range(config.check_ins_per_attendee_a_minute + 2)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].json()["code"] == "too_many"
    other = await check_in(client, event, poster, headers={"Tanhui-Device": "another-phone-in-line"})
    assert other.status_code == 201


async def test_bodies_that_cannot_be_read_are_refused(client: httpx.AsyncClient, event: dict[str, Any]) -> None:
    url = f"/v1/events/{event['id']}/check-ins"
    json = {"Content-Type": "application/json"}
    for content, status in ((b"{", 400), (b"[]", 400), (b"\xff\xfe", 400), (b'"' + b"x" * 1_100_000 + b'"', 413)):
        answer = await client.post(url, content=content, headers=key() | PHONE | json)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    without_key = await client.post(url, json={"code": "0", "trip": METRO}, headers=PHONE)
    assert without_key.status_code == 400
    odd_key = await client.post(
        url, json={"code": "0", "trip": METRO}, headers=PHONE | {"Idempotency-Key": "not-a-uuid"}
    )
    assert (odd_key.status_code, odd_key.json()["code"]) == (400, "id_not_uuid")
