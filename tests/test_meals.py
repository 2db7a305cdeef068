"""Meals told at the door: counted there where the organizer asks, accounted by the kind named, never in a balance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import asyncpg
import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scenarios.factors import FactorBook, default_sets, factor_set
from scenarios.meeting.cells import Cell
from scenarios.meeting.extrapolation import Group
from scenarios.meeting.items import items
from scenarios.meeting.meals import Meal, MealSums, group_with_meals, with_meals
from scenarios.meeting.recompute import recompute
from scenarios.meeting.report_building import build
from scenarios.meeting.report_cells import cells_of, people_in, ways_of
from scenarios.meeting.reports import LEAST_PEOPLE, decode, encode
from scenarios.meeting.travel import Leg, Trip, applied, quantify_trip
from scenarios.refusals import MealsAbsurd
from service import events, head_counts, inventories, tallies
from service.check_ins import MealsNotAsked
from service.config import Config
from service.db import transaction
from service.events import Event
from tests.browsing import assert_english, assert_sound, door, sign_in
from tests.doors import BY_METRO, DAY, LOCAL_METRO, MORNING, come_in, coming, device, open_event
from tests.paper import see, send
from tests.people import WANG
from tests.reporting import CELLS, accounted, cell
from tests.reporting import DAY as TODAY

BOOK = FactorBook(default_sets("CN"))
VEGETARIAN_G = 850
EATING = replace(BY_METRO, meals=3, companions=1)


def eaten(cells: list[Cell]) -> list[Cell]:
    """The cells with what they eat."""
    return with_meals(cells, "meal_vegetarian", BOOK, "310000", TODAY)


def test_every_kind_of_meal_can_be_named_and_no_other_thing() -> None:
    assert set(get_args(Meal)) == {key for key, item in items().items() if item.dimension == "meal"}
    assert all(BOOK.has(key, "310000", TODAY) for key in get_args(Meal))


def test_a_trip_tells_its_meals_and_one_without_is_stored_as_it_always_was() -> None:
    def told(**changes: int) -> bytes:
        return msgspec.json.encode(
            quantify_trip(replace(BY_METRO, **changes), factor_set("travel-cn"), "110000", TODAY)
        )

    assert b"meals" not in told()
    assert told(meals=2) == told()[:-1] + b',"meals":2}'
    for part, meals in (("journey", 61), ("journey", -1), ("local", 1)):
        with pytest.raises(MealsAbsurd):
            quantify_trip(Trip(part, BY_METRO.legs, meals=meals), factor_set("travel-cn"), "110000", TODAY)  # type: ignore[arg-type]


def test_a_report_with_meals_is_computed_again_and_hides_the_few() -> None:
    some = [*CELLS, *(replace(cell(n, Leg("metro", 12_000), companions=1), meals=n) for n in (1, 2, 7))]
    cells = eaten([*some, replace(cell(1, Leg("plane", 900_000)), meals=1)])
    catering_g = sum(n * n * 2 for n in (1, 2, 7)) * VEGETARIAN_G + VEGETARIAN_G
    full, public = (build(accounted(cells), form) for form in ("full", "public"))  # type: ignore[arg-type]
    for report in (full, public):
        assert recompute(decode(encode(report))) == []
        assert report.result.checked_in_catering_g == catering_g
        twice = [each.item for each in report.result.weak_spots if each.kind == "said_twice"]
        assert twice == ["meal_beef"], "a line of meals beside the meals of check-ins"
        assert sum(each.grams for each in cells_of(report)) == sum(each.grams for each in cells)
    assert sum(grams for _, (_, grams) in ways_of(public)) == sum(each.grams for each in cells)
    assert all(each.people * each.count >= LEAST_PEOPLE for each in public.cells)
    assert sum(each.people for each in public.merged) + sum(e.people * e.count for e in public.cells) == people_in(
        cells
    )
    wrong = replace(full, cells=(*full.cells[:-1], replace(full.cells[-1], meals=2)))
    assert any(each.path.endswith(".meals_each_g") for each in recompute(wrong))


def test_a_report_without_meals_says_nothing_of_them() -> None:

    told = encode(build(accounted()))
    assert not [word for word in (b'"meals"', b"meals_each_g", b"checked_in_catering_g", b"said_twice") if word in told]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 60), st.integers(0, 10**6)), min_size=1, max_size=8))
def test_a_groups_sums_are_those_of_its_answers(answers: list[tuple[int, int, int]]) -> None:
    group = Group(
        name="",
        gate=None,
        head_count=None,
        answers=len(answers),
        respondents=sum(x for x, _, _ in answers),
        sum_g=sum(g for _, _, g in answers),
        sum_people_squared=sum(x * x for x, _, _ in answers),
        sum_people_g=sum(x * g for x, _, g in answers),
        sum_g_squared=sum(g * g for _, _, g in answers),
        by_source_g={"travel": sum(g for _, _, g in answers)},
    )
    sums = MealSums(
        sum(m for _, m, _ in answers),
        sum(x * m for x, m, _ in answers),
        sum(m * g for _, m, g in answers),
        sum(m * m for _, m, _ in answers),
    )
    found = group_with_meals(group, sums, applied(BOOK, "meal_vegetarian", "310000", TODAY))
    whole = [(x, g + m * VEGETARIAN_G) for x, m, g in answers]
    assert found.sum_g == sum(g for _, g in whole) == sum(found.by_source_g.values())
    assert found.sum_people_g == sum(x * g for x, g in whole)
    assert found.sum_g_squared == sum(g * g for _, g in whole)


async def asking(database: asyncpg.Pool, event: Event) -> Event:
    """The event, asking for meals."""
    async with transaction(database) as connection:
        await connection.execute("UPDATE events SET meal = 'meal_vegetarian' WHERE id = $1", event.id)
        return await events.find(connection, event.id)


async def test_meals_reach_the_accounting_and_no_receipt_tally_or_balance(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database)
    with pytest.raises(MealsNotAsked):
        await come_in(database, config, coming(event, device("a"), EATING))
    event = await asking(database, event)
    plain = await come_in(database, config, coming(event, device("a"), replace(EATING, meals=0)))
    eating = await come_in(database, config, coming(event, device("b"), EATING))
    await come_in(database, config, coming(event, device("b"), LOCAL_METRO, at=MORNING + DAY))
    assert (eating.emissions_g, eating.earned_g) == (plain.emissions_g, plain.earned_g)
    stored = await database.fetch("SELECT trip FROM check_ins WHERE part = 'journey' ORDER BY trip ? 'meals'")
    assert ["meals" in msgspec.json.decode(row["trip"]) for row in stored] == [False, True]
    async with transaction(database) as connection:
        await tallies.fold(connection, event.id)
        tally = await tallies.read(connection, event.id)
        found = await inventories.compute(connection, event.id, MORNING)
        result = found.result
        assert result.checked_in_travel_g == tally.emissions_g
        assert result.checked_in_catering_g == 2 * 3 * VEGETARIAN_G == result.checked_in_g - tally.emissions_g
        assert [(each.meals, each.meals_each_g) for each in found.cells if each.meals] == [(3, 6 * VEGETARIAN_G)]
        assert {each.key for each in result.by_item} == {"metro", "meal_vegetarian"}
        assert result.by_source[0].source == "catering"
        assert "said_twice" not in {each.kind for each in result.weak_spots}
        (group,) = await head_counts.groups_of(connection, event)
        assert group.sum_g == result.checked_in_g
        assert group.by_source_g["catering"] == result.checked_in_catering_g
        assert found.groups == (group,)


async def test_meals_are_asked_on_the_page_where_the_organizer_wants_it(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    quiet = await see(client, door(config, event))
    assert "meals" not in quiet.form().fields
    assert "用餐" not in quiet.text
    event = await asking(database, event)
    paper = await see(client, door(config, event))
    assert_sound(paper, "zh")
    assert "用餐和人数" in paper.text
    assert_english(await see(client, door(config, event), headers={"Accept-Language": "en"}))
    typed = {"mode": "metro", "km": "8"}
    odd = await send(client, paper.form(), **typed, meals="61")
    assert (odd.answer.status_code, "用餐 61 份不合理" in odd.text) == (422, True)
    receipt = await send(client, odd.form(), **typed, meals="2")
    assert "用餐 2 份" in receipt.text
    asked = (await see(client, f"{receipt.answer.url.path}/change")).form("/change")
    assert asked.fields["meals"] == "2"
    changed = await send(client, asked, meals="1")
    assert "用餐 1 份" in changed.text

    await sign_in(client, database, config, WANG)
    form = (await see(client, "/organize/events/new")).form()
    assert form.fields["meal"] == ""
    day = datetime.now(UTC).date().isoformat()
    said = {
        "name": "素食节",
        "origin": "太原",
        "venue": "馆",
        "expected_people": "9",
        "first": day,
        "meal": "meal_vegan",
    }
    await send(client, form, **said)
    assert await database.fetchval("SELECT meal FROM events WHERE name = '素食节'") == "meal_vegan"
    assert (
        "请检查这一项"
        in (await send(client, form, **(said | {"meal": "meal_of_stones", "id": form.fields["id"][:-1] + "0"}))).text
    )
