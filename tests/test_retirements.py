"""Retirement: never more than is held, once an id, for good; serials follow one another."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
import msgspec
import pytest

from scenarios.policies.operator import policy
from scenarios.programmes import rules
from service import ledger, retirements
from service.certificates import Certificate
from service.db import new_id, transaction
from service.donations import Donation, DonationRequest, Overdraft, SameEventReduction, donate_many
from service.errors import IdReused, NotFound
from service.retirable import Lot, NotForIndividuals, NothingToRetire, bases, drawn, own_lots
from service.retirements import ClosedToRetirements, Standing
from tests.books import CLASSES, balance, rich_member
from tests.retiring import close, give, own, retire_given, retire_own, verdict
from tests.tallied import hall

TODAY = Standing(datetime(2026, 11, 21, tzinfo=UTC), date(2026, 11, 21), takes_own=False)


async def blocks_by_class(pool: asyncpg.Pool) -> dict[int, list[tuple[int, int]]]:
    """Every block taken, in order: first serial, and the one after the last."""
    found: dict[int, list[tuple[int, int]]] = {}
    rows = await pool.fetch("SELECT class_id, first_serial, next_serial FROM serial_blocks ORDER BY class_id, 2")
    for row in rows:
        found.setdefault(row["class_id"], []).append((row["first_serial"], row["next_serial"]))
    return found


async def assert_contiguous(pool: asyncpg.Pool) -> dict[int, int]:
    """Each class's blocks follow one another from 1; how many grams they are."""
    taken = await blocks_by_class(pool)
    for blocks in taken.values():
        assert [first for first, _ in blocks] == [1, *(beyond for _, beyond in blocks[:-1])]
    return {class_id: blocks[-1][1] - 1 for class_id, blocks in taken.items()}


# What is drawn ----------------------------------------------------------------------------------------------------


async def test_a_retirement_draws_the_oldest_class_first_and_its_serials_sum_to_its_grams(
    database: asyncpg.Pool,
) -> None:
    member = await rich_member(database, 10, 20, 30)
    certificate = await retire_own(database, member, own(35))
    assert [(each.vintage.month, each.grams) for each in certificate.blocks] == [(9, 10), (10, 20), (11, 5)]
    assert [(each.first_serial, each.last_serial) for each in certificate.blocks] == [(1, 10), (1, 20), (1, 5)]
    assert sum(each.grams for each in certificate.blocks) == certificate.grams == 35
    assert await balance(database, member) == 25


async def test_the_next_retirement_of_a_class_takes_the_next_block(database: asyncpg.Pool) -> None:
    first, second = await rich_member(database, 100), await rich_member(database, 100)
    blocks = [(await retire_own(database, each, own(7))).blocks[0] for each in (first, second, first)]
    assert [(each.first_serial, each.last_serial) for each in blocks] == [(1, 7), (8, 14), (15, 21)]


async def test_an_event_retires_what_it_was_given_and_no_more(database: asyncpg.Pool) -> None:
    event, member = (await hall(database)).id, await rich_member(database, 10, 20, 30)
    await give(database, member, event, 45)
    first = await retire_given(database, event, 25)
    assert [(each.vintage.month, each.grams) for each in first.blocks] == [(9, 10), (10, 15)]
    assert (first.by_event, first.event_name, first.beneficiary) == (True, "零碳会议", "碳惠会务")
    with pytest.raises(Overdraft) as refused:
        await retire_given(database, event, 21)
    assert refused.value.values == {"held_g": 20, "asked_g": 21}
    await retire_given(database, event, 20)
    with pytest.raises(NothingToRetire):
        await retire_given(database, event, 1)


async def test_one_gram_more_than_held_is_refused_and_nothing_moves(database: asyncpg.Pool) -> None:
    member = await rich_member(database, 10, 20)
    with pytest.raises(Overdraft) as refused:
        await retire_own(database, member, own(31))
    assert refused.value.values == {"held_g": 30, "asked_g": 31}
    assert await balance(database, member) == 30
    assert await database.fetchval("SELECT count(*) FROM retirements") == 0


