"""Authorities publish versions of methodologies: checked, announced, and never for a day that has begun."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import httpx
import pytest

from scenarios.actions.catalogue import FOLDER
from scenarios.actions.methodologies import (
    IN_USE,
    earning_of_mode,
    methodologies,
    methodology_for,
    use_published,
    use_shipped,
)
from scenarios.actions.methodology_files import read_methodology
from scenarios.actions.reductions import quantify_action
from scenarios.refusals import MethodologiesNotRead, NoMethodologyInForce, PackUnreadable
from service import methodology_versions
from service.carbon import carbon_refusal
from service.config import Config
from service.methodology_versions import GOOD_FOR, NOTICE, day_of
from service.schedules import CHINA
from tests.conftest import serving
from tests.people import LI, ZHAO, Headers, appoint, key, sign_in

WUHAN = "420100"
TEXT = (FOLDER / "wutan.toml").read_text()
URL = f"/v1/methodologies/{WUHAN}/versions"
ONE = timedelta(days=1)


def today() -> date:
    return datetime.now(UTC).astimezone(CHINA).date()


def beginning(starts: date, version: str = "2027", grams: str = "60.0", km5_g: int = 300) -> str:
    """Wuhan's methodology with another figure for shared bikes, from a day on."""
    text = TEXT.replace('version = "2023"', f'version = "{version}"')
    text = text.replace("valid_from = 2023-06-02", f"valid_from = {starts}")
    return text.replace("saving = 40.0", f"saving = {grams}").replace("grams = 200\n", f"grams = {km5_g}\n")


@pytest.fixture(autouse=True)
def as_shipped() -> Iterator[None]:
    use_shipped()
    yield
    use_shipped()


