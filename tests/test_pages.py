"""Pages: strict, safe and in both languages, for every role; forms that work without scripts or cookies."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest
import time_machine

from service import codes, events, members, organizations, sessions
from service.access import Caller, Role
from service.config import Config
from service.db import new_id, transaction
from service.events import Event, NewEvent
from service.pages.home import safe_path
from service.schedules import Hours
from tests.conftest import serving
from tests.paper import Form, Paper, post, read, see, send
from tests.people import HAN, LI, WANG, ZHAO, reading_codes

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}%(x)s"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
async def event(database: asyncpg.Pool, config: Config) -> Event:
    """An event that is open, of 王芳's organization."""
    return await open_event(database, config)


async def open_event(
    pool: asyncpg.Pool, config: Config, name: str = "Forum", gates: tuple[str, ...] = ("A", "B")
) -> Event:
    async with transaction(pool) as connection:
        member = await members.member_by_phone(connection, config, WANG)
        made = await organizations.found(connection, member, organizations.NewOrganization(name=name))
        opening = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        return await events.create(
            connection,
            Caller(member, frozenset({Role.ORGANIZER})),
            NewEvent(
                organization_id=made.id,
                name=name,
                kind="forum",
                place="北京",
                venue=name,
                time_zone="Asia/Shanghai",
                expected_people=100,
                hours=[Hours(opening + timedelta(days=n), opening + timedelta(days=n, hours=24)) for n in range(3)],
                gates=list(gates),
            ),
        )


def door(config: Config, event: Event) -> str:
    """Where a scan of the first gate's screen leads."""
    return f"/c/{codes.screen_code(config, event.gates[0].short_code, datetime.now(UTC))}"


async def sign_in(client: httpx.AsyncClient, pool: asyncpg.Pool, config: Config, phone: str) -> None:
    """A session in the client's cookies."""
    async with transaction(pool) as connection:
        member = await members.member_by_phone(connection, config, phone)
        session = await sessions.open_session(connection, member, "browser", str(uuid4()), datetime.now(UTC))
    client.cookies.set("tanhui_session", sessions.cookie_of(config, session))


