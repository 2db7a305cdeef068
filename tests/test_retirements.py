"""Retirement: never more than is held, once an id, for good; serials follow one another; a donation is used up once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from scenarios.policies.operator import policy
from scenarios.programmes import rules
from service import ledger, retirements
from service.certificates import Certificate, SerialsUnreadable, block, mask, read_serials
from service.config import Config
from service.db import new_id, transaction
from service.donation_uses import Use, uses_of_donations
from service.donations import Donation, DonationRequest, Overdraft, SameEventReduction, donate_many
from service.errors import IdReused, NotFound, Refusal
from service.members import member_by_phone
from service.retirable import Lot, NotForIndividuals, NothingToRetire, bases, drawn, own_lots
from service.retirements import ClosedToRetirements, NewEventRetirement, NewRetirement, Standing
from tests.books import CLASSES, issue, rich_member
from tests.people import HAN, LI, WANG, Headers, add_gate_keeper, found_organization, key, sign_in
from tests.tallied import hall
from tests.test_events import new_event
from tests.test_refunds import cancel, open_hall
from workers import refunding

OWN = NewRetirement(grams=1, beneficiary="张三丰", purpose="抵消 2026 年 11 月的通勤")
TODAY = Standing(datetime(2026, 11, 21, tzinfo=UTC), date(2026, 11, 21), takes_own=False)
FOR_EVENT = NewEventRetirement(grams=1, beneficiary="碳惠会务", purpose="零碳会议")


def own(grams: int, **changes: Any) -> NewRetirement:
    """What a citizen asks."""
    return NewRetirement(grams=grams, beneficiary=OWN.beneficiary, purpose=OWN.purpose, **changes)


def for_event(grams: int) -> NewEventRetirement:
    """What an organizer asks."""
    return NewEventRetirement(grams=grams, beneficiary=FOR_EVENT.beneficiary, purpose=FOR_EVENT.purpose)


async def retire_own(pool: asyncpg.Pool, member: UUID, new: NewRetirement, id_: UUID | None = None) -> Certificate:
    """Retire, committed."""
    async with transaction(pool) as connection:
        return await retirements.retire_own(connection, id_ or new_id(), member, new)


async def retire_given(pool: asyncpg.Pool, event: UUID, grams: int, id_: UUID | None = None) -> Certificate:
    """Retire what an event was given, committed."""
    async with transaction(pool) as connection:
        return await retirements.retire_for_event(connection, id_ or new_id(), event, for_event(grams))


async def give(pool: asyncpg.Pool, member: UUID, event: UUID, grams: int) -> UUID:
    """Donate, committed; the donation's id."""
    asked = DonationRequest(new_id(), member, event, grams)
    async with transaction(pool) as connection:
        (given,) = await donate_many(connection, [asked])
    assert isinstance(given, Donation), given
    return asked.id


async def balance(pool: asyncpg.Pool, member: UUID) -> int:
    async with pool.acquire() as connection:
        return await ledger.balance_g(connection, member)


async def close(pool: asyncpg.Pool, account: UUID, because: str) -> None:
    """Close an account."""
    await pool.execute("INSERT INTO account_closings (account_id, because) VALUES ($1, $2)", account, because)


async def verdict(work: Awaitable[Certificate]) -> Certificate | Refusal:
    """What came of it."""
    try:
        return await work
    except Refusal as refusal:
        return refusal


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


# What was my donation used for? -----------------------------------------------------------------------------------


async def used(pool: asyncpg.Pool, *donations: UUID) -> list[Use]:
    """What became of donations, in the order asked."""
    async with pool.acquire() as connection:
        found = await uses_of_donations(connection, donations)
    assert found.keys() == set(donations)
    return [found[each] for each in donations]


def sums(use: Use) -> tuple[int, int, int]:
    """Retired, given back, still reserved: together what was given."""
    assert use.retired_g + use.given_back_g + use.reserved_g == use.given_g
    assert use.retired_g == sum(each.grams for each in use.retirements)
    return use.retired_g, use.given_back_g, use.reserved_g


