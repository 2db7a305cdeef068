"""Units of other registries: each serial is used once, only what the rule admits is taken, and its order is kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg
import pytest

from service import event_marks, fill_plans, governing_rules, offset_units, offsets, units
from service.access import Caller
from service.db import transaction
from service.donations import Donation, EventCovered
from service.errors import NotAllowed, NotFound, Refusal
from service.event_marks import NewMark
from service.event_measures import NotYetDone
from service.events import Event
from service.offset_units import CitizensCreditsHere, NewRetirement, SerialsUsed, UnitsDecided
from service.retiring_order import OrderLeft
from service.unit_admission import ClassNotAdmitted, UnitNotOwnPlace, UnitNotRecognized
from service.unit_texts import RegistryNotOfClass, RegistryUnknown, SerialsTooMany, SerialsUnreadable
from tests.books import NOW
from tests.offsetting import TONNE_G, citizen, enter, fold, give, offer, organized, publish, retire
from tests.retiring import retire_given

Own = tuple[Event, Caller]
SHANGHAI = {"project_place": "310000"}


async def refusal(pool: asyncpg.Pool, own: Own, serials: str, **said: Any) -> Refusal:
    """What entering them is refused with."""
    with pytest.raises(Refusal) as caught:
        await enter(pool, own, serials, **said)
    return caught.value


async def test_of_two_organizers_with_the_same_serials_at_the_same_moment_one_wins(database: asyncpg.Pool) -> None:
    one, other = await organized(database, "海口"), await organized(database, "三亚")
    for n in range(5):
        tried = [enter(database, own, f"RACE{n} 1–9") for own in (one, other)]
        done = await asyncio.gather(*tried, return_exceptions=True)
        assert sorted(type(each).__name__ for each in done) == ["SerialsUsed", "Units"]
    first, second = await enter(database, one, "SAME 1–5"), await enter(database, one, "SAME 6–9")
    retired = await asyncio.gather(*(retire(database, one, first) for _ in range(2)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in retired) == ["Units", "UnitsDecided"]
    assert second.state == "held"


async def test_a_refusal_says_nothing_of_whose_the_serials_are(database: asyncpg.Pool) -> None:
    one, other = await organized(database, "海口"), await organized(database, "三亚")
    await enter(database, one, "CCER 000100–000199")
    used = await refusal(database, other, "ccer_000150–000300", project="别的项目", vintage=2020)
    assert isinstance(used, SerialsUsed)
    assert used.values == {"serials": "CCER 150–300"}
    assert (await enter(database, other, "CCER 000200–000300")).grams == 101 * TONNE_G


async def test_what_goes_back_can_be_used_again_and_what_is_retired_never(database: asyncpg.Pool) -> None:
    one, other = await organized(database, "海口"), await organized(database, "三亚")
    held = await enter(database, one, "CCER 1–9")
    async with transaction(database) as connection:
        back = await offset_units.give_back(connection, one[1], one[0].id, held.id, "多登记了", NOW)
    assert (back.state, back.because) == ("returned", "多登记了")
    again = await enter(database, other, "CCER 5–12")
    await retire(database, other, again)
    assert isinstance(await refusal(database, one, "CCER 12"), SerialsUsed)
    async with transaction(database) as connection:
        with pytest.raises(UnitsDecided):
            await offset_units.give_back(connection, other[1], other[0].id, again.id, None, NOW)
    with pytest.raises(asyncpg.RestrictViolationError):
        await database.execute("UPDATE offset_units SET state = 'held' WHERE id = $1", held.id)


@dataclass
class Block:
    """An interval of serials as the test knows it: both ends included."""

    first: int
    last: int


async def test_no_two_blocks_share_a_serial_in_any_geometry(database: asyncpg.Pool) -> None:
    own = await organized(database, "海口")
    series = iter(range(1_000))

    async def check(blocks: list[Block]) -> None:
        name, taken = f"GEO{next(series)}X", set[int]()
        for block in blocks:
            numbers = set(range(block.first, block.last + 1))
            try:
                await enter(database, own, f"{name} {block.first}–{block.last}")
            except SerialsUsed:
                assert numbers & taken
            else:
                assert not numbers & taken
                taken |= numbers

    for at in (-3, -2, -1, 0, 1, 2, 3):  # before, touching, across an end, within, around, the same, beyond
        for length in (1, 2, 3, 4, 6):
            await check([Block(10, 12), Block(10 + at, 10 + at + length - 1)])


async def test_the_database_itself_refuses_ranges_without_end_or_content(database: asyncpg.Pool) -> None:
    event, caller = await organized(database, "海口")
    for serials in ("empty", "[5,5)", "(,)", "[3,)", "(,7]", "[-2,4)"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await database.execute(
                """
                INSERT INTO offset_units (
                    id, event_id, class, registry, project, project_place, vintage, series, serials, donated, state,
                    entered_by, entered_at
                )
                VALUES (gen_random_uuid(), $1, 'ccer', 'CCER', '红树林', '460000', 2025, 'A', $3::text::int8range,
                    false, 'held', $2, now())
                """,
                event.id,
                caller.member,
                serials,
            )


async def test_what_cannot_be_understood_is_refused(database: asyncpg.Pool) -> None:
    own = await organized(database, "海口")
    assert isinstance(await refusal(database, own, "CCER 9–3"), SerialsUnreadable)
    assert isinstance(await refusal(database, own, "CCER 1–2000000000000"), SerialsTooMany)
    assert isinstance(await refusal(database, own, "CCER 1–2", registry="没有的"), RegistryUnknown)
    assert isinstance(await refusal(database, own, "CCER 1–2", registry="CN-ETS"), RegistryNotOfClass)
    assert isinstance(await refusal(database, own, "CCER 1–2", unit="citizen_credits"), CitizensCreditsHere)


async def test_only_what_the_rule_admits_is_taken_and_the_refusal_names_clause_and_lack(database: asyncpg.Pool) -> None:
    shanghai, jining, beijing = [await organized(database, each) for each in ("上海", "济宁", "北京")]
    elsewhere = await refusal(database, shanghai, "CCER 1–2")
    assert isinstance(elsewhere, UnitNotOwnPlace)
    assert elsewhere.cited()["clause"] == "第十二条（二）"
    unknown = await refusal(database, shanghai, "VCU 1–2", unit="international", registry="VERRA")
    assert isinstance(unknown, UnitNotRecognized)
    assert unknown.cited()["clause"] == "第十二条（四）"
    shown = {"unit": "puhui_project", "registry": "SHANDONG-PUHUI", "project_place": "370000"}
    assert isinstance(await refusal(database, jining, "SD 1–2", **shown), UnitNotRecognized)
    assert (await enter(database, jining, "SD 1–2", **shown, recognition="鲁碳普惠备案 3 号")).state == "held"
    marine = {"unit": "marine_sink", "registry": "HAINAN-PUHUI"}
    shanxi = await organized(database, "太原")
    assert isinstance(await refusal(database, shanxi, "HY 1–2", **marine), ClassNotAdmitted)
    assert (await enter(database, beijing, "HY 1–2", **marine)).state == "held", "no rule governs: all is taken"
    async with database.acquire() as connection:
        assert (await fill_plans.of_event(connection, beijing[0].id, NOW)).voluntary


async def test_an_offer_is_accepted_declined_or_withdrawn_by_whom_it_concerns(database: asyncpg.Pool) -> None:
    own, donor, stranger = [await organized(database, "海口") for _ in range(3)]
    event = own[0]
    offered = [await offer(database, event, donor, f"CCER {n}") for n in range(3)]
    assert [(each.state, each.donated, each.donor) for each in offered] == [("offered", True, "会务组")] * 3
    with pytest.raises(SerialsUsed):
        await offer(database, stranger[0], donor, "CCER 2")
    async with transaction(database) as connection:
        for act in (offset_units.decline, offset_units.withdraw):
            with pytest.raises((NotFound, NotAllowed)):
                await act(connection, stranger[1], event.id, offered[0].id, None, NOW)
        with pytest.raises(NotFound):
            await offset_units.accept(connection, donor[1], event.id, offered[0].id, NOW)
        await offset_units.accept(connection, own[1], event.id, offered[0].id, NOW)
        await offset_units.decline(connection, own[1], event.id, offered[1].id, "已经够了", NOW)
        await offset_units.withdraw(connection, donor[1], event.id, offered[2].id, None, NOW)
        with pytest.raises(UnitsDecided):
            await offset_units.withdraw(connection, donor[1], event.id, offered[0].id, None, NOW)
        seen = await units.of_donor(connection, donor[1], donor[0].organization_id)
        assert [each.state for each in seen] == ["withdrawn", "declined", "held"]
        with pytest.raises(NotFound):
            await units.of_donor(connection, stranger[1], donor[0].organization_id)
    assert (await offer(database, stranger[0], donor, "CCER 1–2")).state == "offered"


async def test_the_order_is_left_only_for_a_reason(database: asyncpg.Pool) -> None:
    own = await organized(database, "海口")
    event, caller = own
    ccer = await enter(database, own, "CCER 1–2")
    allowance = await enter(database, own, "ETS 1", unit="national_allowance", registry="CN-ETS")
    given = await enter(database, own, "ETS 5", unit="national_allowance", registry="CN-ETS", donated=True)
    with pytest.raises(OrderLeft) as left:
        await retire(database, own, allowance)
    assert left.value.cited()["clause"] == "三、实施流程（四）"
    await retire(database, own, given)
    await retire(database, own, ccer)
    assert (await retire(database, own, allowance)).reference == "注销单 7"
    more = await enter(database, own, "CCER 8–9")
    last = await enter(database, own, "VCU 1", unit="international", registry="VERRA")
    with pytest.raises(OrderLeft):
        await retire(database, own, last)
    async with transaction(database) as connection:
        rule = (await governing_rules.of_event(connection, event, NOW)).rule
        await event_marks.say(connection, caller, event, rule, NewMark(key="order", note="前者在途"), NOW)
    await retire(database, own, last)
    async with database.acquire() as connection:
        assert await offsets.retired_of(connection, event.id) == {
            "national_allowance": 2 * TONNE_G,
            "ccer": 2 * TONNE_G,
            "international": TONNE_G,
        }
        plan = await fill_plans.of_event(connection, event.id, NOW)
    assert plan.order_reason == "前者在途"
    assert [(each.what.units_id, each.rank) for each in plan.fills] == [(more.id, 3)]


async def test_donated_credits_come_before_units_in_shanxi_and_its_own_before_others(database: asyncpg.Pool) -> None:
    own = await organized(database, "太原")
    event = own[0]
    await publish(database, own, 10 * TONNE_G)
    for region, methodology in (("110000", "dbt11-3043"), ("140000", "sanjin")):
        donor = await citizen(database, region, 3 * TONNE_G, methodology=methodology)
        assert isinstance(await give(database, donor, event, 3 * TONNE_G), Donation)
    await fold(database, event)
    ccer = await enter(database, own, "CCER 1–2", project_place="140000")
    async with database.acquire() as connection:
        plan = await fill_plans.of_event(connection, event.id, NOW)
    assert [(each.what.place, each.what.unit, each.rank, each.covers_g) for each in plan.fills] == [
        ("140000", "citizen_credits", 1, 3 * TONNE_G),
        ("140000", "ccer", 2, 2 * TONNE_G),
        ("110000", "citizen_credits", None, 3 * TONNE_G),
    ]
    assert (plan.need_g, plan.uncovered_g, plan.left_g, plan.settled) == (10 * TONNE_G, 2 * TONNE_G, 0, False)
    with pytest.raises(OrderLeft):
        await retire_given(database, event.id, 4 * TONNE_G)
    retired = await retire_given(database, event.id, 3 * TONNE_G)
    assert {each.region for each in retired.blocks} == {"140000"}
    await retire(database, own, ccer)
    assert {each.region for each in (await retire_given(database, event.id, TONNE_G)).blocks} == {"110000"}


async def test_retirement_is_of_a_day_that_has_come(database: asyncpg.Pool) -> None:
    own = await organized(database, "海口")
    held = await enter(database, own, "CCER 1–2")
    async with transaction(database) as connection:
        new = NewRetirement(retired_on=date(2026, 11, 21), reference="注销单 7")
        with pytest.raises(NotYetDone):
            await offset_units.retire(connection, own[1], own[0].id, held.id, new, NOW)


async def test_units_cover_the_need_as_donations_do(database: asyncpg.Pool) -> None:
    own, donor = await organized(database, "海口"), await organized(database, "海口")
    await publish(database, own, 2 * TONNE_G)
    await enter(database, own, "CCER 1–2")
    with pytest.raises(EventCovered):
        await offer(database, own[0], donor, "CCER 7")
    member = await citizen(database, "460000", 5)
    assert isinstance(await give(database, member, own[0], 5), EventCovered)
