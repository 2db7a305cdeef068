"""The pages at the door: forms that work without scripts or cookies, once, and say what was wrong."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import msgspec
import pytest

from service import codes
from service.config import Config
from service.events import Event
from tests.browsing import come_by_metro, count, door, other_phone, sign_in
from tests.clocks import later
from tests.conftest import serving
from tests.paper import Form, post, read, see, send
from tests.people import LI


async def test_checking_in_shows_the_receipt(client: httpx.AsyncClient, config: Config, event: Event) -> None:
    receipt = await come_by_metro(client, door(config, event))
    assert receipt.title == "已报到"
    assert "1.1 千克" in receipt.text
    assert receipt.answer.url.path.startswith("/r/")


async def test_the_receipts_address_can_be_shared(client: httpx.AsyncClient, config: Config, event: Event) -> None:
    receipt = await come_by_metro(client, door(config, event))
    key = receipt.form("/undo").fields["key"]
    assert key not in str(receipt.answer.url)
    async with other_phone(client) as stranger:
        assert (await see(stranger, str(receipt.answer.url))).answer.status_code == 404
    jar = next(each for each in client.cookies.jar if each.name == "tanhui_receipt")
    assert jar.path == receipt.answer.url.path
    assert jar.has_nonstandard_attr("HttpOnly")


async def test_a_phone_without_cookies_can_check_in_and_undo(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    form = (await see(client, door(config, event))).form()
    client.cookies.clear()
    receipt = await send(client, form, mode="metro", km="3")
    assert (receipt.answer.status_code, receipt.title) == (200, "已报到")
    client.cookies.clear()
    again = await send(client, form, mode="metro", km="3")
    assert again.form("/undo").fields == receipt.form("/undo").fields
    assert await count(database, "check_ins") == 1
    client.cookies.clear()
    undone = await send(client, receipt.form("/undo"))
    assert undone.title == "已撤销"


async def test_a_double_tap_is_one_check_in(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    form = (await see(client, door(config, event))).form()
    first, second = [await post(client, form, mode="bus", km="4") for _ in range(2)]
    assert first.headers["location"].partition("?")[0] == second.headers["location"].partition("?")[0]
    assert await count(database, "check_ins") == 1


async def test_going_back_and_sending_something_else_leads_to_the_receipt(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    form = (await see(client, door(config, event))).form()
    await post(client, form, mode="bus", km="4")
    receipt = await send(client, form, mode="plane", km="900")
    assert "公交车" in receipt.text
    assert "不会重复计数" in receipt.text


async def test_a_second_scan_shows_the_first_receipt(client: httpx.AsyncClient, config: Config, event: Event) -> None:
    first = await come_by_metro(client, door(config, event))
    second = await see(client, door(config, event))
    assert second.answer.url.path == first.answer.url.path
    assert "您已于" in second.text


async def test_somebody_else_on_this_phone_is_somebody_else(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    receipt = await come_by_metro(client, door(config, event))
    form = await send(client, receipt.form("/somebody-else"))
    await send(client, form.form(), mode="walk", km="1")
    assert await database.fetchval("SELECT count(DISTINCT attendee) FROM check_ins") == 2


async def test_a_borrowed_phone_does_not_check_in_its_owner(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, LI)
    form = await see(client, door(config, event))
    guest = await send(client, form.form("/somebody-else"))
    await send(client, guest.form(), mode="metro", km="5")
    assert await database.fetchval("SELECT attendee_kind FROM check_ins") == "device"


async def test_an_ambiguous_place_asks_which(client: httpx.AsyncClient, config: Config, event: Event) -> None:
    asked = await come_by_metro(client, door(config, event), mode="high_speed_rail", km="", origin="朝阳")
    assert asked.answer.status_code == 422
    choices = [each for each in asked.all("input") if each.get("name") == "place"]
    assert len(choices) > 1
    labels = ["".join(each.itertext()) for each in asked.all("label")]
    assert any("辽宁" in label for label in labels)
    receipt = await send(client, asked.form(), mode="high_speed_rail", place=choices[0].get("value", ""))
    assert receipt.title == "已报到"
    assert "由地名估算" in receipt.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"mode": ""}, "请选择出行方式"),
        ({"km": "abc"}, "不是可用的数字"),
        ({"km": "-5"}, "不是可用的数字"),
        ({"km": "1e300000"}, "不是可用的数字"),
        ({"km": "99999"}, "不合理"),
        ({"km": ""}, "不知道地铁这一段有多远"),
        ({"km": "", "origin": "没有这个地方啊"}, "找不到"),
        ({"mode": "rocket"}, "没有“rocket”这种出行方式"),
        ({"companions": "100000"}, "同行 100000 人不合理"),
        ({"nights": "500"}, "住宿 500 晚不合理"),
        ({"mode2": "bus"}, "不知道公交车"),
    ],
)
async def test_a_refusal_is_said_and_what_was_typed_stays(
    typed: dict[str, str], said: str, client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    form = (await see(client, door(config, event))).form()
    sent = {"mode": "metro", "km": "8"} | typed
    refused = await send(client, form, **sent)
    assert refused.answer.status_code == 422
    assert said in refused.text
    again = refused.form()
    assert again.fields["ticket"][:8] == form.fields["ticket"][:8]
    assert {name: again.fields.get(name, "") for name in sent if name != "mode"} == {
        name: value for name, value in sent.items() if name != "mode"
    }
    assert await count(database, "check_ins") == 0


async def test_a_form_left_open_too_long_can_be_sent_once_more(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    form = (await see(client, door(config, event))).form()
    with later(timedelta(minutes=25)):
        late = await send(client, form, mode="metro", km="8")
        assert "过期" in late.text
        receipt = await send(client, late.form(), mode="metro", km="8")
    assert receipt.title == "已报到"
    assert await database.fetchval("SELECT fresh FROM check_ins") is False


async def test_a_forged_or_expired_code_leads_to_typing_one(
    client: httpx.AsyncClient, config: Config, event: Event
) -> None:
    expired = codes.screen_code(config, event.gates[0].short_code, datetime.now(UTC) - timedelta(minutes=5))
    for code, status in (("AAAA", 400), (expired, 422), ("0" * 21, 400)):
        paper = await see(client, f"/c/{code}")
        assert paper.answer.status_code == status
        assert paper.form().action.endswith("/c")
    typed = await see(client, f"/c?code={event.gates[0].short_code.lower()}")
    assert typed.title == event.name


async def test_a_changed_trip_has_a_new_receipt(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    receipt = await come_by_metro(client, door(config, event))
    asked = await see(client, f"{receipt.answer.url.path}/change")
    assert asked.form("/change").fields["km"] == "12.5"
    changed = await send(client, asked.form("/change"), mode="bus", km="4")
    assert "公交车 4.0 公里" in changed.text
    assert await database.fetchval("SELECT count(*) FROM check_ins WHERE ended_at IS NULL") == 1
    twice = await send(client, asked.form("/change"), mode="bus", km="4")
    assert twice.answer.url.path == changed.answer.url.path


async def test_a_flights_cabin_is_economy_unless_one_says_otherwise(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    form = (await see(client, door(config, event))).form()
    assert form.fields["cabin"] == "economy"
    odd = await send(client, form, mode="plane", km="1000", cabin="cockpit")
    assert (odd.answer.status_code, "请检查这一项" in odd.text) == (422, True)
    receipt = await send(client, odd.form(), mode="plane", km="1000", mode2="metro", km2="30", cabin="business")
    assert "飞机 公务舱 1" in receipt.text
    asked = (await see(client, f"{receipt.answer.url.path}/change")).form("/change")
    assert asked.fields["cabin"] == "business"
    by_rail = await send(client, asked, mode="high_speed_rail", mode2="taxi", occupants2="2")
    assert by_rail.title == "已报到"
    legs = await database.fetch("SELECT trip -> 'legs' AS legs FROM check_ins ORDER BY replaces NULLS FIRST")
    said = [[leg.get("cabin") for leg in msgspec.json.decode(row["legs"])] for row in legs]
    assert said == [["business", None], [None, None]]


async def test_the_next_day_asks_only_that_days_way(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    stale = (await see(client, door(config, event))).form()
    await send(client, stale, mode="high_speed_rail", km="600", nights="2")
    with later(timedelta(days=1)):
        paper = await see(client, door(config, event))
        assert "今天怎么来会场的" in paper.text
        assert not {"origin", "nights"} & paper.form().fields.keys()
        told_again = Form(paper.form().action, "post", paper.form().fields | {"part": "journey"})
        assert "已经说过怎么从家里来的" in (await send(client, told_again, mode="metro", km="9")).text
        receipt = await send(client, paper.form(), mode="metro", km="9")
        assert receipt.title == "已报到"
    parts = await database.fetch("SELECT part FROM check_ins ORDER BY checked_in_at")
    assert [row["part"] for row in parts] == ["journey", "local"]


async def test_too_many_taps_are_asked_to_wait(config: Config, database: asyncpg.Pool, event: Event) -> None:
    slow = msgspec.structs.replace(config, check_ins_per_attendee_a_minute=2, sign_ins_per_address_a_minute=2)
    async with serving(slow) as client:
        form = (await see(client, door(config, event))).form()
        answers = [await post(client, form, mode="metro", km="-1") for _ in range(4)]
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert "秒后再试" in read(answers[-1]).text
        asked = (await see(client, "/sign-in")).form()
        answers = [await post(client, asked, phone="1") for _ in range(4)]
        assert [answers[0].status_code, answers[-1].status_code] == [400, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1


async def test_what_an_anonymous_check_in_earned_is_claimed_once_signed_in(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    receipt = await come_by_metro(client, door(config, event))
    assert any(each.get("href", "").startswith("/sign-in?to=/r/") for each in receipt.all("a"))
    await sign_in(client, database, config, LI)
    mine = await see(client, receipt.answer.url.path)
    claimed = await send(client, mine.form("/claim"))
    assert "减排量已入账" in claimed.text
    again = await send(client, mine.form("/claim"))
    assert "减排量已入账" in again.text
    assert await count(database, "transfers") == 1


async def test_a_stranger_can_neither_undo_nor_change_nor_claim(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    receipt = await come_by_metro(client, door(config, event))
    async with other_phone(client) as stranger:
        await see(stranger, "/")
        for form in [each for each in receipt.forms() if "/r/" in each.action]:
            sent = Form(form.action, "post", form.fields | {"key": "0" * 26})
            assert (await post(stranger, sent)).status_code == 404
    assert await database.fetchval("SELECT count(*) FROM check_ins WHERE ended_at IS NULL") == 1


async def test_a_cold_visit_of_the_check_in_page_is_light(
    client: httpx.AsyncClient, config: Config, event: Event
) -> None:
    answer = await client.get(door(config, event), headers={"accept-encoding": "gzip"})
    loaded = [len(gzip.compress(answer.content))]
    for each in [*read(answer).all("link"), *read(answer).all("script")]:
        target = each.get("href") or each.get("src") or ""
        if target.startswith("/"):
            loaded.append(len(gzip.compress((await client.get(target)).content)))
    assert answer.headers["content-encoding"] == "gzip"
    assert sum(loaded) <= 12_000, loaded
