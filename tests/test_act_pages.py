"""The pages of acts: found at once, told in a few taps without scripts, and what became of them in plain words."""

from __future__ import annotations

import re
from datetime import datetime

import asyncpg
import httpx
import pytest

from scenarios.labels import UNIT_LABELS
from service.config import Config
from service.pages.act_figures import EACH
from service.schedules import CHINA
from tests.browsing import METRO, a_ride, ago, assert_sound, count, links, other_phone, sign_in, tell
from tests.paper import Form, Paper, read, see, send
from tests.people import LI, WANG
from tests.reviewing import picture

PHOTO = {"photo": ("ride.png", picture("green"), "image/png")}


@pytest.fixture
async def li(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> httpx.AsyncClient:
    """李雷, signed in."""
    await sign_in(client, database, config, LI)
    return client


def error_at(paper: Paper, field: str) -> str:
    """What is said to be wrong at a field."""
    return next("".join(each.itertext()) for each in paper.all("p") if each.get("id") == f"{field}-error")


# Finding ----------------------------------------------------------------------------------------------------------


async def test_the_place_is_asked_once_and_remembered(li: httpx.AsyncClient) -> None:
    asked = await see(li, "/act")
    assert asked.title == "在哪里做的？"
    assert "/act?region=140000" in links(asked, "/act?region=")
    await see(li, "/act?region=140000")
    remembered = await see(li, "/act")
    assert (remembered.title, "山西" in remembered.text) == ("做了什么？", True)
    assert (await see(li, "/act?region=choose")).title == "在哪里做的？"


async def test_a_place_without_a_methodology_is_said_to_have_none(li: httpx.AsyncClient) -> None:
    assert "西藏还没有现行的方法学" in (await see(li, "/act?region=540000")).text


async def test_every_group_stands_there_with_what_its_acts_earn_or_that_no_figure_is_known(
    li: httpx.AsyncClient,
) -> None:
    shown = (await see(li, "/act?region=110000")).text
    assert re.search(r"乘坐轨道交通 ?每公里约? \d+\s克，自己申报得一半", shown), shown
    for group in ("衣", "住", "办公", "数字金融"):
        assert group in shown.partition("还没有有出处的数值")[0] + shown
    assert "还没有有出处的数值" in shown


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("地铁", "metro"),
        ("坐地铁上班", "metro"),
        ("地鐵", "metro"),
        ("subway", "metro"),
        ("走", "walking"),
        ("BIKE", "cycling"),
    ],
)
async def test_an_act_is_found_by_the_word_that_people_use(li: httpx.AsyncClient, asked: str, found: str) -> None:
    form = (await see(li, "/act?region=110000")).form("/act")
    assert form.method == "get"
    answer = await li.get(form.action, params=form.fields | {"q": asked})
    first = links(read(answer), "/act?region=110000&action=")[0]
    assert first.endswith(f"action={found}")


async def test_what_is_not_found_is_said_and_all_is_still_offered(li: httpx.AsyncClient) -> None:
    shown = await see(li, "/act", params={"region": "110000", "q": "<b>火箭</b>" * 20})
    assert "没有找到“<b>火箭</b>" in shown.text
    assert len(links(shown, "/act?region=110000&action=")) >= 4


def test_every_unit_of_a_methodology_can_be_said_of_one() -> None:
    assert EACH.keys() == UNIT_LABELS.keys()


# Telling ----------------------------------------------------------------------------------------------------------