async def test_who_has_nothing_is_told_so(database: asyncpg.Pool) -> None:
    with pytest.raises(NothingToRetire):
        await retire_own(database, await rich_member(database), own(1))


async def test_an_event_that_is_not_there_can_neither_retire_nor_be_retired_for(database: asyncpg.Pool) -> None:
    member = await rich_member(database, 10)
    with pytest.raises(NotFound):
        await retire_own(database, member, own(1, event_id=new_id()))
    with pytest.raises(NotFound):
        await retire_given(database, member, 1)


async def hold_in(pool: asyncpg.Pool, **grams: int) -> UUID:
    """A member who holds grams of regions: `CN140000=10`."""
    async with transaction(pool) as connection:
        member = await rich_member(pool)
        for region, g in grams.items():
            vintage = CLASSES[0]._replace(region=region.removeprefix("CN"))
            (class_id,) = (await ledger.class_ids(connection, [vintage])).values()
            await ledger.post_many(
                connection, [ledger.Transfer(new_id(), ledger.ISSUANCE, member, class_id, g, "issue")]
            )
        return member


async def test_a_certificate_says_which_clause_or_policy_lets_a_citizen_retire(database: asyncpg.Pool) -> None:
    member = await hold_in(database, CN140000=10, CN110000=10)
    made = await retire_own(database, member, own(20))
    shanxi, beijing = sorted(made.basis, key=lambda each: each.region, reverse=True)
    assert shanxi.clause is not None
    assert "晋环发" in shanxi.clause
    assert "二、实施主体" in shanxi.clause
    assert shanxi.policy is None
    assert (beijing.clause, beijing.policy) == (None, f"{policy().id} {policy().version}")


def test_where_neither_rule_nor_policy_lets_them_a_citizen_may_not_retire() -> None:
    strict = rules()._replace(own=msgspec.structs.replace(policy(), individuals_may_retire=False))
    held = [
        {"class_id": number, "grams": 10, "region": region, "earned_at": None}
        for number, region in enumerate(("110000", "140000", "140000"))
    ]
    lots = own_lots(held, strict, TODAY.retired_on, None)
    assert [each.class_id for each in drawn(lots, 15)] == [1, 2]
    assert [each.region for each in bases(drawn(lots, 15))] == ["140000"]
    with pytest.raises(NotForIndividuals) as refused:
        drawn(lots, 21)
    assert refused.value.values == {"region": "110000"}


# Never twice, never the same reduction ----------------------------------------------------------------------------


async def test_the_same_id_again_answers_as_before_and_takes_nothing(database: asyncpg.Pool) -> None:
    member, id_ = await rich_member(database, 10), new_id()
    first, second = [await retire_own(database, member, own(6), id_) for _ in range(2)]
    assert first == second
    assert await balance(database, member) == 4


async def test_the_same_id_with_other_content_or_of_anything_else_is_refused(database: asyncpg.Pool) -> None:
    member, other, event = await rich_member(database, 10), await rich_member(database, 10), (await hall(database)).id
    id_ = new_id()
    await retire_own(database, member, own(3), id_)
    given = await give(database, member, event, 2)
    for again in (
        retire_own(database, member, own(4), id_),
        retire_own(database, other, own(3), id_),
        retire_given(database, event, 2, id_),
        retire_own(database, member, own(2), given),
    ):
        assert isinstance(await verdict(again), IdReused)
    assert (await balance(database, member), await balance(database, other)) == (5, 10)


async def earned_on_the_way(pool: asyncpg.Pool, member: UUID, event: UUID, grams: int) -> None:
    """Issue what a trip to an event earned."""
    async with transaction(pool) as connection:
        way = CLASSES[0]._replace(event_id=event)
        (class_id,) = (await ledger.class_ids(connection, [way])).values()
        await ledger.post_many(
            connection, [ledger.Transfer(new_id(), ledger.ISSUANCE, member, class_id, grams, "issue")]
        )