@pytest.fixture
async def officer(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> Headers:
    return await appoint(client, database, config, ZHAO, WUHAN)


async def post(client: httpx.AsyncClient, officer: Headers, text: str, url: str = URL) -> httpx.Response:
    return await client.post(url, json={"toml": text}, headers=officer | key())


def rides_km5_g(on: date) -> int:
    """What five kilometres on a shared bike save in Wuhan on a day."""
    return quantify_action(methodology_for(WUHAN, "shared_bike", on), "shared_bike", 5_000, "proven", WUHAN).reduction_g


async def test_yesterdays_acts_keep_yesterdays_rule(client: httpx.AsyncClient, officer: Headers) -> None:
    starts = today() + 2 * ONE
    answer = await post(client, officer, beginning(starts))
    assert answer.status_code == 201, answer.text
    assert [rides_km5_g(on) for on in (today() - ONE, today())] == [200, 200]
    read = [methodologies()[i] for i, each in enumerate(methodologies()) if each.id == "wutan"]
    assert [(each.version, each.valid_to) for each in read] == [("2023", starts - ONE), ("2027", None)]
    use_published([each for each in read if each.version == "2027"], None)
    assert [rides_km5_g(on) for on in (starts - ONE, starts, starts + ONE)] == [200, 300, 300]
    found = earning_of_mode(WUHAN, "shared_bike", starts)
    assert found is not None
    assert found[0].version == "2027"


async def test_an_act_is_credited_by_the_version_of_its_day(client: httpx.AsyncClient, officer: Headers) -> None:
    await post(client, officer, beginning(today() + 2 * ONE))
    li = await sign_in(client, LI)
    at = (datetime.now(UTC) - timedelta(hours=30)).replace(microsecond=0)
    act = {
        "region": WUHAN,
        "action": "shared_bike",
        "quantity": 5_000,
        "occurred_on": at.astimezone(CHINA).date().isoformat(),
        "started_at": at.isoformat(),
        "ended_at": (at + timedelta(minutes=25)).isoformat(),
    }
    logged = (await client.post("/v1/actions", json=act, headers=li | key())).json()
    assert logged["trace"]["methodology"]["version"] == "2023", logged
    assert logged["trace"]["full_reduction_g"] == 200


async def test_versions_are_listed_with_their_digests_and_files(client: httpx.AsyncClient, officer: Headers) -> None:
    starts = today() + 3 * ONE
    made = (await post(client, officer, beginning(starts))).json()
    listed = (await client.get(URL)).json()
    assert listed[0] == made
    assert [(e["version"], e["origin"], e["valid_from"], e["valid_to"]) for e in listed] == [
        ("2027", "published", str(starts), None),
        ("2023", "shipped", "2023-06-02", str(starts - ONE)),
    ]
    for each in listed:
        answer = await client.get(f"{URL}/{each['id']}/{each['version']}")
        assert hashlib.sha256(answer.content).hexdigest() == each["digest"]
        assert answer.headers["content-type"].startswith("application/toml")
    assert answer.content == (FOLDER / "wutan.toml").read_bytes()
    missing = await client.get(f"{URL}/wutan/1999")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    elsewhere = await client.get("/v1/methodologies/110000/versions/wutan/2027")
    assert elsewhere.status_code == 404


async def test_what_is_offered_shows_the_version_of_the_day(client: httpx.AsyncClient, officer: Headers) -> None:
    starts = today() + 2 * ONE
    await post(client, officer, beginning(starts))
    for on, version in ((starts - ONE, "2023"), (starts, "2027")):
        (found,) = (await client.get(f"/v1/methodologies/{WUHAN}", params={"on": str(on)})).json()
        assert found["version"] == version


async def test_a_repeat_publishes_nothing_again(client: httpx.AsyncClient, officer: Headers) -> None:
    body, once = {"toml": beginning(today() + 2 * ONE)}, officer | key()
    first, second = [await client.post(URL, json=body, headers=once) for _ in range(2)]
    assert (first.status_code, second.content) == (201, first.content)
    again = await post(client, officer, body["toml"])
    assert (again.status_code, again.json()["code"]) == (409, "methodology_version_exists")


@pytest.mark.parametrize(
    ("old", "new", "status", "code", "why"),
    [
        ("saving = 60.0", "saving = nan", 422, "pack_unreadable", "finite"),
        ("saving = 60.0", "saving = 1e308", 422, "pack_unreadable", "exponent"),
        ("saving = 60.0", "saving = 1e99999999999999999999", 422, "pack_unreadable", ""),
        ("saving = 60.0", "saving = 9000000000.0", 422, "pack_unreadable", "its limit or its unit is wrong"),
        ("saving = 60.0", "saving = " + "[" * 20_000, 422, "pack_unreadable", ""),
        ("saving = 60.0", "saving = " + "9" * 5_000, 422, "pack_unreadable", ""),
        ("saving = 60.0", "savings = 60.0", 422, "pack_unreadable", "unknown field"),
        ('title_zh = "武碳江湖"', 'title_zh = "武\\u0000"', 422, "pack_unreadable", "control character"),
        ("grams = 300\n", "grams = 200\n", 422, "pack_unreadable", "comes to 300 g"),
        ('key = "own_bag"', 'key = "own_cup"', 422, "pack_unreadable", "neither the pack nor the policy"),
        ('id = "wutan"', 'id = "other"', 422, "pack_unreadable", "already says so"),
        ('id = "wutan"', 'id = "sanjin"', 409, "methodology_id_taken", ""),
        ('regions = ["420100"]', 'regions = ["420000"]', 400, "methodology_wrong_region", ""),
        ('regions = ["420100"]', 'regions = ["420100", "420000"]', 403, "region_not_yours", ""),
        ('regions = ["420100"]', 'regions = ["420100", "CN"]', 403, "region_not_yours", ""),
        ('regions = ["420100"]', 'regions = ["420100", "429999"]', 422, "pack_unreadable", "unknown place"),
        ('version = "2027"', 'version = "2023"', 409, "methodology_version_exists", ""),
        ('version = "2027"', 'version = "2 0"', 422, "pack_unreadable", "matching regex"),
    ],
)
async def test_a_bad_version_is_refused_with_the_reason(
    client: httpx.AsyncClient, officer: Headers, old: str, new: str, status: int, code: str, why: str
) -> None:
    text = beginning(today() + 2 * ONE)
    assert old in text
    answer = await post(client, officer, text.replace(old, new))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code), told
    assert why in str(told["values"])
    assert len((await client.get(URL)).json()) == 1


@pytest.mark.parametrize("days", [-400, -1, 0])
async def test_a_day_that_has_begun_keeps_its_rules(client: httpx.AsyncClient, officer: Headers, days: int) -> None:
    answer = await post(client, officer, beginning(today() + days * ONE))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "version_starts_too_early")
    assert told["values"]["earliest"] == str(day_of(datetime.now(UTC) + NOTICE) + ONE)


