"""Modes corrected in bulk: the accounting counts otherwise, check-ins and balances stay, and it can be taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.factors import FactorBook, default_sets, factor_set
from scenarios.meeting.cells import Cell, CellLeg, days_together
from scenarios.meeting.extrapolation import Group
from scenarios.meeting.mode_corrections import ModeCorrection, change_of, corrected, scaled
from scenarios.meeting.travel import Leg, Trip, quantify_trip
from scenarios.refusals import DistanceAbsurd, UnknownMode
from service import check_in_cells, head_counts, inventories, mode_corrections
from service.access import Caller, Role
from service.config import Config
from service.db import transaction
from service.events import Event, day_of
from service.mode_corrections import NewModeCorrection, NothingToCorrect
from tests.browsing import assert_english, assert_sound, sign_in
from tests.doors import MORNING, come_in, coming, device, open_event
from tests.paper import see, send
from tests.people import WANG

BOOK = FactorBook(default_sets("CN"))
DAY = date(2026, 11, 20)
TO_CAR = ModeCorrection(from_mode="metro", to_mode="car")


def trip(mode: str, km: int, people: int = 1) -> Trip:
    """A journey there and back."""
    return Trip(part="journey", legs=(Leg(mode=mode, distance_m=km * 1000),), round_trip=True, companions=people - 1)


def cell(mode: str = "metro", km: int = 10, count: int = 4, gate: int = 1, people: int = 1) -> Cell:
    """Check-ins by one mode, as the door quantifies them."""
    done = quantify_trip(trip(mode, km, people), factor_set("travel-cn"), "110000", DAY)
    legs = tuple(
        CellLeg(e.mode, e.distance_m, e.person_m, e.emissions_g, e.factor, None, e.occupants) for e in done.legs
    )
    return Cell(
        part="journey",
        gate=gate,
        legs=legs,
        round_trip=True,
        nights=0,
        people=people,
        lodging_factor=None,
        lodging_each_g=0,
        count=count,
    )


def apply(cells: list[Cell], *corrections: ModeCorrection) -> list[Cell]:
    """The cells as counted in Beijing."""
    return corrected(cells, corrections, BOOK, "110000", DAY)


def test_a_corrected_leg_is_what_the_door_would_have_said() -> None:
    for people in (1, 3):
        (done,) = apply([cell(people=people)], TO_CAR)
        assert done.legs == cell("car", people=people).legs
    shared = apply([cell(people=1)], msgspec.structs.replace(TO_CAR, occupants=2))[0]
    assert shared.legs[0].emissions_g == -(-cell("car").legs[0].emissions_g // 2)


def test_gate_and_number_choose_and_every_check_in_stays_one() -> None:
    cells = [cell(gate=1), cell(gate=2), cell("bus", gate=1)]
    some = apply(cells, msgspec.structs.replace(TO_CAR, gate=1, check_ins=3))
    assert [(each.legs[0].mode, each.gate, each.count) for each in some] == [
        ("metro", 1, 1),
        ("car", 1, 3),
        ("metro", 2, 4),
        ("bus", 1, 4),
    ]
    change = change_of(cells, msgspec.structs.replace(TO_CAR, check_ins=6), BOOK, "110000", DAY)
    assert change.check_ins == 6
    assert change.corrected_g - change.said_g == 6 * (cell("car").grams_each - cell().grams_each)
    assert change_of(cells, ModeCorrection(from_mode="ferry", to_mode="car"), BOOK, "110000", DAY).check_ins == 0


def test_a_day_chooses_and_days_are_put_together_again() -> None:
    whole = cell(count=7)
    first, second, any_day = (
        msgspec.structs.replace(whole, count=n, day=day)
        for n, day in ((2, DAY), (4, DAY + timedelta(days=1)), (1, None))
    )
    apart = [first, second, any_day]
    assert days_together(apart) == [whole]
    done = apply(apart, msgspec.structs.replace(TO_CAR, day=DAY + timedelta(days=1), check_ins=3))
    assert [(each.legs[0].mode, each.count) for each in done] == [("metro", 2), ("metro", 1), ("car", 3), ("metro", 1)]
    assert [(each.legs[0].mode, each.count, each.day) for each in days_together(done)] == [
        ("metro", 4, None),
        ("car", 3, None),
    ]


def test_corrections_apply_one_after_another() -> None:
    back = ModeCorrection(from_mode="car", to_mode="metro")
    assert sum(each.grams for each in apply([cell()], TO_CAR, back)) == cell().grams


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownMode):
        apply([cell()], ModeCorrection(from_mode="metro", to_mode="rocket"))
    with pytest.raises(DistanceAbsurd):
        apply([cell("train", km=900)], ModeCorrection(from_mode="train", to_mode="walk"))


@given(
    st.lists(st.tuples(st.sampled_from(["metro", "bus"]), st.integers(1, 90), st.integers(1, 9)), max_size=5),
    st.integers(1, 30),
)
def test_the_number_of_check_ins_never_changes(drawn: list[tuple[str, int, int]], some: int) -> None:
    cells = [cell(mode, km, count) for mode, km, count in drawn]
    done = apply(cells, msgspec.structs.replace(TO_CAR, check_ins=some))
    assert sum(each.count for each in done) == sum(each.count for each in cells)
    by_car = sum(each.count for each in done if each.legs[0].mode == "car")
    assert by_car == min(some, sum(count for mode, _, count in drawn if mode == "metro"))
    assert sum(each.grams for each in done) >= sum(each.grams for each in cells)


def test_groups_follow_their_own_gates() -> None:
    said = [cell(gate=1), cell(gate=2)]
    counted = apply(said, msgspec.structs.replace(TO_CAR, gate=1))
    one = {"answers": 4, "respondents": 4, "sum_people_squared": 4, "head_count": 10}
    grams = cell().grams_each
    sums: dict[str, Any] = {"sum_g": 4 * grams, "sum_people_g": 4 * grams, "sum_g_squared": 4 * grams**2}
    groups = [Group(name=str(g), gate=g, **one, **sums, by_source_g={"travel": 4 * grams}) for g in (1, None)]
    first, rest = scaled(groups, said, counted)
    assert first.sum_g == counted[0].grams == first.by_source_g["travel"]
    assert first.sum_g_squared == pytest.approx(4 * counted[0].grams_each ** 2, abs=1)
    assert rest == groups[1]


async def test_a_correction_changes_the_inventory_alone_and_is_taken_back(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, event: Event
) -> None:
    now = datetime.now(UTC)
    for name in "abc":
        await come_in(database, config, coming(event, device(name), trip("metro", 10), at=now))
    before = await database.fetch("SELECT * FROM check_ins ORDER BY id")

    async def travel_g() -> int:
        async with database.acquire() as connection:
            return (await inventories.compute(connection, event.id, now)).result.checked_in_travel_g

    said_g = await travel_g()
    await sign_in(client, database, config, WANG)
    url = f"/organize/events/{event.id}/mode-corrections"
    form = (await see(client, url)).form("/mode-corrections")
    today = day_of(event, now).isoformat()
    typed = {"from_mode": "metro", "to_mode": "car", "day": today, "check_ins": "2", "reason": "大巴其实是小汽车"}
    assert "请检查这一项" in (await send(client, form, **(typed | {"day": "yesterday"}))).text
    nothing = await send(client, form, **(typed | {"from_mode": "ferry"}))
    assert "没有可以更正的" in nothing.text
    assert "没有可以更正的" in (await send(client, form, **(typed | {"day": "2020-02-02"}))).text
    asked = await send(client, form, **typed)
    assert_sound(asked, "zh")
    assert "会改变 2 次签到的核算" in asked.text
    assert await travel_g() == said_g
    assert await database.fetchval("SELECT count(*) FROM mode_corrections") == 0
    entered = await send(client, asked.form("/mode-corrections"), **typed, sure="1")
    assert_sound(entered, "zh")
    car_g = await travel_g()
    assert car_g > said_g
    counted = await see(client, f"/organize/events/{event.id}/head-counts")
    assert_sound(counted, "zh")
    assert "已计入 1 项出行方式更正" in counted.text
    async with database.acquire() as connection:
        cells = await check_in_cells.of_event(connection, event.id)
    assert car_g == sum(each.grams for each in apply(cells, msgspec.structs.replace(TO_CAR, check_ins=2)))
    assert await database.fetch("SELECT * FROM check_ins ORDER BY id") == before
    assert_english(await see(client, url, headers={"Accept-Language": "en"}))

    with pytest.raises(asyncpg.RestrictViolationError):
        await database.execute("UPDATE mode_corrections SET check_ins = 1")
    back = await send(client, entered.form("/withdraw"), withdrawn_because="看错了")
    assert "已撤回" in back.text
    assert await travel_g() == said_g
    again = await send(client, entered.form("/withdraw"), withdrawn_because="又一次", id=str(uuid4()))
    assert "已经撤回" in again.text


async def test_a_correction_of_one_day_takes_that_days_check_ins_and_leaves_the_cells_small(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await open_event(database)
    local = msgspec.structs.replace(trip("metro", 10), part="local")
    for name in "abc":
        await come_in(database, config, coming(event, device(name), trip("metro", 10)))
    for name in "ab":
        await come_in(database, config, coming(event, device(name), local, at=MORNING + timedelta(days=1)))
        await come_in(database, config, coming(event, device(name), local, at=MORNING + timedelta(days=2)))
    async with transaction(database) as connection:
        member = await connection.fetchval(
            "SELECT member_id FROM organization_members WHERE organization_id = $1", event.organization_id
        )
        caller = Caller(member, frozenset({Role.ORGANIZER}))
        days = mode_corrections.days_open(event)
        assert days == [MORNING.date() + timedelta(days=n) for n in range(3)]
        before = (await inventories.compute(connection, event.id, MORNING)).cells
        said = await head_counts.read(connection, event)
        new = NewModeCorrection("metro", "car", "第二天坐的是小汽车", day=days[1])
        change = await mode_corrections.preview(connection, event, new)
        assert change.check_ins == 2
        with pytest.raises(NothingToCorrect):
            await mode_corrections.preview(
                connection, event, msgspec.structs.replace(new, day=days[2] + timedelta(days=1))
            )
        await mode_corrections.enter(connection, caller, event, new, MORNING)
        after = (await inventories.compute(connection, event.id, MORNING)).cells
        assert [each.count for each in before] == [4, 3]
        assert sorted((each.part, each.legs[0].mode, each.count) for each in after) == [
            ("journey", "metro", 3),
            ("local", "car", 2),
            ("local", "metro", 2),
        ]
        assert not [each for each in after if each.day]
        assert sum(each.grams for each in after) == change.corrected_g
        read = await head_counts.read(connection, event)
    assert (said.corrections, [each.day for each in read.corrections]) == ((), [days[1]])
