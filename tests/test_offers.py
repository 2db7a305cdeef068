"""What anyone may look up: places by name, and what earns credits where, by which methodology."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.people import key


async def find(client: httpx.AsyncClient, **asked: str) -> Any:
    """Places found."""
    return (await client.get("/v1/places", params=asked)).json()


async def test_a_name_finds_the_place_meant(client: httpx.AsyncClient) -> None:
    (beijing,) = await find(client, q="北京")
    assert (beijing["country"], beijing["region"]) == ("CN", "110000")
    assert set(beijing["label"]) == {"zh", "en"}
    (vienna,) = await find(client, q="维也纳", country="AT")
    assert (vienna["country"], vienna["region"]) == ("AT", None)
    assert vienna == (await find(client, q="维也纳"))[0]


async def test_a_name_that_several_places_have_finds_them_all(client: httpx.AsyncClient) -> None:
    found = await find(client, q="朝阳")
    assert len({each["id"] for each in found}) > 1
    assert len({each["label"]["zh"] for each in found}) > 1


async def test_a_name_that_no_place_has_is_refused_with_near_ones(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/places", params={"q": "Taiyuaan"})
    assert (answer.status_code, answer.json()["code"]) == (422, "place_unknown")
    assert any("太原" in each["zh"] for each in answer.json()["values"]["suggestions"])


@pytest.mark.parametrize("asked", [{}, {"q": ""}, {"q": "x" * 101}, {"q": "北京", "country": "china"}])
async def test_what_is_no_question_is_refused(client: httpx.AsyncClient, asked: dict[str, str]) -> None:
    assert (await client.get("/v1/places", params=asked)).json()["code"] == "bad_input"


async def test_a_regions_actions_stand_with_figures_and_citation(client: httpx.AsyncClient) -> None:
    found = {each["id"]: each for each in (await client.get("/v1/methodologies/110000")).json()}
    assert set(found) == {"dbt11-3043", "beijing-season"}
    methodology = found["dbt11-3043"]
    actions = {each["key"]: each for each in methodology["actions"]}
    assert set(actions) == {"metro", "bus", "cycling", "walking", "ev_driving"}
    metro = actions["metro"]
    assert (metro["baseline"], metro["project"], metro["saving"]) == ("0.104", "0.032", "0.072")
    assert metro["citation"]["number"].startswith("DB11/T 3043")
    assert (metro["label"]["zh"], metro["label"]["en"].isascii()) == ("乘坐轨道交通", True)
    assert len(methodology["digest"]) == 64


async def test_no_region_borrows_anothers_methodology(client: httpx.AsyncClient) -> None:
    assert [(await client.get(f"/v1/methodologies/{region}")).json() for region in ("310000", "999999")] == [[], []]
    (shanxi,) = (await client.get("/v1/methodologies/140000")).json()
    assert {each["key"] for each in shanxi["actions"]} == {"shared_bike", "charging", "no_cutlery"}


async def test_the_day_of_the_act_decides(client: httpx.AsyncClient) -> None:
    for on, count in (("2024-09-30", 1), ("2024-10-01", 2)):
        assert len((await client.get("/v1/methodologies/110000", params={"on": on})).json()) == count
    for wrong in ("2024-02-30", "soon", "2024-10-01T00:00:00"):
        answer = await client.get("/v1/methodologies/110000", params={"on": wrong})
        assert answer.json()["code"] == "bad_input", wrong


@pytest.mark.parametrize("region", ["11", "beijing", "110000%0A", "%EF%BC%91" * 6])
async def test_what_is_no_region_is_refused(client: httpx.AsyncClient, region: str) -> None:
    assert (await client.get(f"/v1/methodologies/{region}")).json()["code"] == "bad_input"


async def test_looking_up_needs_no_account_and_changes_nothing(client: httpx.AsyncClient) -> None:
    for url in ("/v1/places", "/v1/methodologies/110000"):
        assert (await client.post(url, headers=key())).json()["code"] == "method_not_allowed"