async def test_only_the_regions_own_authority_publishes(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    text = beginning(today() + 2 * ONE)
    nobody = await client.post(URL, json={"toml": text}, headers=key())
    assert nobody.status_code == 401
    assert (await post(client, await sign_in(client, LI), text)).status_code == 403
    hubei = await appoint(client, database, config, ZHAO, "420000")
    assert (await post(client, hubei, text)).json()["code"] == "region_not_yours"


async def test_a_version_for_one_region_leaves_the_others_theirs() -> None:
    text = (FOLDER / "dbt11-3043.toml").read_text()
    text = text.replace('version = "2024"', 'version = "2027"').replace("2024-10-01", "2027-01-01")
    text = text.replace('["110000", "120000", "130000"]', '["120000"]')
    use_published([read_methodology(text.encode(), "tianjin")], None)
    before, after = date(2026, 12, 31), date(2027, 1, 1)
    assert methodology_for("120000", "metro", before).version == "2024"
    assert methodology_for("120000", "metro", after).version == "2027"
    assert methodology_for("110000", "metro", after).version == "2024"


async def test_a_version_may_drop_an_act() -> None:
    text = beginning(date(2027, 1, 1))
    first, rest = text.split('[[actions]]\nkey = "own_bag"')
    text = first + rest[rest.index("[[actions]]") :]
    text = "[[examples]]".join(part for part in text.split("[[examples]]") if '"own_bag"' not in part)
    use_published([read_methodology(text.encode(), "wuhan")], None)
    assert methodology_for(WUHAN, "own_bag", date(2026, 12, 31)).version == "2023"
    with pytest.raises(NoMethodologyInForce):
        methodology_for(WUHAN, "own_bag", date(2027, 1, 1))


async def test_two_versions_cannot_begin_on_one_day() -> None:
    found = [read_methodology(beginning(date(2027, 1, 1), each).encode(), each) for each in ("2027", "2027.1")]
    with pytest.raises(PackUnreadable, match="already says so"):
        use_published(found, None)


def test_what_was_not_read_is_not_decided() -> None:
    known = date(2026, 11, 21)
    use_published([], known)
    assert methodology_for(WUHAN, "shared_bike", known).version == "2023"
    for ask in (methodology_for, earning_of_mode):
        with pytest.raises(MethodologiesNotRead) as refused:
            ask(WUHAN, "shared_bike", known + ONE)
    refusal = carbon_refusal(refused.value)
    assert (refusal.status, refusal.code, refusal.retry_after_s) == (503, "methodologies_not_read", 30)
    assert earning_of_mode("AT", "metro", known + ONE) is None


async def test_whoever_has_read_knows_all_that_begins_until_the_next_reading() -> None:
    """A version is published `NOTICE` before its day at the latest: a reader knows the day that is near."""
    for minutes in range(0, 24 * 60, 7):
        read_at = datetime(2026, 11, 21, tzinfo=CHINA) + timedelta(minutes=minutes)
        for later in (0, 1, 60, 600):
            published_at = read_at + timedelta(seconds=later)
            earliest = day_of(published_at + NOTICE) + ONE
            assert earliest > day_of(read_at + GOOD_FOR)
        assert day_of(read_at + GOOD_FOR) >= day_of(read_at + timedelta(seconds=methodology_versions.READ_EVERY_S))


async def test_another_process_learns_of_a_version(
    client: httpx.AsyncClient, officer: Headers, database: asyncpg.Pool
) -> None:
    await post(client, officer, beginning(today() + 2 * ONE))
    use_shipped()  # as another process that started before
    async with methodology_versions.kept_fresh(database, 0.05):
        assert [each.version for each in methodologies() if each.id == "wutan"] == ["2023", "2027"]
    assert IN_USE.catalogue is None


async def test_a_process_reads_what_is_there_when_it_starts(
    client: httpx.AsyncClient, officer: Headers, config: Config
) -> None:
    starts = today() + 2 * ONE
    await post(client, officer, beginning(starts))
    async with serving(config) as other:
        (found,) = (await other.get(f"/v1/methodologies/{WUHAN}", params={"on": str(starts)})).json()
    assert found["version"] == "2027"


async def test_what_is_offered_tells_each_rule_and_whose_it_is(client: httpx.AsyncClient) -> None:
    (hubei,) = (await client.get("/v1/methodologies/420000")).json()
    acts = {each["key"]: each for each in hubei["actions"]}
    bus, policy = acts["bus_ride"], {"policy": "actions 2026.1"}
    assert bus["caps"] == {
        "per_act": None,
        "per_day": {"amount": 6, "rule": policy},
        "per_month": bus["caps"]["per_month"],
    }
    assert (bus["claim_days"], bus["reports_within_h"]) == (
        {"amount": 30, "rule": policy},
        {"amount": 48, "rule": policy},
    )
    declared = bus["tiers"]["self_declared"]
    assert (declared["share"], declared["saving"]) == (None, "52.0")
    assert "湖北日报" in declared["rule"]["citation"]
    assert (bus["times"], bus["lasts_s"], bus["family"], acts["steps"]["times"]) == ("instant", 600, "journey", "none")
    (beijing,) = [e for e in (await client.get("/v1/methodologies/110000")).json() if e["id"] == "dbt11-3043"]
    assert beijing["actions"][0]["tiers"]["self_declared"] == {
        "share": "0.5",
        "saving": None,
        "rule": {"policy": "operator 2026.1"},
    }


async def test_every_group_is_told_with_its_acts_or_why_there_are_none(client: httpx.AsyncClient) -> None:
    told = (await client.get(f"/v1/methodologies/{WUHAN}/groups")).json()
    groups = {each["group"]: each for each in told["groups"]}
    assert told["citation"]["number"] == "T/ACEF 031-2022"
    assert groups["行"]["actions"] == ["bus_ride", "shared_bike", "ev_ride"]
    assert groups["住"]["note"]["en"] == "No sourced figure yet."
    assert [each["note"] is None for each in groups.values()].count(True) == 2
