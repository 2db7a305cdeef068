"""Certificates over HTTP: public, naming no person; their serials are read as they are written."""

from __future__ import annotations

from datetime import date

import asyncpg
import httpx
import pytest

from service.certificates import SerialsUnreadable, block, mask, read_serials
from service.config import Config
from service.db import transaction
from service.members import member_by_phone
from tests.books import issue
from tests.people import HAN, LI, WANG, Headers, add_gate_keeper, found_organization, key, sign_in
from tests.test_events import new_event

# How serials are written ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "methodology", "written"),
    [
        ("140000", "sanjin", "CN-140000-sanjin-2022-2026-11-K7-0000123–0000456"),
        ("110000", "dbt11-3043", "CN-110000-dbt11-3043-2022-2026-11-K7-0000123–0000456"),
        ("810000", "x", "HK-810000-x-2022-2026-11-K7-0000123–0000456"),
        ("AT", "DB11/T 3043", "AT-DB11/T 3043-2022-2026-11-K7-0000123–0000456"),
        ("world", "x", "world-x-2022-2026-11-K7-0000123–0000456"),
    ],
)
def test_serials_are_read_as_written(region: str, methodology: str, written: str) -> None:
    made = block(7, region, methodology, "2022", date(2026, 11, 1), 123, 457)
    assert made.serials == written
    assert read_serials(made.serials) == (7, 123, 456)
    assert made.grams == 334


def test_serials_beyond_seven_digits_are_read_too() -> None:
    made = block(7, "140000", "sanjin", "2022", date(2026, 11, 1), 9_999_999, 2**63 - 1)
    assert read_serials(made.serials) == (7, 9_999_999, 2**63 - 2)


@pytest.mark.parametrize(
    "text", ["", "CN-140000-sanjin-2022-2026-11-K7-0000456–0000123", "K7-0000123–0000456", "CN-1-1", "x" * 10_000]
)
def test_what_is_no_block_is_refused(text: str) -> None:
    with pytest.raises(SerialsUnreadable):
        read_serials(text)


# Over HTTP --------------------------------------------------------------------------------------------------------


def body(grams: object, **changes: object) -> dict[str, object]:
    """A request's JSON."""
    return {"grams": grams, "beneficiary": "张三丰", "purpose": "抵消张三丰 11 月的通勤，电话 138 0000 0002"} | changes


