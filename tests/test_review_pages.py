"""Review on a phone: the queue, one act with its photo, a decision with a reason; and the citizen's appeal."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import httpx
import pytest

from service import operators
from service.config import Config
from service.db import transaction
from tests.browsing import HOSTILE, assert_sound, other_phone, sign_in
from tests.paper import Paper, post, see, send
from tests.people import HAN, LI, WANG, ZHAO, Headers
from tests.reviewing import hand_in, hold, known_as, picture

QUEUE = "/authority/reviews"


@pytest.fixture
async def reviewer(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> httpx.AsyncClient:
    """A phone on which 赵局, who reviews acts in Beijing, is signed in."""
    await appoint(database, config, ZHAO, "110000")
    await sign_in(client, database, config, ZHAO)
    return client


async def appoint(pool: asyncpg.Pool, config: Config, phone: str, region: str) -> None:
    async with transaction(pool) as connection:
        await operators.appoint_authority(connection, config, phone, region)


async def press(paper: Paper, client: httpx.AsyncClient, path: object, decision: str, because: str) -> Paper:
    return await send(client, paper.form(str(path)), decision=decision, because=because)


def images(paper: Paper) -> list[str]:
    return [each.get("src", "") for each in paper.all("img")]


async def grams_of(client: httpx.AsyncClient, who: Headers) -> int:
    grams: int = (await client.get("/v1/me", headers=who)).json()["balance_g"]
    return grams


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_reviewer_sees_the_photo_the_claim_and_the_rule_and_decides(
    language: str, reviewer: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    reviewer.headers["accept-language"] = language
    assert_sound(await see(reviewer, QUEUE), language)
    li, by_li = await known_as(database, config, LI)
    digest = await hand_in(reviewer, by_li, picture())
    act = await hold(database, li, photos=[digest])
    queue = await see(reviewer, QUEUE)
    assert_sound(queue, language)
    assert f"{QUEUE}/{act}" in [each.get("href") for each in queue.all("a")]
    paper = await see(reviewer, f"{QUEUE}/{act}")
    assert_sound(paper, language)
    assert images(paper) == [f"/photos/{digest}"]
    assert LI not in paper.text
    assert (await reviewer.get(f"/photos/{digest}")).headers["content-type"] == "image/png"
    without = await press(paper, reviewer, act, "proven", "  ")
    assert_sound(without, language)
    assert await database.fetchval("SELECT count(*) FROM action_reviews") == 0
    done = await post(reviewer, without.form(str(act)), decision="proven", because="照片清楚，\r\n时间相符")
    assert (done.status_code, done.headers["location"]) == (303, QUEUE)
    assert await grams_of(reviewer, by_li) > 0
    assert await database.fetchval("SELECT because FROM action_reviews") == "照片清楚， 时间相符"
    assert str(act) not in (await reviewer.get(QUEUE)).text
    decided = await see(reviewer, f"{QUEUE}/{act}")
    assert_sound(decided, language)
    assert str(act) not in [form.action for form in decided.forms()]


async def test_a_form_sent_twice_decides_once_and_a_later_one_is_told(
    reviewer: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    li, _ = await known_as(database, config, LI)
    act = await hold(database, li)
    form = (await see(reviewer, f"{QUEUE}/{act}")).form(str(act))
    for _ in range(2):
        assert (await post(reviewer, form, decision="refused", because="没有凭证")).status_code == 303
    late = await send(reviewer, form, decision="self_declared", because="可信", id=str(uuid4()))
    assert late.answer.status_code == 409
    assert "已经审核过" in late.text


async def test_an_act_without_evidence_offers_no_decision_that_needs_some(
    reviewer: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    act = await hold(database, (await known_as(database, config, LI))[0])
    paper = await see(reviewer, f"{QUEUE}/{act}")
    assert [each.get("value") for each in paper.all("button")] == ["self_declared", "refused"]
    assert "没有照片" in paper.text
    forged = await press(paper, reviewer, act, "proven", "可信")
    assert forged.answer.status_code == 422
    assert "不能按有凭证计入" in forged.text


async def test_other_regions_and_other_people_find_nothing(
    reviewer: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    li, by_li = await known_as(database, config, LI)
    digest = await hand_in(reviewer, by_li, picture())
    act = await hold(database, li, region="420100", photos=[digest])
    assert str(act) not in (await reviewer.get(QUEUE)).text
    for path in (f"{QUEUE}/{act}", f"/photos/{digest}", "/photos/x", f"/me/actions/{act}/appeal"):
        assert (await reviewer.get(path)).status_code == 404, path
    async with other_phone(reviewer) as phone:
        await sign_in(phone, database, config, HAN)
        assert (await phone.get(QUEUE)).status_code == 403
        assert (await phone.get(f"/photos/{digest}")).status_code == 404
        phone.cookies.clear()
        assert (await phone.get(f"/photos/{digest}")).status_code == 303


async def test_a_photo_on_a_page_is_a_picture_and_nothing_else(
    reviewer: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    li, by_li = await known_as(database, config, LI)
    digest = await hand_in(reviewer, by_li, picture())
    await hold(database, li, photos=[digest])
    answer = await reviewer.get(f"/photos/{digest}")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["cache-control"] == "private, no-store"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_citizen_reads_why_and_appeals_once(
    language: str, reviewer: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    await appoint(database, config, WANG, "110000")
    li, by_li = await known_as(database, config, LI)
    act = await hold(database, li, because="improbable_walking_speed")
    reason = HOSTILE.replace("<script>", "<b>") + "看不清"
    await press(await see(reviewer, f"{QUEUE}/{act}"), reviewer, act, "refused", reason)
    async with other_phone(reviewer) as phone:
        phone.headers["accept-language"] = language
        await sign_in(phone, database, config, LI)
        appeal = f"/me/actions/{act}/appeal"
        shown = await see(phone, f"/me/actions/{act}")
        assert "看不清" in shown.text
        assert appeal in [each.get("href") for each in shown.all("a")]
        asked = await see(phone, appeal)
        assert_sound_but_for_what_was_typed(asked, language)
        empty = await send(phone, asked.form("/appeal"), because=" ")
        assert empty.answer.status_code == 422
        sent = await post(phone, empty.form("/appeal"), because="照片很清楚")
        assert (sent.status_code, sent.headers["location"]) == (303, f"/me/actions/{act}")
        assert not [form for form in (await see(phone, appeal)).forms() if form.action.endswith("/appeal")]
        again = await send(phone, empty.form("/appeal"), because="再看看", id=str(uuid4()))
        assert again.answer.status_code == 409
        assert appeal not in [each.get("href") for each in (await see(phone, f"/me/actions/{act}")).all("a")]
        assert str(act) not in (await reviewer.get(QUEUE)).text, "another reviewer decides"
        await sign_in(phone, database, config, WANG)
        paper = await see(phone, f"{QUEUE}/{act}")
        assert "照片很清楚" in paper.text
        done = await post(phone, paper.form(str(act)), decision="self_declared", because="可信")
        assert done.status_code == 303
    assert await grams_of(reviewer, by_li) > 0


def assert_sound_but_for_what_was_typed(paper: Paper, language: str) -> None:
    """A page with hostile text on it, shown as text."""
    assert not paper.all("b")
    assert "{{7*7}}" in paper.text
    assert paper.root.get("lang") == {"zh": "zh-Hans", "en": "en"}[language]
