"""Pages: strict, safe and in both languages, for every role; whatever is sent to them is answered in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import time_machine

from service import members, organizations
from service.access import Role
from service.config import Config
from service.db import new_id, transaction
from service.events import Event
from service.pages.home import safe_path
from tests.browsing import (
    HOSTILE,
    a_ride,
    assert_english,
    assert_sound,
    come_by_metro,
    door,
    in_role,
    open_event,
    sign_in,
)
from tests.conftest import serving
from tests.paper import post, read, see, send
from tests.people import HAN, LI, WANG, reading_codes

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
        "/me/actions",
        "/act?region=310000",
        "/events/{event}/donate",
        "/organize",
        "/authority",
    ),
    Role.OWNER: (
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
        await organizations.put_member(connection, event.organization_id, keeper, "gate")
    client.headers["accept-language"] = language
    values = {"event": event.id, "gate": event.gates[0].id, "short": event.gates[0].short_code}
    async with in_role(role, client, database, config):
        for path in PAGES[role]:
            paper = await see(client, path.format(**values))
            assert_sound(paper, language)
            assert paper.answer.status_code < 500
            if language == "en":
                assert_english(paper)


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
    assert_sound(await send(client, asked.form(), **a_ride()), language)
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