@pytest.fixture
async def li(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> Headers:
    """李雷, who holds 100 grams."""
    headers = await sign_in(client, LI)
    async with transaction(database) as connection:
        await issue(connection, await member_by_phone(connection, config, LI), [60, 40])
    return headers


async def test_a_certificate_is_public_and_names_no_person(client: httpx.AsyncClient, li: Headers) -> None:
    answer = await client.post("/v1/retirements", json=body(70), headers=li | key())
    assert answer.status_code == 201, answer.text
    mine, url = answer.json(), f"/v1/retirements/{answer.json()['retirement_id']}"
    assert (mine["beneficiary"], mine["whole"], mine["by_event"]) == ("张三丰", True, False)
    assert [read_serials(each["serials"])[1:] for each in mine["blocks"]] == [(1, 60), (1, 10)]
    assert (await client.get(url, headers=li)).json() == mine
    wang = await sign_in(client, WANG)
    for reader in ({}, wang):
        seen = await client.get(url, headers=reader)
        assert (seen.json()["beneficiary"], seen.json()["whole"]) == ("张*", False)
        assert seen.json()["purpose"] == "抵消张* 11 月的通勤，电话 ***"
        assert "三丰" not in seen.text
        for field in ("grams", "blocks", "retired_on", "retired_at", "retirement_id"):
            assert seen.json()[field] == mine[field]
    assert (await client.get("/v1/me/retirements", headers=li)).json() == [mine]
    assert (await client.get("/v1/me/retirements", headers=wang)).json() == []


async def test_a_certificate_holds_no_id_of_a_member(
    client: httpx.AsyncClient, li: Headers, database: asyncpg.Pool, config: Config
) -> None:
    made = await client.post("/v1/retirements", json=body(1), headers=li | key())
    async with transaction(database) as connection:
        member = await member_by_phone(connection, config, LI)
    assert str(member) not in made.text
    assert (await client.get(f"/v1/events/{member}/retirements")).status_code == 404


async def test_an_organization_is_named_in_full(client: httpx.AsyncClient, li: Headers) -> None:
    asked = body(1, beneficiary="绿色小学", beneficiary_kind="organization", purpose="春游")
    made = (await client.post("/v1/retirements", json=asked, headers=li | key())).json()
    assert (await client.get(f"/v1/retirements/{made['retirement_id']}")).json()["beneficiary"] == "绿色小学"


async def test_a_repeat_gets_the_same_bytes_also_when_refused(client: httpx.AsyncClient, li: Headers) -> None:
    for grams, status in ((30, 201), (1_000, 409)):
        headers = li | key()
        first, again = [await client.post("/v1/retirements", json=body(grams), headers=headers) for _ in range(2)]
        assert (first.status_code, first.content) == (again.status_code, again.content)
        assert first.status_code == status
        other = await client.post("/v1/retirements", json=body(grams + 1), headers=headers)
        assert (other.status_code, other.json()["code"]) == (409, "id_reused")
    assert (await client.get("/v1/me", headers=li)).json()["balance_g"] == 70


async def test_another_members_token_and_none_at_all(
    client: httpx.AsyncClient, li: Headers, database: asyncpg.Pool
) -> None:
    same, wang = key(), await sign_in(client, WANG)
    await client.post("/v1/retirements", json=body(30), headers=li | same)
    taken = await client.post("/v1/retirements", json=body(30), headers=wang | same)
    assert (taken.status_code, taken.json()["code"]) == (409, "id_reused")
    assert (await client.post("/v1/retirements", json=body(30), headers=same)).status_code == 401
    empty = await client.post("/v1/retirements", json=body(30), headers=wang | key())
    assert (empty.status_code, empty.json()["code"]) == (422, "nothing_to_retire")
    assert await database.fetchval("SELECT count(*) FROM retirements") == 1


@pytest.mark.parametrize(
    "bad",
    [
        body(0),
        body(-1),
        body(1.5),
        body(2**63),
        body("x"),
        body(None),
        body(1, beneficiary=" "),
        body(1, beneficiary="x" * 201),
        body(1, purpose="a\nb"),
        body(1, beneficiary_kind="both"),
        body(1, event_id="x"),
        body(1, more=1),
    ],
    ids=str,
)
async def test_bad_input_moves_nothing(
    client: httpx.AsyncClient, li: Headers, database: asyncpg.Pool, bad: dict[str, object]
) -> None:
    answer = await client.post("/v1/retirements", json=bad, headers=li | key())
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")
    assert await database.fetchval("SELECT count(*) FROM transfers WHERE reason = 'retire'") == 0


async def test_the_largest_amount_is_read_and_refused(client: httpx.AsyncClient, li: Headers) -> None:
    answer = await client.post("/v1/retirements", json=body(2**63 - 1), headers=li | key())
    assert (answer.status_code, answer.json()["code"]) == (409, "overdraft")
    no_uuid = await client.post("/v1/retirements", json=body(1), headers=li | {"Idempotency-Key": "x"})
    assert (no_uuid.status_code, no_uuid.json()["code"]) == (400, "id_not_uuid")


async def test_only_an_events_organizer_retires_for_it(client: httpx.AsyncClient, li: Headers) -> None:
    wang, organization = await found_organization(client, WANG)
    made = await client.post("/v1/events", json=new_event(organization), headers=wang | key())
    event = made.json()["id"]
    url, asked = f"/v1/events/{event}/retirements", body(30, beneficiary="零碳会议", purpose="会议碳中和")
    await client.post(f"/v1/events/{event}/donations", json={"grams": 50}, headers=li | key())
    han = await add_gate_keeper(client, wang, organization, HAN)
    for other in (li, han):
        assert (await client.post(url, json=asked, headers=other | key())).status_code == 403
    answer = await client.post(url, json=asked, headers=wang | key())
    assert answer.status_code == 201, answer.text
    assert (answer.json()["event_name"], answer.json()["by_event"]) == (made.json()["name"], True)
    more = await client.post(url, json=asked, headers=wang | key())
    assert (more.status_code, more.json()["values"]) == (409, {"held_g": 20, "asked_g": 30})
    for page in ((await client.get(url)).json(), (await client.get(url, headers=wang)).json()):
        assert [(each["beneficiary"], each["grams"]) for each in page] == [("零碳会议", 30)]


async def test_pages_of_certificates_follow_one_another(client: httpx.AsyncClient, li: Headers) -> None:
    ids = [
        (await client.post("/v1/retirements", json=body(n + 1), headers=li | key())).json()["retirement_id"]
        for n in range(5)
    ]
    seen: list[str] = []
    while page := (
        await client.get("/v1/me/retirements", params={"limit": 2} | ({"before": seen[-1]} if seen else {}), headers=li)
    ).json():
        seen += [each["retirement_id"] for each in page]
    assert seen == ids[::-1]


@pytest.mark.parametrize(("name", "shown"), [("张三", "张*"), ("欧阳娜娜", "欧*"), ("张", "*"), ("Anna Müller", "A*")])
def test_a_name_is_masked_but_for_its_first_character(name: str, shown: str) -> None:
    assert mask(name) == shown
