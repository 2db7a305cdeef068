"""An event's neutrality is declared with what its place demands, signed, public, and withdrawn with a reason."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from service import neutrality_records, offices, retired_serials
from service.checkpoints import Untrue
from service.config import Config
from service.neutrality_records import Record, check
from tests import ruled
from tests.confirming import BECAUSE, Held, held, measure, neutral, officer, organization, retire, submit
from tests.people import Headers, key
from tests.ruled import rule

DECLARED = {"truthful": True}


async def post(client: httpx.AsyncClient, headers: Headers, url: str, body: Any = None) -> httpx.Response:
    """Post with a key of its own."""
    return await client.post(url, json=body or {}, headers=headers | key())


async def declare(client: httpx.AsyncClient, own: Held, **body: Any) -> httpx.Response:
    """The organizer declares."""
    return await post(client, own.headers, f"{own.url}/declaration", DECLARED | body)


def record_in(answer: httpx.Response) -> dict[str, Any]:
    """What is certified."""
    assert answer.status_code == 201, answer.text
    record: dict[str, Any] = answer.json()["record"]
    return record


def said_in(record: dict[str, Any]) -> dict[str, str]:
    """The fields that are declared, by the place's name for them."""
    return {each["label"]["zh"]: each["said"]["zh"] for each in record["fields"]}