async def test_donations_are_used_up_first_in_first_out(database: asyncpg.Pool) -> None:
    event = (await hall(database)).id
    ids = [await give(database, await rich_member(database, 10), event, 10) for _ in range(3)]
    assert [sums(each) for each in await used(database, *ids)] == [(0, 0, 10)] * 3
    first, second = await retire_given(database, event, 4), await retire_given(database, event, 9)
    uses = await used(database, *ids)
    assert [sums(each) for each in uses] == [(10, 0, 0), (3, 0, 7), (0, 0, 10)]
    assert [(each.retirement_id, each.grams) for each in uses[0].retirements] == [
        (first.retirement_id, 4),
        (second.retirement_id, 6),
    ]
    assert [(each.retirement_id, each.retired_on) for each in uses[1].retirements] == [
        (second.retirement_id, second.retired_on)
    ]


async def test_a_donation_of_several_classes_is_used_up_class_by_class(database: asyncpg.Pool) -> None:
    event, member = (await hall(database)).id, await rich_member(database, 10, 10)
    given = await give(database, member, event, 20)
    later = await give(database, await rich_member(database, 5), event, 5)
    certificate = await retire_given(database, event, 17)
    mine, theirs = await used(database, given, later)
    assert (sums(mine), sums(theirs)) == ((12, 0, 8), (5, 0, 0))
    assert {each.retirement_id for each in (*mine.retirements, *theirs.retirements)} == {certificate.retirement_id}


async def test_what_was_given_back_is_nobodys_to_use(database: asyncpg.Pool) -> None:
    event, donor = (await hall(database)).id, await rich_member(database, 10)
    undone = await give(database, donor, event, 10)
    kept = await give(database, await rich_member(database, 10), event, 10)
    async with transaction(database) as connection:
        await ledger.lock_accounts(connection, [donor])
        await ledger.reverse(connection, undone, new_id())
        await connection.execute(
            """
            INSERT INTO tally_changes (event_id, sign, donations, donated_g, changed_at)
            VALUES ($1, -1, 1, 10, clock_timestamp())
            """,
            event,
        )
    await retire_given(database, event, 4)
    assert [sums(each) for each in await used(database, undone, kept)] == [(0, 10, 0), (4, 0, 6)]


async def test_every_gram_retired_is_somebodys_and_none_two_peoples(database: asyncpg.Pool) -> None:
    chance = random.Random(5)
    halls = [(await hall(database)).id for _ in range(2)]
    members = [await rich_member(database, 300, 300, 300) for _ in range(4)]
    given: list[UUID] = []
    retired: dict[UUID, int] = {}
    for _ in range(60):
        event = chance.choice(halls)
        if chance.random() < 0.6:
            given.append(await give(database, chance.choice(members), event, chance.randint(1, 40)))
        else:
            came = await verdict(retire_given(database, event, chance.randint(1, 60)))
            if isinstance(came, Certificate):
                retired[came.retirement_id] = came.grams
    by_retirement: dict[UUID, int] = {}
    for use in await used(database, *given):
        sums(use)
        for each in use.retirements:
            by_retirement[each.retirement_id] = by_retirement.get(each.retirement_id, 0) + each.grams
    assert by_retirement == retired
    one_by_one = [(await used(database, each))[0] for each in given]
    assert one_by_one == await used(database, *given), "what is asked besides changes nothing"


async def test_after_a_cancellation_each_donation_is_retired_or_given_back(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 10, 10) for _ in range(3)]
    ids = [await give(database, each, event.id, 15) for each in donors]
    certificate = await retire_given(database, event.id, 12)
    await cancel(database, event)
    await refunding.sweep(database)
    uses = await used(database, *ids)
    assert [sums(each) for each in uses] == [(10, 5, 0), (2, 13, 0), (0, 15, 0)]
    assert [each.retirements[0].retirement_id for each in uses[:2]] == [certificate.retirement_id] * 2
    assert [await balance(database, each) for each in donors] == [10, 18, 20]


async def test_a_retirement_and_a_cancellation_at_once_never_share_a_gram(database: asyncpg.Pool) -> None:
    for _ in range(5):
        event, donor = await open_hall(database), await rich_member(database, 30)
        given = await give(database, donor, event.id, 30)
        retired, _ = await asyncio.gather(verdict(retire_given(database, event.id, 20)), cancel(database, event))
        await refunding.sweep(database)
        assert isinstance(retired, Certificate | ClosedToRetirements)
        gone = 20 if isinstance(retired, Certificate) else 0
        assert sums((await used(database, given))[0]) == (gone, 30 - gone, 0)
        assert await balance(database, donor) == 30 - gone


