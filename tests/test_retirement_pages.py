"""Pages of retirement: who retires is told that it is for good, and gets a certificate that everyone can check."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from service.config import Config
from service.db import Connection, new_id, transaction
from service.donations import Donation, DonationRequest, donate_many
from service.events import Event
from service.members import member_by_phone
from tests.books import issue
from tests.browsing import HOSTILE, assert_sound, open_event, other_phone, sign_in
from tests.paper import Paper, see, send
from tests.people import HAN, LI, WANG
from tests.test_posters import drawn, printed, read_picture

SAID = {"grams": "70", "beneficiary": "张三丰", "beneficiary_kind": "person", "purpose": "抵消 11 月的通勤"}


@pytest.fixture
async def li(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> httpx.AsyncClient:
    """李雷's phone, with 100 grams."""
    await sign_in(client, database, config, LI)
    async with transaction(database) as connection:
        await earn(connection, config)
    return client


async def earn(connection: Connection, config: Config) -> UUID:
    """Give 李雷 100 grams."""
    member = await member_by_phone(connection, config, LI)
    await issue(connection, member, [60, 40])
    return member


@pytest.fixture
async def given(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> Event:
    """An event of 王芳's that was given 50 grams, on her phone."""
    event = await open_event(database, config)
    async with transaction(database) as connection:
        asked = DonationRequest(new_id(), await earn(connection, config), event.id, 50)
        assert isinstance((await donate_many(connection, [asked]))[0], Donation)
    await sign_in(client, database, config, WANG)
    return event


def path_of(paper: Paper) -> str:
    """Where one has come to."""
    return paper.answer.url.path


async def test_a_citizen_retires_their_own_and_gets_a_certificate(
    li: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    me = await see(li, "/me")
    assert "/me/retire" in [each.get("href") for each in me.all("a")]
    form = await see(li, "/me/retire")
    assert_sound(form, "zh")
    assert "注销是永久的" in form.text.partition("永久注销")[0], "said before the button"
    paper = await send(li, form.form("/me/retire"), **SAID)
    assert_sound(paper, "zh")
    assert path_of(paper).startswith("/retirements/")
    for shown in ("70 克", "张三丰", "抵消 11 月的通勤", "0000001–0000060", "0000001–0000010", "只有您能看到全名"):
        assert shown in paper.text.replace("\u00a0", " "), shown
    assert await database.fetchval("SELECT sum(grams) FROM balances") == 30
    assert path_of(paper) in [each.get("href") for each in (await see(li, "/me")).all("a")]


async def test_everyone_reads_the_certificate_but_not_whose_it_is(
    li: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    address = path_of(await send(li, (await see(li, "/me/retire")).form("/me/retire"), **SAID))
    async with other_phone(li) as stranger:
        paper = await see(stranger, address)
        assert_sound(paper, "zh")
        assert "张*" in paper.text
        assert "三丰" not in paper.answer.text
        english = await see(stranger, address, headers={"accept-language": "en"})
        assert_sound(english, "en")
        assert english.title == "Certificate of retirement"
        await sign_in(stranger, database, config, HAN)
        assert "三丰" not in (await see(stranger, address)).answer.text
        assert (await stranger.get(f"/retirements/{uuid4()}")).status_code == 404


async def test_the_qr_code_leads_to_the_certificate(li: httpx.AsyncClient, config: Config) -> None:
    paper = await send(li, (await see(li, "/me/retire")).form("/me/retire"), **SAID)
    (svg,) = re.findall(r'<svg xmlns[^>]* shape-rendering="crispEdges">.*?</svg>', paper.answer.text)
    assert read_picture(drawn(svg.encode())) == [f"{config.base_url}{path_of(paper)}"]


async def test_the_form_sent_twice_retires_once(li: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    form = (await see(li, "/me/retire")).form("/me/retire")
    first, second = await send(li, form, **SAID), await send(li, form, **SAID)
    assert path_of(first) == path_of(second)
    assert await database.fetchval("SELECT count(*) FROM retirements") == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"grams": "101"}, "只有 100 克减排量，不够注销 101 克。"),
        ({"grams": "0"}, "请检查这一项"),
        ({"grams": "x"}, "x"),
        ({"grams": "9" * 20}, "不是可用的数字"),
        ({"beneficiary": ""}, "请检查这一项"),
        ({"purpose": " "}, "请检查这一项"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    li: httpx.AsyncClient, database: asyncpg.Pool, typed: dict[str, str], said: str
) -> None:
    paper = await send(li, (await see(li, "/me/retire")).form("/me/retire"), **(SAID | typed))
    assert_sound(paper, "zh")
    (field,) = typed
    (wrong,) = [each for each in paper.all("input") if each.get("aria-invalid")]
    assert wrong.get("name") == field
    assert said in paper.text
    kept = paper.form("/me/retire").fields
    assert {name: kept[name] for name in SAID} == SAID | typed
    assert await database.fetchval("SELECT count(*) FROM retirements") == 0


async def test_who_has_nothing_gets_no_form(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> None:
    await sign_in(client, database, config, LI)
    paper = await see(client, "/me/retire")
    assert_sound(paper, "zh")
    assert [each.action for each in paper.forms() if each.action.endswith("retire")] == []


async def test_an_organizer_retires_what_was_donated(client: httpx.AsyncClient, given: Event) -> None:
    mine = f"/organize/events/{given.id}"
    assert f"{mine}/retire" in [each.get("href") for each in (await see(client, mine)).all("a")]
    form = await see(client, f"{mine}/retire")
    assert_sound(form, "zh")
    assert "50 克" in form.text
    typed = {"grams": "30", "beneficiary": "碳惠会务", "beneficiary_kind": "organization", "purpose": "会议碳中和"}
    paper = await send(client, form.form("/retire"), **typed)
    assert_sound(paper, "zh")
    assert "大家捐给活动的减排量" in paper.text
    async with other_phone(client) as stranger:
        seen = await see(stranger, path_of(paper))
        assert {"碳惠会务", "会议碳中和"} <= {each.text for each in seen.all("dd")}
        assert path_of(paper) in [each.get("href") for each in (await see(stranger, f"/events/{given.id}")).all("a")]
    refused = await send(client, (await see(client, f"{mine}/retire")).form("/retire"), **typed)
    assert "只有 20 克减排量，不够注销 30 克。" in refused.text


async def test_another_organizer_finds_nothing(
    client: httpx.AsyncClient, given: Event, database: asyncpg.Pool, config: Config
) -> None:
    theirs = (await see(client, f"/organize/events/{given.id}/retire")).form("/retire")
    await sign_in(client, database, config, HAN)
    assert (await client.get(f"/organize/events/{given.id}/retire")).status_code == 403
    assert (await client.post(theirs.action, data=theirs.fields | SAID)).status_code == 403
    assert await database.fetchval("SELECT count(*) FROM retirements") == 0


async def test_hostile_words_stay_words(li: httpx.AsyncClient) -> None:
    typed = SAID | {"beneficiary": HOSTILE, "purpose": HOSTILE, "beneficiary_kind": "organization"}
    paper = await send(li, (await see(li, "/me/retire")).form("/me/retire"), **typed)
    assert "<script>alert" not in paper.answer.text
    assert HOSTILE in [each.text for each in paper.all("dd")]


async def test_the_certificate_on_paper_leads_back_to_it(
    li: httpx.AsyncClient, database: asyncpg.Pool, config: Config, tmp_path: Path
) -> None:
    typed = SAID | {"purpose": HOSTILE, "beneficiary": "#panic() $x$ " + "张" * 150}
    paper = await send(li, (await see(li, "/me/retire")).form("/me/retire"), **typed)
    address = path_of(paper)
    assert f"{address}/pdf" in [each.get("href") for each in paper.all("a")]
    answer = await li.get(f"{address}/pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert read_picture(printed(answer.content, tmp_path)) == [f"{config.base_url}{address}"]
    await sign_in(li, database, config, HAN)
    masked = await li.get(f"{address}/pdf")
    assert read_picture(printed(masked.content, tmp_path)) == [f"{config.base_url}{address}"]
    assert len(masked.content) < len(answer.content), "fewer characters, fewer glyphs"
    async with other_phone(li) as stranger:
        assert (await stranger.get(f"{address}/pdf")).status_code == 303