async def test_what_still_has_to_be_done_is_refused_with_its_clause(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await held(database, config, "310000")
    first = await declare(client, own, label="basic")
    assert (first.status_code, first.json()["code"]) == (422, "no_inventory")
    assert first.json()["clause"] == "第十一条"
    await submit(database, own)
    second = (await declare(client, own, label="full")).json()
    assert (second["code"], second["clause"]) == ("not_neutral_yet", "第三条")
    assert "上海市大型活动碳中和工作指引" in second["document"]
    await retire(database, own)
    third = (await declare(client, own, label="full")).json()
    assert (third["code"], third["clause"]) == ("measures_first", "第十四条")
    await measure(database, own)
    fourth = (await declare(client, own)).json()
    assert (fourth["code"], fourth["clause"]) == ("fields_missing", "第十四条")
    assert "基本或全口径碳中和" in fourth["detail"]
    assert "Basic or full-scope" in fourth["texts"]["en"]
    assert (await declare(client, own, label="full", truthful=False)).json()["code"] == "not_affirmed"
    record = record_in(await declare(client, own, label="basic"))
    assert record["label_name"]["zh"] == "基本碳中和"
    assert said_in(record)["基本或全口径碳中和"] == "基本碳中和"
    assert said_in(record)["举办时间"] == "2026-05-01 – 2026-05-03"
    assert [each["key"] for each in record["measures"]] == ["other_cups"]
    assert "张三" not in str(record), "what was said of a measure stays with the event"


async def test_way_and_event_must_be_open_to_it(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    large = await neutral(database, config, "370800", people_on_site=500)
    refused = (await declare(client, large)).json()
    assert (refused["code"], refused["clause"]) == ("way_not_open", "三、实施范围（一）")
    assert "第三方评价" in refused["detail"]
    applied = await post(client, large.headers, f"{large.url}/certificate-applications")
    assert applied.json()["code"] == "way_not_open"
    smaller = await neutral(database, config, "370800", people_on_site=499)
    await database.execute(
        "UPDATE opening_hours SET closes_at = now() + interval '1 hour' WHERE event_id = $1", smaller.event.id
    )
    assert (await declare(client, smaller)).json()["code"] == "event_not_over"


async def test_jining_names_nine_fields(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> None:
    own = await neutral(database, config, "370800", people_on_site=200)
    draft = (await client.get(f"{own.url}/declaration", headers=own.headers)).json()
    assert (draft["missing"], draft["hindrances"]) == ([], [])
    assert draft["ground"]["citation"]["clause"] == "三、实施范围（二）"
    said = said_in(record_in(await declare(client, own, fields={"organizer": "会务组、市外事办（电话 13812345678）"})))
    assert list(said) == [
        "大型活动名称",
        "组织者名单",
        "活动规模",
        "举办时间",
        "温室气体核算边界",
        "温室气体排放量",
        "碳中和的抵消方式",
        "实现碳中和日期",
        "碳中和结果的确认方式",
    ]
    assert said["组织者名单"] == "会务组、市外事办（电话 ***）"
    assert said["活动规模"] == "200 人"
    assert said["实现碳中和日期"] == "2026-06-01"
    assert said["碳中和的抵消方式"].startswith("全国碳市场配额")
    assert said["碳中和结果的确认方式"] == "自我承诺"


@pytest.mark.parametrize(
    ("region", "fields"),
    [
        ("460000", ["活动名称", "组织者", "举办时间", "核算温室气体排放量", "抵消方式"]),
        ("140000", ["活动名称", "组织者", "举办时间", "温室气体排放量", "抵销方式"]),
        ("440300", ["活动名称", "组织者", "举办时间", "温室气体排放量", "抵销方式"]),
    ],
)
async def test_each_place_demands_its_own_fields(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, region: str, fields: list[str]
) -> None:
    own = await neutral(database, config, region)
    assert list(said_in(record_in(await declare(client, own)))) == fields


async def test_size_is_what_was_counted_not_what_was_expected(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config, "370800")
    await database.execute("ALTER TABLE event_facts DISABLE TRIGGER USER")
    await database.execute("UPDATE event_facts SET said_at = '2026-01-01'")
    refused = (await declare(client, own)).json()
    assert (refused["code"], "活动规模" in refused["detail"]) == ("fields_missing", True)
    assert said_in(record_in(await declare(client, own, fields={"size": "现场 300 人"})))["活动规模"] == "现场 300 人"


async def test_an_inventory_behind_its_data_is_restated_first(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config)
    line = {"lines": [{"item": "electricity", "quantity": "1", "unit": "kWh"}]}
    assert (await post(client, own.headers, f"{own.url}/activity-data", line)).status_code == 201
    assert (await declare(client, own)).json()["code"] == "inventory_outdated"


async def test_the_record_is_what_the_books_hold_and_stays_as_it_was_signed(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config)
    made = (await declare(client, own)).json()
    kept = await client.get(f"/v1/confirmations/{made['id']}/record")
    public = (await client.get("/v1/keys")).json()["confirmations"]
    record = check(kept.content, public)
    version = await database.fetchrow("SELECT number, encode(digest, 'hex') AS digest, full_g FROM inventories")
    assert (record.inventory.number, record.inventory.digest) == (version["number"], version["digest"])
    assert (record.need_g, record.retired_g) == (version["full_g"], 1_000_000)
    assert (record.rule.id, record.rule.version, len(record.rule.digest)) == ("hainan", "undated", 64)
    assert record.rule.ground.endswith("二、实施范围（海南省，所读文本未载印发机关，所读文本未载日期）")
    (offset,) = record.offsets
    (unit,) = offset.units
    assert (unit.registry, unit.series[:3], unit.first, unit.last) == ("CCER", "HN-", 1, 1)
    assert record.issuer.kind == "organizer"
    async with database.acquire() as connection:
        assert await retired_serials.of_event(connection, own.event.id, None) == record.offsets
    for column in ("record", "signature", "public_key", "label"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await database.execute(f"UPDATE confirmations SET {column} = {column} || {column}")


async def test_what_the_rule_does_not_take_offsets_nothing(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await held(database, config, "310000")
    await submit(database, own)
    await measure(database, own)
    await retire(database, own, unit="ccer", project_place="460000")
    refused = (await declare(client, own, label="full")).json()
    assert (refused["code"], refused["values"]["retired_t"]) == ("not_neutral_yet", "0")


def sample(config: Config) -> bytes:
    """A small record as it is kept."""
    text = {"zh": "碳中和", "en": "Carbon neutral"}
    rule = {"id": "hainan", "version": "1", "digest": "ab" * 32, "title": text, "ground": "第一条", "standing": text}
    days = {"first": "2026-05-01", "last": "2026-05-03"}
    event = {"id": str(UUID(int=1)), "name": "论坛", "kind": "forum", "organizer": "会务组", "place": "460000", **days}
    record = {
        "format": neutrality_records.FORMAT,
        "id": str(UUID(int=2)),
        "confirmed_at": "2026-06-01T00:00:00Z",
        "way": "self_declaration",
        "way_name": text,
        "label": "neutral",
        "label_name": text,
        "word": "抵消",
        "issuer": {"kind": "organizer", "name": text},
        "event": event | {"venue": "中心", "time_zone": "Asia/Shanghai"},
        "rule": rule | {"voluntary": False},
        "inventory": {"number": 1, "digest": "cd" * 32, "basic_g": 1, "full_g": 2},
        "need_g": 2,
        "retired_g": 3,
        "neutral_on": "2026-06-01",
        "offsets": [],
        "measures": [],
        "fields": [],
    }
    return neutrality_records.bundle(neutrality_records.sign(config, msgspec.convert(record, Record)))


def test_any_byte_changed_is_found_out_and_said() -> None:
    config = Config(database_url="", redis_url="", secret=b"test" * 8)
    kept, public = sample(config), neutrality_records.public_key(config).hex()
    assert check(kept).event.name == "论坛"
    assert check(kept, public.upper()).need_g == 2
    said = set()
    for position in range(len(kept)):
        for bit in (1, 32):
            changed = bytearray(kept)
            changed[position] ^= bit
            for given in (public, None):
                with pytest.raises(Untrue) as found:
                    check(bytes(changed), given)
                said.add(found.value.text[:4])
    assert said == {"文件无法", "公钥不符", "签名不符"}
    other = Config(database_url="", redis_url="", secret=b"else" * 8)
    with pytest.raises(Untrue, match="公钥不符"):
        check(sample(other), public)
    with pytest.raises(Untrue, match="不是原样"):
        check(kept + b"\n", public)


async def test_withdrawn_by_the_issuer_or_the_places_office_and_confirmed_anew(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config)
    made = (await declare(client, own)).json()
    url = f"/v1/confirmations/{made['id']}"
    assert (await declare(client, own)).json()["code"] == "confirmed_already"
    _, _, stranger = await organization(database, config, "别人")
    _, reader = await officer(database, config, "460000", "inspects")
    _, elsewhere = await officer(database, config, "310000", "revokes")
    statuses = [
        (await post(client, each, f"{url}/withdrawal", BECAUSE)).status_code for each in (stranger, reader, elsewhere)
    ]
    assert statuses == [404, 403, 404]
    assert (await client.get(url)).json()["in_force"]
    _, office = await officer(database, config, "460000", "revokes")
    withdrawn = (await post(client, office, f"{url}/withdrawal", BECAUSE)).json()
    assert (withdrawn["in_force"], withdrawn["withdrawal"]["by"]) == (False, "authority")
    assert withdrawn["record"] == made["record"]
    notice = await database.fetchrow("SELECT kind, key, event_id FROM event_notices")
    assert tuple(notice) == ("withdrawn", made["id"], own.event.id)
    assert (await post(client, own.headers, f"{url}/withdrawal", BECAUSE)).json()["code"] == "withdrawn_already"
    assert await database.fetchval("SELECT count(*) FROM offset_units WHERE state = 'retired'") == 1
    again = (await declare(client, own)).json()
    mine = (await post(client, own.headers, f"/v1/confirmations/{again['id']}/withdrawal", BECAUSE)).json()
    assert mine["withdrawal"]["by"] == "issuer"
    listed = (await client.get(f"{own.url}/confirmations")).json()
    assert [each["in_force"] for each in listed] == [False, False]


async def test_at_the_same_moment_one_confirms_and_one_withdraws(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config)
    answers = await asyncio.gather(*(declare(client, own) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    assert {each.json().get("code") for each in answers if each.status_code == 409} == {"confirmed_already"}
    made = next(each for each in answers if each.status_code == 201).json()
    url = f"/v1/confirmations/{made['id']}/withdrawal"
    _, office = await officer(database, config, "460000", "revokes")
    withdrawn = await asyncio.gather(*(post(client, each, url, BECAUSE) for each in (own.headers, office) * 2))
    assert sorted(each.status_code for each in withdrawn) == [201, 409, 409, 409]
    assert await database.fetchval("SELECT count(*) FROM event_notices") == 1


async def test_no_restated_inventory_comes_between_the_check_and_the_signature(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config)
    restating = submit(database, own, "补一行", quantity="2")
    declared, version = await asyncio.gather(declare(client, own), restating)
    assert version.number == 2
    if declared.status_code == 201:
        assert declared.json()["record"]["inventory"]["number"] in {1, 2}
        found = (await client.get(f"/v1/confirmations/{declared.json()['id']}")).json()
        assert found["restated"] in {2, None}
        assert (found["restated"] is None) == (found["record"]["inventory"]["number"] == 2)
    else:
        assert declared.json()["code"] == "inventory_outdated"


async def test_only_the_events_own_organizers_declare(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    own = await neutral(database, config)
    _, _, stranger = await organization(database, config, "别人")
    _, office = await officer(database, config, "460000", "issues", "revokes")
    url = f"{own.url}/declaration"
    assert (await post(client, stranger, url, DECLARED)).status_code == 404
    assert (await post(client, office, url, DECLARED)).status_code == 403
    assert (await client.get(url, headers=stranger)).status_code == 404
    assert (await client.get(url, headers=office)).status_code == 200
    assert (await client.get(f"/v1/confirmations/{own.event.id}")).status_code == 404


def test_who_withdraws_for_the_place_is_whom_its_text_names() -> None:
    hainan, jining = rule(ruled.HAINAN), rule(ruled.JINING)
    assert offices.revoking_office(hainan) == "revokes"
    kept = tuple(each for each in hainan.offices if each.key != "revokes")
    assert offices.revoking_office(msgspec.structs.replace(hainan, offices=kept)) == "inspects"
    assert not jining.office("revokes")
    assert offices.revoking_office(jining) == "revokes"
