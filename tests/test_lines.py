"""Lines of activity data of every source: units, periods, own factors, green power, doubts, corrections; and pages."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest

from service.config import Config
from service.events import Event
from tests.browsing import assert_english, assert_sound, sign_in
from tests.paper import see, send
from tests.people import LI, WANG, Headers, key
from tests.test_activity_data import METRO, an_event, enter
from tests.test_event_files import PDF, upload

POWER = {"item": "electricity", "quantity": "1000", "unit": "kWh", "rank": "measured"}


async def code_of(client: httpx.AsyncClient, organizer: Headers, event: Event, line: Any) -> str:
    """What one line is refused for."""
    answer = (await enter(client, organizer, event, line)).json()
    return str(answer["values"]["lines"][0]["code"] if answer["code"] == "lines_refused" else answer["code"])


async def test_lines_are_converted_once_and_refused_where_they_contradict(client: httpx.AsyncClient) -> None:
    organizer, event = await an_event(client)
    kilowatts, megawatts = POWER, POWER | {"quantity": "1", "unit": "MWh"}
    answer = (await enter(client, organizer, event, kilowatts, megawatts)).json()
    one, other = answer["lines"]
    assert one["emissions_g"] == other["emissions_g"] > 0
    assert one["base_amount"] == other["base_amount"] == "1000000"
    assert (one["source"], one["stage"], one["rank"], one["mode"]) == (
        "purchased_electricity",
        "hold",
        "measured",
        None,
    )
    trip = {"item": "metro", "quantity": "240", "unit": "pkm"}
    by_people, by_distance = (await enter(client, organizer, event, METRO, trip)).json()["lines"]
    assert by_people["emissions_g"] == by_distance["emissions_g"]
    for line, code in (
        (POWER | {"unit": "kg"}, "unit_contradicts"),
        (POWER | {"item": "broom"}, "unknown_item"),
        (POWER | {"quantity": None}, "amount_missing"),
        (METRO | {"quantity": "1", "unit": "pkm"}, "amount_missing"),
        (METRO | {"cabin": "business"}, "cabin_absurd"),
        (POWER | {"starts_on": "2010-01-01", "ends_on": "2010-01-02"}, "period_outside_event"),
        (POWER | {"starts_on": "2099-01-01"}, "period_outside_event"),
        (POWER | {"file_id": "01a1fe99-0976-733a-940f-d8a982a39cc8"}, "file_not_of_event"),
        (POWER | {"quantity": "1e9"}, "bad_input"),
        (POWER | {"quantity": "-1"}, "bad_input"),
        (POWER | {"mode": "metro"}, "bad_input"),
    ):
        assert await code_of(client, organizer, event, line) == code, line


async def test_a_line_out_of_scale_is_warned_of_and_kept(client: httpx.AsyncClient) -> None:
    organizer, event = await an_event(client)
    answer = await enter(client, organizer, event, POWER, POWER | {"quantity": "900000", "unit": "MWh"})
    assert answer.status_code == 201
    assert answer.json()["out_of_scale"] == [1]
    large, small = (await client.get(f"/v1/events/{event.id}/activity-data", headers=organizer)).json()
    assert (small["out_of_scale"], large["out_of_scale"]["limit_kg"]) == (None, 20)


async def test_an_own_factor_needs_its_document_and_green_power_its_certificate(client: httpx.AsyncClient) -> None:
    organizer, event = await an_event(client)
    file_id = (await upload(client, organizer, event.id, PDF, "factor.pdf")).json()["id"]
    own = {
        "value": "0.5",
        "unit": "kgCO2/kWh",
        "gases": ["CO2"],
        "document": "供电合同",
        "publisher": "供电公司",
        "published_on": "2026-01-01",
        "file_id": file_id,
    }
    (line,) = (await enter(client, organizer, event, POWER | {"factor": own})).json()["lines"]
    assert (line["emissions_g"], line["factor"]["pack"], line["factor_file_id"]) == (500_000, "own", file_id)
    assert line["co2_only"] is True
    for wrong, code in (
        ({"document": " "}, "factor_unsourced"),
        ({"unit": "kgCO2/kg"}, "unit_contradicts"),
        ({"gases": ["CO2e"]}, "unit_contradicts"),
    ):
        assert await code_of(client, organizer, event, POWER | {"factor": own | wrong}) == code
    green = {"item": "green_electricity", "quantity": "1000", "unit": "kWh"}
    assert await code_of(client, organizer, event, green | {"file_id": file_id}) == "certificate_missing"
    assert await code_of(client, organizer, event, green | {"certificate": "GEC-1"}) == "certificate_missing"
    (none,) = (await enter(client, organizer, event, green | {"certificate": "GEC-1", "file_id": file_id})).json()[
        "lines"
    ]
    (grid,) = (await enter(client, organizer, event, POWER)).json()["lines"]
    assert (none["emissions_g"], none["grid_g"], none["factor"]["pack"]) == (0, grid["emissions_g"], "entering")


async def test_a_correction_keeps_the_old_line_and_is_made_once(
    client: httpx.AsyncClient, database: asyncpg.Pool
) -> None:
    organizer, event = await an_event(client)
    (old,) = (await enter(client, organizer, event, POWER)).json()["lines"]
    url = f"/v1/events/{event.id}/activity-data"
    correction = {"line": POWER | {"quantity": "900"}, "because": "抄错了"}
    answers = [
        await client.post(f"{url}/{old['id']}/corrections", json=correction, headers=organizer | key())
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [201, 409]
    (new,) = answers[0].json()["lines"]
    assert [each["id"] for each in (await client.get(url, headers=organizer)).json()] == [new["id"]]
    both = (await client.get(url, params={"history": True}, headers=organizer)).json()
    assert [(each["id"], each["ended_because"], each["replaces"]) for each in both] == [
        (new["id"], None, old["id"]),
        (old["id"], "抄错了", None),
    ]
    ending = f"{url}/{new['id']}/ending"
    ended = [await client.post(ending, json={"because": "重复"}, headers=organizer | key()) for _ in range(2)]
    assert [each.status_code for each in ended] == [201, 409]
    for change in ("quantity = 1", "ended_at = NULL, ended_by = NULL, ended_because = NULL"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await database.execute(f"UPDATE activity_data SET {change}")


async def test_an_organizer_enters_corrects_ends_and_imports_in_pages(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    await sign_in(client, database, config, WANG)
    home = f"/organize/events/{event.id}/activity-data"
    for language in ("en", "zh"):
        await client.get(f"/language/{language}")
        pages = [await see(client, url) for url in (home, f"{home}/new", f"{home}/new?source=travel")]
        pages += [
            await see(client, f"{home}/new?item={each}") for each in ("electricity", "green_electricity", "plane")
        ]
        for each in (*pages, await see(client, f"/organize/events/{event.id}/imports")):
            assert_sound(each, language)
            if language == "en":
                assert_english(each)
    form = (await see(client, f"{home}/new?item=electricity")).form("/new")
    wrong = await send(client, form, quantity="12", starts_on="2010-01-01")
    assert "不在活动的筹备" in wrong.text
    assert "请检查这一项" in (await send(client, form, quantity="x")).text
    made = await send(client, form, files={"file": ("抄表.pdf", PDF, "application/pdf")}, quantity="99999999")
    assert "折合每人每天" in made.text
    assert "抄表.pdf" in made.text
    correcting = (await see(client, f"{made.answer.url}?correct=true")).form("/correct")
    corrected = await send(client, correcting, quantity="120", because="单位错了")
    assert "更正前的一行" in corrected.text
    assert "120" in corrected.text
    assert "单位错了" in (await see(client, str(made.answer.url))).text
    cited = {"own_document": "电力碳足迹证明", "own_publisher": "供电公司", "own_published_on": "2026-10-01"}
    fitting = cited | {"own_value": "0.41", "own_unit": "kgCO2/kWh", "quantity": "10"}
    sent = {"factor_file": ("证明.pdf", PDF, "application/pdf")}
    form = (await see(client, f"{home}/new?item=electricity")).form("/new")
    bare = await send(client, form, files=sent, **fitting | {"own_unit": "kgCO2/kg"})
    assert "own_unit-error" in {each.get("id") for each in bare.all("p")}
    own = await send(client, form, files=sent, **fitting)
    correcting = (await see(client, f"{own.answer.url}?correct=true")).form("/correct")
    unfounded = await send(client, correcting, quantity="20", because="抄错了")
    assert unfounded.answer.status_code == 422  # never back to another factor unseen
    assert "8.2" in (await send(client, correcting, quantity="20", because="抄错了", **cited)).text
    ended = await send(client, corrected.form("/end"), because="重复")
    assert "已不计入" in ended.text
    importing = (await see(client, f"/organize/events/{event.id}/imports")).form("/imports")
    bad = {"table": ("a.csv", "项目,数量,单位\n外购电力,x,kWh\n".encode(), "text/csv")}
    told = await send(client, importing, files=bad)
    assert "B2" in told.text
    good = {"table": ("a.csv", "项目,数量,单位\n外购电力,5,kWh\n".encode(), "text/csv")}
    assert "已导入 1 条" in (await send(client, told.form("/imports"), files=good)).text
    assert "外购电力" in (await see(client, home)).text
    await sign_in(client, database, config, LI)
    assert (await client.get(home)).status_code in {403, 404}