# How serials are written ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "methodology", "written"),
    [
        ("140000", "sanjin", "CN-140000-sanjin-2022-2026-11-K7-0000123–0000456"),
        ("110000", "dbt11-3043", "CN-110000-dbt11-3043-2022-2026-11-K7-0000123–0000456"),
        ("810000", "x", "HK-810000-x-2022-2026-11-K7-0000123–0000456"),
        ("AT", "DB11/T 3043", "AT-DB11/T 3043-2022-2026-11-K7-0000123–0000456"),
        ("world", "x", "world-x-2022-2026-11-K7-0000123–0000456"),
    ],
)
def test_serials_are_read_as_written(region: str, methodology: str, written: str) -> None:
    made = block(7, region, methodology, "2022", date(2026, 11, 1), 123, 457)
    assert made.serials == written
    assert read_serials(made.serials) == (7, 123, 456)
    assert made.grams == 334


def test_serials_beyond_seven_digits_are_read_too() -> None:
    made = block(7, "140000", "sanjin", "2022", date(2026, 11, 1), 9_999_999, 2**63 - 1)
    assert read_serials(made.serials) == (7, 9_999_999, 2**63 - 2)


@pytest.mark.parametrize(
    "text", ["", "CN-140000-sanjin-2022-2026-11-K7-0000456–0000123", "K7-0000123–0000456", "CN-1-1", "x" * 10_000]
)
def test_what_is_no_block_is_refused(text: str) -> None:
    with pytest.raises(SerialsUnreadable):
        read_serials(text)


# Over HTTP --------------------------------------------------------------------------------------------------------


def body(grams: object, **changes: object) -> dict[str, object]:
    """A request's JSON."""
    return {"grams": grams, "beneficiary": "张三丰", "purpose": "抵消张三丰 11 月的通勤，电话 138 0000 0002"} | changes


@pytest.fixture
async def li(client: httpx.AsyncClient, database: asyncpg.Pool, config: Config) -> Headers:
    """李雷, who holds 100 grams."""
    headers = await sign_in(client, LI)
    async with transaction(database) as connection:
        await issue(connection, await member_by_phone(connection, config, LI), [60, 40])
    return headers


async def test_a_certificate_is_public_and_names_no_person(client: httpx.AsyncClient, li: Headers) -> None:
    answer = await client.post("/v1/retirements", json=body(70), headers=li | key())
    assert answer.status_code == 201, answer.text
    mine, url = answer.json(), f"/v1/retirements/{answer.json()['retirement_id']}"
    assert (mine["beneficiary"], mine["whole"], mine["by_event"]) == ("张三丰", True, False)
    assert [read_serials(each["serials"])[1:] for each in mine["blocks"]] == [(1, 60), (1, 10)]
    assert (await client.get(url, headers=li)).json() == mine
    wang = await sign_in(client, WANG)
    for reader in ({}, wang):
        seen = await client.get(url, headers=reader)
        assert (seen.json()["beneficiary"], seen.json()["whole"]) == ("张*", False)
        assert seen.json()["purpose"] == "抵消张* 11 月的通勤，电话 ***"
        assert "三丰" not in seen.text
        for field in ("grams", "blocks", "retired_on", "retired_at", "retirement_id"):
            assert seen.json()[field] == mine[field]
    assert (await client.get("/v1/me/retirements", headers=li)).json() == [mine]
    assert (await client.get("/v1/me/retirements", headers=wang)).json() == []


async def test_a_certificate_holds_no_id_of_a_member(
    client: httpx.AsyncClient, li: Headers, database: asyncpg.Pool, config: Config
) -> None:
    made = await client.post("/v1/retirements", json=body(1), headers=li | key())
    async with transaction(database) as connection:
        member = await member_by_phone(connection, config, LI)
    assert str(member) not in made.text
    assert (await client.get(f"/v1/events/{member}/retirements")).status_code == 404


async def test_an_organization_is_named_in_full(client: httpx.AsyncClient, li: Headers) -> None:
    asked = body(1, beneficiary="绿色小学", beneficiary_kind="organization", purpose="春游")
    made = (await client.post("/v1/retirements", json=asked, headers=li | key())).json()
    assert (await client.get(f"/v1/retirements/{made['retirement_id']}")).json()["beneficiary"] == "绿色小学"


async def test_a_repeat_gets_the_same_bytes_also_when_refused(client: httpx.AsyncClient, li: Headers) -> None:
    for grams, status in ((30, 201), (1_000, 409)):
        headers = li | key()
        first, again = [await client.post("/v1/retirements", json=body(grams), headers=headers) for _ in range(2)]
        assert (first.status_code, first.content) == (again.status_code, again.content)
        assert first.status_code == status
        other = await client.post("/v1/retirements", json=body(grams + 1), headers=headers)
        assert (other.status_code, other.json()["code"]) == (409, "id_reused")
    assert (await client.get("/v1/me", headers=li)).json()["balance_g"] == 70