async def test_what_was_earned_on_the_way_to_an_event_is_not_retired_for_it(database: asyncpg.Pool) -> None:
    event, other, member = (await hall(database)).id, (await hall(database)).id, await rich_member(database, 10)
    await earned_on_the_way(database, member, event, 30)
    with pytest.raises(SameEventReduction):
        await retire_own(database, member, own(11, event_id=event))
    kept = await retire_own(database, member, own(10, event_id=event))
    assert [each.grams for each in kept.blocks] == [10]
    await retire_own(database, member, own(15, event_id=other))
    await retire_own(database, member, own(15))
    assert await balance(database, member) == 0


async def test_an_event_whose_rule_has_a_clause_for_it_takes_them(database: asyncpg.Pool) -> None:
    event, member = (await hall(database)).id, await rich_member(database)
    await database.execute("UPDATE events SET same_event_clause = '第九条' WHERE id = $1", event)
    await earned_on_the_way(database, member, event, 30)
    assert (await retire_own(database, member, own(30, event_id=event))).grams == 30


async def test_the_database_itself_refuses_the_same_reduction(database: asyncpg.Pool) -> None:
    event, member = (await hall(database)).id, await rich_member(database)
    await earned_on_the_way(database, member, event, 30)
    asked = retirements.Retirement(new_id(), member, event, 30, "张三", "person", "出行")
    class_id = await database.fetchval("SELECT class_id FROM balances WHERE account_id = $1", member)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        async with transaction(database) as connection:
            await retirements.retire(connection, asked, TODAY, [Lot(class_id, 30)])
    assert refused.value.constraint_name == "same_event_reduction"


@pytest.mark.parametrize(("because", "whose"), [("cancelled", "event"), ("left", "member")])
async def test_nothing_is_retired_of_or_for_what_is_closed(database: asyncpg.Pool, because: str, whose: str) -> None:
    event, member = (await hall(database)).id, await rich_member(database, 10)
    await give(database, member, event, 5)
    await close(database, event if whose == "event" else member, because)
    with pytest.raises(ClosedToRetirements):
        await retire_own(database, member, own(1, event_id=event))
    if whose == "event":
        with pytest.raises(ClosedToRetirements):
            await retire_given(database, event, 1)


async def test_an_event_that_has_settled_may_still_retire(database: asyncpg.Pool) -> None:
    event, member = (await hall(database)).id, await rich_member(database, 10)
    await give(database, member, event, 5)
    await close(database, event, "settled")
    assert (await retire_given(database, event, 5)).grams == 5


# Races that commit ------------------------------------------------------------------------------------------------


async def test_retirements_at_once_never_take_more_than_is_held_and_blocks_follow_one_another(
    database: asyncpg.Pool,
) -> None:
    """Members and an event drain the same classes; what is granted is what is gone, to the gram."""
    members = [await rich_member(database, 40, 60) for _ in range(3)]
    event, donor = (await hall(database)).id, await rich_member(database, 50, 50)
    await give(database, donor, event, 100)
    jobs: list[Callable[[], Awaitable[Certificate]]] = []
    for number in range(60):
        grams = 1 + number % 7
        jobs += [lambda m=m, g=grams: retire_own(database, m, own(g)) for m in members]  # type: ignore[misc]
        jobs.append(lambda g=grams: retire_given(database, event, g))  # type: ignore[misc]
    random.Random(3).shuffle(jobs)
    verdicts = await asyncio.gather(*(verdict(job()) for job in jobs))
    granted = [each for each in verdicts if isinstance(each, Certificate)]
    assert all(isinstance(each, Certificate | Overdraft | NothingToRetire) for each in verdicts)
    left = [await balance(database, each) for each in members]
    assert all(0 <= each < 7 for each in left)
    taken = await assert_contiguous(database)
    assert sum(taken.values()) == sum(each.grams for each in granted)
    assert sum(each.grams for each in granted if not each.by_event) == 300 - sum(left)
    assert 93 < sum(each.grams for each in granted if each.by_event) <= 100
    certified = sorted((b.class_id, b.first_serial, b.last_serial + 1) for each in granted for b in each.blocks)
    assert certified == sorted((c, *b) for c, blocks in (await blocks_by_class(database)).items() for b in blocks)