async def test_an_act_sent_twice_is_logged_once(li: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    form = (await see(li, METRO)).form()
    first, second = [await send(li, form, **a_ride()) for _ in range(2)]
    assert first.answer.url == second.answer.url
    assert await count(database, "actions") == 1
    other = await send(li, form, **a_ride(hours=6))
    assert "已经提交过" in other.text
    await send(li, other.form(), **a_ride(hours=6))
    assert await count(database, "actions") == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"quantity": "zehn"}, "不是可用的数字"),
        ({"quantity": ""}, "请填写数量"),
        ({"quantity": "0"}, "请填写数量"),
        ({"quantity": "nan"}, "不是可用的数字"),
        ({"quantity": "1e308"}, "不是可用的数字"),
        ({"quantity": "9999"}, "不合理"),
        ({"quantity": "250"}, "不可能"),
        ({"started_at": ""}, "请说明是什么时候做的"),
        ({"started_at": "gestern"}, "不是日期和时间"),
        ({"started_at": "2026-11-20T08:00+08:00"}, "不是日期和时间"),
        ({"started_at": "2999-01-01T08:00"}, "还没有到"),
        ({"started_at": ago(days=40)}, "太早了"),
        ({"started_at": "2020-01-01T08:00"}, "没有适用于“乘坐轨道交通”的碳普惠方法学"),
        ({"minutes": ""}, "请填写用了多少分钟"),
        ({"minutes": "0"}, "请填写用了多少分钟"),
        ({"minutes": "1441"}, "起止时间不对"),
    ],
)
async def test_what_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
    typed: dict[str, str], said: str, li: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    shown = await tell(li, **a_ride(**typed))
    assert shown.answer.status_code >= 400
    alerts = [each for each in shown.all("p") if each.get("role") == "alert"]
    errors = {each.get("id", "").removesuffix("-error"): "".join(each.itertext()) for each in alerts}
    assert [field for field, text in errors.items() if said in text] in ([each] for each in typed), errors
    assert shown.form("/act").fields.items() >= a_ride(**typed).items()
    assert_sound(shown, "zh")
    assert await count(database, "actions") == 0


async def test_all_that_is_wrong_is_said_at_once(li: httpx.AsyncClient) -> None:
    shown = await tell(li, quantity="", started_at="", minutes="")
    for said in ("请填写数量", "请说明是什么时候做的", "请填写用了多少分钟"):
        assert said in shown.text