async def test_another_members_token_and_none_at_all(
    client: httpx.AsyncClient, li: Headers, database: asyncpg.Pool
) -> None:
    same, wang = key(), await sign_in(client, WANG)
    await client.post("/v1/retirements", json=body(30), headers=li | same)
    taken = await client.post("/v1/retirements", json=body(30), headers=wang | same)
    assert (taken.status_code, taken.json()["code"]) == (409, "id_reused")
    assert (await client.post("/v1/retirements", json=body(30), headers=same)).status_code == 401
    empty = await client.post("/v1/retirements", json=body(30), headers=wang | key())
    assert (empty.status_code, empty.json()["code"]) == (422, "nothing_to_retire")
    assert await database.fetchval("SELECT count(*) FROM retirements") == 1


@pytest.mark.parametrize(
    "bad",
    [
        body(0),
        body(-1),
        body(1.5),
        body(2**63),
        body("x"),
        body(None),
        body(1, beneficiary=" "),
        body(1, beneficiary="x" * 201),
        body(1, purpose="a\nb"),
        body(1, beneficiary_kind="both"),
        body(1, event_id="x"),
        body(1, more=1),
    ],
    ids=str,
)
async def test_bad_input_moves_nothing(
    client: httpx.AsyncClient, li: Headers, database: asyncpg.Pool, bad: dict[str, object]
) -> None:
    answer = await client.post("/v1/retirements", json=bad, headers=li | key())
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")
    assert await database.fetchval("SELECT count(*) FROM transfers WHERE reason = 'retire'") == 0


async def test_the_largest_amount_is_read_and_refused(client: httpx.AsyncClient, li: Headers) -> None:
    answer = await client.post("/v1/retirements", json=body(2**63 - 1), headers=li | key())
    assert (answer.status_code, answer.json()["code"]) == (409, "overdraft")
    no_uuid = await client.post("/v1/retirements", json=body(1), headers=li | {"Idempotency-Key": "x"})
    assert (no_uuid.status_code, no_uuid.json()["code"]) == (400, "id_not_uuid")


async def test_only_an_events_organizer_retires_for_it(client: httpx.AsyncClient, li: Headers) -> None:
    wang, organization = await found_organization(client, WANG)
    made = await client.post("/v1/events", json=new_event(organization), headers=wang | key())
    event = made.json()["id"]
    url, asked = f"/v1/events/{event}/retirements", body(30, beneficiary="零碳会议", purpose="会议碳中和")
    await client.post(f"/v1/events/{event}/donations", json={"grams": 50}, headers=li | key())
    han = await add_gate_keeper(client, wang, organization, HAN)
    for other in (li, han):
        assert (await client.post(url, json=asked, headers=other | key())).status_code == 403
    answer = await client.post(url, json=asked, headers=wang | key())
    assert answer.status_code == 201, answer.text
    assert (answer.json()["event_name"], answer.json()["by_event"]) == (made.json()["name"], True)
    more = await client.post(url, json=asked, headers=wang | key())
    assert (more.status_code, more.json()["values"]) == (409, {"held_g": 20, "asked_g": 30})
    for page in ((await client.get(url)).json(), (await client.get(url, headers=wang)).json()):
        assert [(each["beneficiary"], each["grams"]) for each in page] == [("零碳会议", 30)]


async def test_pages_of_certificates_follow_one_another(client: httpx.AsyncClient, li: Headers) -> None:
    ids = [
        (await client.post("/v1/retirements", json=body(n + 1), headers=li | key())).json()["retirement_id"]
        for n in range(5)
    ]
    seen: list[str] = []
    while page := (
        await client.get("/v1/me/retirements", params={"limit": 2} | ({"before": seen[-1]} if seen else {}), headers=li)
    ).json():
        seen += [each["retirement_id"] for each in page]
    assert seen == ids[::-1]


@pytest.mark.parametrize(("name", "shown"), [("张三", "张*"), ("欧阳娜娜", "欧*"), ("张", "*"), ("Anna Müller", "A*")])
def test_a_name_is_masked_but_for_its_first_character(name: str, shown: str) -> None:
    assert mask(name) == shown