async def test_one_id_at_once_takes_once(database: asyncpg.Pool) -> None:
    member, other, id_ = await rich_member(database, 100), await rich_member(database, 100), new_id()
    asked = [verdict(retire_own(database, each, own(9), id_)) for each in [member] * 20 + [other] * 20]
    verdicts = await asyncio.gather(*asked)
    assert len({repr(each) for each in verdicts if isinstance(each, Certificate)}) == 1
    assert sum(isinstance(each, IdReused) for each in verdicts) == 20
    assert sorted([await balance(database, member), await balance(database, other)]) == [91, 100]


async def test_donations_and_retirements_of_one_account_at_once_never_overdraw_it(database: asyncpg.Pool) -> None:
    event, member = (await hall(database)).id, await rich_member(database, 40, 60)

    async def donate(grams: int) -> int:
        async with transaction(database) as connection:
            (given,) = await donate_many(connection, [DonationRequest(new_id(), member, event, grams)])
        return grams if isinstance(given, Donation) else 0

    async def retire(grams: int) -> int:
        return grams if isinstance(await verdict(retire_own(database, member, own(grams))), Certificate) else 0

    moved = await asyncio.gather(*((donate if n % 2 else retire)(1 + n % 3) for n in range(120)))
    assert sum(moved) + await balance(database, member) == 100


# What the database itself holds -----------------------------------------------------------------------------------


@pytest.fixture
async def retired(database: asyncpg.Pool) -> tuple[asyncpg.Pool, UUID, int]:
    """A member with a class of which 10 grams are retired."""
    member = await rich_member(database, 100)
    certificate = await retire_own(database, member, own(10))
    return database, member, certificate.blocks[0].class_id


BLOCK = (
    "INSERT INTO serial_blocks (transfer_id, ordinal, class_id, first_serial, next_serial) VALUES ($1, 0, $2, $3, $4)"
)


@pytest.mark.parametrize(
    ("first", "beyond", "constraint"),
    [
        (5, 15, "serial_blocks_class_id_follows_fkey|no_overlap"),  # overlapping
        (1, 11, "no_overlap|serial_blocks_class_id_next_serial_key"),  # the same again
        (11, 11, "not_empty"),  # empty
        (11, 5, "not_empty|range"),  # backwards
        (12, 20, "serial_blocks_class_id_follows_fkey"),  # with a gap
        (0, 5, "serial_blocks_first_serial_check"),
        (11, None, "null"),  # endless
    ],
)
async def test_the_database_refuses_a_block_that_overlaps_is_empty_or_leaves_a_gap(
    retired: tuple[asyncpg.Pool, UUID, int], first: int, beyond: int | None, constraint: str
) -> None:
    pool, _, class_id = retired
    transfer = await pool.fetchval("SELECT id FROM transfers WHERE reason = 'issue'")
    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)) as refused:
        await pool.execute(BLOCK, transfer, class_id, first, beyond)
    assert any(part in f"{refused.value.constraint_name} {refused.value}" for part in constraint.split("|"))


@pytest.mark.parametrize("table", ["retirements", "serial_blocks"])
async def test_nothing_of_a_retirement_is_ever_changed(retired: tuple[asyncpg.Pool, UUID, int], table: str) -> None:
    pool, _, _ = retired
    column = {"retirements": "purpose = 'x'", "serial_blocks": "first_serial = 2"}[table]
    for statement in (f"UPDATE {table} SET {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await pool.execute(statement)


async def test_nothing_is_added_to_a_certificate_later_nor_retired_without_one(
    retired: tuple[asyncpg.Pool, UUID, int],
) -> None:
    pool, member, class_id = retired
    certified = await pool.fetchval("SELECT id FROM retirements")
    for id_, ordinal in ((certified, 1), (new_id(), 0)):
        transfer = ledger.Transfer(id_, member, ledger.RETIRED, class_id, 5, "retire", ordinal)
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            async with transaction(pool) as connection:
                await ledger.post_many(connection, [transfer])
        assert refused.value.constraint_name == "named_retirement"
