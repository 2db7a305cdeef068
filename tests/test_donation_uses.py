"""What was my donation used for: each gram once, first in first out, and what was given back is nobody's."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID

import asyncpg

from service import ledger, refunds
from service.certificates import Certificate
from service.db import new_id, transaction
from service.donation_uses import Use, uses_of_donations
from service.retirements import ClosedToRetirements
from tests.books import balance, rich_member
from tests.cancelling import cancel, open_hall
from tests.retiring import give, retire_given, verdict
from tests.tallied import hall
from workers import refunding


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
        await ledger.reverse(connection, undone, reversal := new_id())
        await refunds.note(connection, event, 1, 10, [reversal])
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