async def test_the_same_time_is_not_told_twice(li: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    await tell(li)
    assert "已经有一次同类行为" in (await tell(li)).text
    assert await count(database, "actions") == 1


async def test_when_is_asked_as_the_act_needs_it(li: httpx.AsyncClient) -> None:
    moment = (await see(li, "/act?region=140000&action=no_cutlery")).form()
    assert moment.fields["started_at"][:10] == datetime.now(CHINA).date().isoformat()
    assert moment.fields["quantity"] == "1"
    assert "minutes" not in moment.fields
    done = await send(li, moment)
    assert done.title == "外卖无需餐具"
    assert {"started_at", "minutes"} <= (await see(li, METRO)).form().fields.keys()
    day = (await see(li, "/act?region=420000&action=steps")).form()
    assert day.fields["occurred_on"] == datetime.now(CHINA).date().isoformat()
    assert "started_at" not in day.fields
    assert (await send(li, day, quantity="6000")).title == "步行步数"
    assert "不是日期" in (await send(li, day, quantity="6000", occurred_on="gestern")).text


async def test_a_photo_comes_along_and_a_reviewer_is_said_to_look(
    li: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    form = (await see(li, METRO)).form("/act")
    done = await send(li, form, files=PHOTO, **a_ride())
    assert "在等审核员看" in done.text
    assert_sound(done, "zh")
    assert await count(database, "action_evidence") == 1
    assert await database.fetchval("SELECT state FROM actions") == "in_review"


async def test_a_photo_sent_with_a_mistake_need_not_be_sent_again(
    li: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    form = (await see(li, METRO)).form("/act")
    again = await send(li, form, files=PHOTO, **a_ride(quantity="viel"))
    assert "用刚才传的照片" in again.text
    await send(li, again.form("/act"), quantity="18.5")
    assert await count(database, "action_evidence") == 1


def three(*contents: bytes) -> list[tuple[str, bytes, str]]:
    """Photos chosen in one field."""
    return [(f"{number}.png", content, "image/png") for number, content in enumerate(contents, 1)]


async def test_up_to_three_photos_come_along_and_one_that_is_none_is_named_and_spoils_no_other(
    li: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    green, red, blue, white = (picture(each) for each in ("green", "red", "blue", "white"))
    form = (await see(li, METRO)).form("/act")
    many = await send(li, form, files={"photo": three(green, red, blue, white)}, **a_ride())
    assert "最多用 3 张照片，这次有 4 张" in error_at(many, "photo")
    assert await count(database, "evidence") == 0
    one_bad = await send(li, many.form("/act"), files={"photo": three(green, b"MZ\x90" + bytes(200), red)})
    assert "照片“2.png”：这不是 JPEG、PNG 或 WebP 照片" in error_at(one_bad, "photo")
    assert_sound(one_bad, "zh")
    assert one_bad.text.count("用刚才传的照片") == 2
    too_many = await send(li, one_bad.form("/act"), files={"photo": three(blue, white)})
    assert "这次有 4 张" in error_at(too_many, "photo")
    done = await send(li, too_many.form("/act"), files={"photo": three(blue)})
    assert "在等审核员看" in done.text
    assert await count(database, "action_evidence") == 3
    assert await count(database, "evidence") == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MZ\x90\x00" + bytes(200), "这不是 JPEG、PNG 或 WebP 照片"),
        (picture("green")[:-30], "照片不完整或已损坏"),
        (picture("green") + bytes(8 * 2**20), "照片超过 8 MB"),
    ],
    ids=["executable", "cut", "large"],
)
async def test_what_is_no_photo_is_refused_at_its_field(
    content: bytes, said: str, li: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    form = (await see(li, METRO)).form("/act")
    shown = await send(li, form, files={"photo": ("x.png", content, "image/png")}, **a_ride())
    assert said in error_at(shown, "photo")
    assert await count(database, "actions") == 0


async def test_a_photo_of_someone_else_or_a_made_up_one_is_refused(
    li: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    for kept, said in (("0" * 64, "这张照片不能用"), ("../../etc", "")):
        shown = await tell(li, **a_ride(kept1=kept))
        assert said in shown.text
    assert await count(database, "action_evidence") == 0


async def test_a_far_too_large_body_is_refused_before_it_is_read_through(li: httpx.AsyncClient) -> None:
    form = (await see(li, METRO)).form("/act")
    shown = await send(li, form, files={"photo": ("x.png", bytes(17 * 2**20), "image/png")}, **a_ride())
    assert shown.answer.status_code == 413


async def test_this_phone_is_noted_with_the_act(li: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    await tell(li)
    assert li.cookies.get("tanhui_device")
    assert await count(database, "member_devices") == 1


async def test_a_form_without_its_token_is_refused(li: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    form = (await see(li, METRO)).form("/act")
    fields = {name: value for name, value in form.fields.items() if name != "_csrf_token"}
    shown = await send(li, Form(form.action, "post", fields, files=True), **a_ride())
    assert shown.answer.status_code == 403
    assert await count(database, "actions") == 0


async def test_the_same_again_is_filled_in_already(li: httpx.AsyncClient) -> None:
    done = await tell(li, **a_ride(hours=30))
    (again,) = links(done, "/act?region=110000&action=metro&again=")
    assert again in links(await see(li, "/act?region=110000"), "/act")
    fields = (await see(li, again)).form("/act").fields
    assert (fields["quantity"], fields["minutes"]) == ("18.5", "30")
    if fields["started_at"]:
        assert fields["started_at"] <= ago(minutes=29)


async def test_another_members_act_is_neither_shown_nor_repeated(
    li: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    done = await tell(li)
    action_id = done.answer.url.path.rpartition("/")[2]
    async with other_phone(li) as phone:
        await sign_in(phone, database, config, WANG)
        for path in (done.answer.url.path, f"{METRO}&again={action_id}", f"{METRO}&again=x"):
            assert (await see(phone, path)).answer.status_code == 404
        assert "18.5" not in (await see(phone, "/me/actions")).text