@asynccontextmanager
async def other_phone(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """The same site on another phone."""
    transport = client._transport
    yield httpx.AsyncClient(transport=transport, base_url=client.base_url)


async def come_by_metro(client: httpx.AsyncClient, url: str, **typed: str) -> Paper:
    """Check in as most do."""
    return await send(client, (await see(client, url)).form(), **({"mode": "metro", "km": "12.5"} | typed))


async def count(pool: asyncpg.Pool, table: str) -> int:
    """Rows of a table."""
    return int(await pool.fetchval(f"SELECT count(*) FROM {table}"))


def assert_sound(paper: Paper, language: str) -> None:
    """What holds of every page."""
    headers = paper.answer.headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert paper.root.get("lang") == {"zh": "zh-Hans", "en": "en"}[language]
    assert len(paper.all("h1")) == 1
    assert len(paper.all("main")) == 1
    for each in paper.root.iter():
        assert each.tag != "style"
        assert not [name for name in each.attrib if name == "style" or name.startswith("on")]
        for attribute in ("src", "href", "action"):
            target = each.get(attribute, "/")
            assert target.startswith(("/", "#", "data:")) or target == "", target
            assert not target.startswith("//")
    for script in paper.all("script"):
        assert script.get("src", "").startswith("/assets/")
        assert not script.text
    labelled = {each.get("for") for each in paper.all("label")}
    for each in [*paper.all("input"), *paper.all("select"), *paper.all("textarea")]:
        if each.get("type") not in {"hidden", "radio", "checkbox"}:
            assert each.get("id") in labelled, each.attrib
    for wrong in ("undefined", "None", "NaN", "{{", "%("):
        assert wrong not in paper.text, f"{wrong} in {paper.text}"


@asynccontextmanager
async def in_role(role: Role, client: httpx.AsyncClient, pool: asyncpg.Pool, config: Config) -> AsyncIterator[None]:
    """The client, signed in as one of the cast."""
    if role == Role.AUTHORITY:
        async with transaction(pool) as connection:
            await organizations.appoint_authority(connection, config, ZHAO, "110000")
    phones = {Role.CITIZEN: LI, Role.ORGANIZER: WANG, Role.GATE: HAN, Role.AUTHORITY: ZHAO}
    if role in phones:
        await sign_in(client, pool, config, phones[role])
    yield


PAGES: dict[Role, tuple[str, ...]] = {
    Role.PUBLIC: (
        "/",
        "/events",
        "/c",
        "/c/{short}",
        "/c/ABC",
        "/events/{event}",
        "/sign-in",
        "/r/{event}",
        "/nowhere",
    ),
    Role.CITIZEN: (
        "/",
        "/c/{short}",
        "/me",
        "/act",
        "/act?region=110000",
        "/act?region=140000&action=charging",
        "/act?region=310000",
        "/events/{event}/donate",
        "/organize",
        "/authority",
    ),
    Role.ORGANIZER: (
        "/",
        "/organize",
        "/organize/events/new",
        "/organize/events/{event}",
        "/organize/events/{event}/screen/{gate}",
        "/gate",
        "/gate/{event}",
    ),
    Role.GATE: ("/", "/gate", "/gate/{event}", "/organize", "/organize/events/{event}/screen/{gate}"),
    Role.AUTHORITY: ("/", "/authority", "/authority/events/{event}", "/organize/events/{event}"),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("role", list(PAGES))
async def test_each_page_is_sound_for_each_role(
    role: Role, language: str, client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    async with transaction(database) as connection:
        keeper = await members.member_by_phone(connection, config, HAN)
        await organizations.put_member(connection, event.organization_id, keeper, Role.GATE)
    client.headers["accept-language"] = language
    values = {"event": event.id, "gate": event.gates[0].id, "short": event.gates[0].short_code}
    async with in_role(role, client, database, config):
        for path in PAGES[role]:
            paper = await see(client, path.format(**values))
            assert_sound(paper, language)
            assert paper.answer.status_code < 500
            if language == "en":
                shown = paper.text.replace("碳惠", "").replace("中文", "")
                assert not CHINESE.search(shown), shown


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_pages_of_the_loop_are_sound(
    language: str, client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    client.headers["accept-language"] = language
    receipt = await come_by_metro(client, door(config, event), companions="1", nights="2")
    assert_sound(receipt, language)
    assert_sound(await see(client, f"{receipt.answer.url.path}/change"), language)
    assert_sound(await send(client, receipt.form("/undo")), language)
    await sign_in(client, database, config, LI)
    asked = await see(client, "/act?region=110000&action=metro")
    assert_sound(await send(client, asked.form(), quantity="18.5"), language)
    gift = await see(client, f"/events/{event.id}/donate")
    assert_sound(await send(client, gift.form(), grams="999999"), language)
    assert_sound(await send(client, gift.form(), grams="100"), language)
    assert_sound(await see(client, "/me"), language)


async def test_whoever_must_sign_in_comes_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/act?region=110000")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=%2Fact%3Fregion%3D110000")


async def test_signing_in_leads_on(client: httpx.AsyncClient) -> None:
    form = (await see(client, "/sign-in?to=/act")).form()
    with reading_codes() as sent:
        asked = await send(client, form, phone=LI)
    wrong = await send(client, asked.form(), code="000000" if sent[-1] != "000000" else "111111")
    assert "不正确" in wrong.text
    at_once = await send(client, form, phone=LI, id=str(uuid4()))
    assert "秒后再试" in at_once.text
    asked = await send(client, at_once.form(), have="1")
    done = await post(client, asked.form(), code=sent[-1])
    assert (done.status_code, done.headers["location"]) == (303, "/act")
    cookie = next(each for each in done.headers.get_list("set-cookie") if each.startswith("tanhui_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    out = await send(client, (await see(client, "/me")).form("/sign-out"))
    assert "登录" in out.text
    assert (await client.get("/me")).status_code == 303


@pytest.mark.parametrize(
    "to",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/\n/evil", "\\\\evil"],
)
def test_nobody_is_sent_to_another_site(to: str) -> None:
    assert safe_path(to) == "/"


async def test_the_language_chosen_stays(client: httpx.AsyncClient) -> None:
    answer = await client.get("/language/en?to=/c")
    assert answer.headers["location"] == "/c"
    assert (await see(client, "/c")).root.get("lang") == "en"
    assert (await client.get("/language/xx")).status_code == 404


async def test_a_form_of_another_site_is_refused(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, LI)
    for path in ("/act", "/sign-out", f"/events/{event.id}/donate", "/organize/organizations"):
        answer = await client.post(path, data={"id": str(uuid4()), "grams": "1"})
        assert answer.status_code == 403, path
        assert "Cookie" in read(answer).text


# at the door ---------------------------------------------------------------------------------------------------------


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
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=25)):
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


async def test_the_next_day_asks_only_that_days_way(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    stale = (await see(client, door(config, event))).form()
    await send(client, stale, mode="high_speed_rail", km="600", nights="2")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
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


@pytest.mark.parametrize(
    "path",
    [
        "/c/%ff%00%fe",
        "/c/" + "A" * 3000,
        "/c?code=%00",
        "/c?code=" + "%F0%9F%9A%B2" * 400,
        "/c/{short}?guest=perhaps",
        "/r/not-an-id",
        "/r/{event}?at=%0d%0aSet-Cookie:x&again=1",
        "/language/en?to=/%E4%B8%AD%E6%96%87%0d%0aX:y",
        "/language/en?to=%00",
        "/sign-in?to=/%E4%B8%AD",
        "/act?region=%00&action=%ff",
        "/events/{event}/donate/",
        "/organize/events/{event}/screen/99999999999999999999",
        "/gate/{event}?gate=99999999999999999999&done=x",
        "/assets/../../app.py",
        "/assets/%2e%2e%2fapp.py",
        "/organize/events/new?organization=%00%ff",
        "/%",
        "//evil.example",
    ],
)
async def test_odd_addresses_are_answered_in_words(
    path: str, client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, WANG)
    answer = await client.get(path.format(event=event.id, short=event.gates[0].short_code))
    assert answer.status_code < 500
    assert "\n" not in answer.headers.get("location", "")
    if answer.status_code not in {200, 303, 307}:
        assert read(answer).all("h1"), answer.text


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


async def test_names_people_chose_are_shown_not_obeyed(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database, config, HOSTILE, (HOSTILE, "B"))
    await sign_in(client, database, config, WANG)
    pages = [
        await see(client, f"/events/{event.id}"),
        await see(client, f"/organize/events/{event.id}"),
        await see(client, "/organize"),
        await see(client, f"/gate/{event.id}"),
        await see(client, f"/organize/events/{event.id}/screen/{event.gates[0].id}"),
        await see(client, door(config, event)),
    ]
    pages.append(await send(client, pages[-1].form(), mode="metro", km=HOSTILE, origin=HOSTILE))
    pages.append(await send(client, pages[-1].form(), mode="metro", km="3", origin=""))
    for paper in pages:
        assert HOSTILE in paper.text
        assert all(each.get("src") for each in paper.all("script"))


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"ticket=%ff%fe&mode=%00&km=\xff\xfe"),
        ("application/x-www-form-urlencoded", b"mode=%ed%a0%80&origin=%00%00&km=" + b"9" * 5000),
        ("application/x-www-form-urlencoded", b"&&&===&" * 500),
        ("multipart/form-data; boundary=x", b"--x\r\nno end"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--',
        ),
        (
            "multipart/form-data; boundary=x",
            (
                b'--x\r\nContent-Disposition: form-data; name="a"\r\n'
                b"Content-Type: text/plain; charset=nope\r\n\r\n\xff\r\n--x--"
            ),
        ),
        ("multipart/form-data", b"x"),
        ("application/json", b'{"mode": NaN}'),
        ("text/plain", b"\x00" * 10),
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 1_100_000),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused_not_crashed(
    media_type: str, body: bytes, client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, WANG)
    form = (await see(client, "/act?region=110000&action=metro")).form()
    headers = {"content-type": media_type, "x-csrftoken": form.fields["_csrf_token"]}
    paths = [door(config, event), "/act", "/sign-in", "/organize/events/new", f"/gate/{event.id}", f"/r/{uuid4()}/undo"]
    for path in paths:
        answer = await client.post(path, content=body, headers=headers)
        assert 200 <= answer.status_code < 500, (path, answer.text)
        if answer.headers["content-type"].startswith("text/html"):
            read(answer)


async def test_a_form_holding_every_odd_character_is_kept_apart_from_the_database(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, WANG)
    odd = "\x00\x01\u202e\U0001f6b2" * 20
    form = (await see(client, "/organize")).form("/organizations")
    assert (await post(client, form, name=odd)).status_code < 500
    form = (await see(client, "/organize/events/new")).form()
    assert (
        await post(client, form, **dict.fromkeys(form.fields.keys() - {"_csrf_token", "id"}, odd))
    ).status_code < 500


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


# citizens, organizers, stewards --------------------------------------------------------------------------------------


async def test_an_act_sent_twice_is_logged_once(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, LI)
    form = (await see(client, "/act?region=110000&action=metro")).form()
    first, second = [await send(client, form, quantity="10") for _ in range(2)]
    assert first.answer.url == second.answer.url
    assert await count(database, "actions") == 1
    other = await send(client, form, quantity="11")
    assert "已经提交过" in other.text
    await send(client, other.form(), quantity="11")
    assert await count(database, "actions") == 2
    form = (await see(client, "/act?region=110000&action=metro")).form()
    assert "不是可用的数字" in (await send(client, form, quantity="zehn")).text
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert "还没有到" in (await send(client, form, quantity="10", occurred_on=tomorrow)).text


async def test_a_donation_sent_twice_is_given_once(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, LI)
    await send(client, (await see(client, "/act?region=110000&action=metro")).form(), quantity="18.5")
    form = (await see(client, f"/events/{event.id}/donate")).form()
    first, second = [await send(client, form, grams="300") for _ in range(2)]
    assert first.answer.url == second.answer.url
    assert "366" in (await see(client, "/me")).text
    again = (await see(client, f"/events/{event.id}/donate")).form()
    for grams, said in (("367", "您只有 366 克"), ("0", "至少"), ("-1", "不是可用的数字"), ("1.5", "不是可用的数字")):
        assert said in (await send(client, again, grams=grams)).text
        again = (await see(client, f"/events/{event.id}/donate")).form()


async def test_an_organizer_makes_an_event_by_its_form(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await sign_in(client, database, config, WANG)
    await send(client, (await see(client, "/organize")).form("/organizations"), name="会务组")
    form = (await see(client, "/organize/events/new")).form()
    typed = {
        "name": "零碳论坛",
        "origin": "太原",
        "venue": "会展中心",
        "expected_people": "300",
        "first": "2027-05-01",
        "last": "2027-05-03",
        "opens": "08:00",
        "closes": "02:00",
        "gates": "东门\r\n西门\r\n",
    }
    for missing, said in (("name", "不能留空"), ("first", "不是日期"), ("origin", "不能留空"), ("gates", "不能留空")):
        assert said in (await send(client, form, **(typed | {missing: ""}))).text
    made = await send(client, form, **typed)
    assert made.title == "零碳论坛"
    assert (await send(client, form, **typed)).answer.url == made.answer.url
    hours = await database.fetch("SELECT opens_at, closes_at FROM opening_hours ORDER BY opens_at")
    assert hours[0]["opens_at"].isoformat() == "2027-05-01T00:00:00+00:00"
    assert hours[0]["closes_at"].isoformat() == "2027-05-01T18:00:00+00:00"
    assert len(hours) == 3
    assert await count(database, "events") == 1


async def test_a_steward_checks_in_a_badge(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, WANG)
    organizing = await see(client, f"/organize/events/{event.id}")
    badges = await send(client, organizing.form("/badges"), count="3")
    issued = ["".join(each.itertext()) for each in badges.all("code")]
    assert len(issued) == 3
    assert (await send(client, organizing.form("/badges"), count="3")).text == badges.text
    helped = await send(client, organizing.form("/helpers"), phone=HAN, role="gate")
    assert "****0003" in helped.text
    await sign_in(client, database, config, HAN)
    gate = await see(client, f"/gate/{event.id}")
    assert "不属于本活动" in (await send(client, gate.form(), badge="0000-0000")).text
    asked = await send(client, gate.form(), badge=issued[0].lower())
    done = await send(client, asked.form(), mode="bus", km="4")
    assert "已报到" in done.text
    twice = await send(client, asked.form(), mode="bus", km="4")
    assert "早已报到" in twice.text
    assert await database.fetchval("SELECT attendee_kind FROM check_ins") == "personal"


async def test_posters_are_for_those_who_keep_the_gates(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    url = f"/organize/events/{event.id}/gates/{event.gates[0].id}/poster"
    await sign_in(client, database, config, WANG)
    for form, start in (("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")):
        assert (await client.get(f"{url}/{form}")).content.startswith(start)
    assert (await client.get(f"{url}/exe")).status_code in {400, 404}
    await sign_in(client, database, config, LI)
    assert (await client.get(f"{url}/png")).status_code == 403


async def test_another_organizers_event_is_not_to_be_seen(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    async with transaction(database) as connection:
        stranger = await members.member_by_phone(connection, config, LI)
        await organizations.found(connection, stranger, organizations.NewOrganization(name="别家"))
    await sign_in(client, database, config, LI)
    for path in ("/organize/events/{0}", "/organize/events/{0}/screen/{1}", "/gate/{0}", "/events/{0}/tally/stream"):
        answer = await client.get(path.format(event.id, event.gates[0].id))
        assert answer.status_code == 404, path


async def test_assets_are_kept_for_good_and_named_by_content(client: httpx.AsyncClient) -> None:
    target = next(each.get("href", "") for each in (await see(client, "/")).all("link"))
    answer = await client.get(target)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")
    assert (await client.get("/assets/style.0000000000.css")).status_code == 404


async def test_a_fault_of_ours_is_logged_and_said(
    client: httpx.AsyncClient, database: asyncpg.Pool, event: Event, caplog: pytest.LogCaptureFixture
) -> None:
    await database.execute("ALTER TABLE tally_cells RENAME TO elsewhere")
    paper = await see(client, f"/events/{event.id}")
    assert (paper.answer.status_code, paper.title) == (500, "出错了")
    assert "tally_cells" not in paper.text
    assert any("tally_cells" in str(each.exc_info) for each in caplog.records if each.name == "service.pages.site")
    await database.execute("ALTER TABLE elsewhere RENAME TO tally_cells")


async def test_events_that_are_over_are_not_listed(client: httpx.AsyncClient, event: Event) -> None:
    assert event.name in (await see(client, "/events")).text
    with time_machine.travel(datetime.now(UTC) + timedelta(days=5)):
        assert event.name not in (await see(client, "/events")).text


async def test_pages_still_say_no_when_the_database_is_away(config: Config, database: Any) -> None:
    async with serving(config) as client:
        client.cookies.set("tanhui_session", f"{new_id().hex}.0.00")
        paper = await see(client, "/nowhere")
        assert (paper.answer.status_code, paper.title) == (404, "没有找到")
