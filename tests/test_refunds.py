"""Refunds: what a cancelled event was given goes back once, in its own classes, whatever comes between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from service import ledger, refunds, reservations
from service.config import Config
from service.db import new_id, transaction
from service.donation_uses import uses_of_donations
from service.donations import Donation, DonationRequest, donate_many
from tests.books import balance, rich_member
from tests.cancelling import cancel, give, is_refunded, left, open_hall, retire, sweep_until_refunded
from tests.tallied import fold_out
from tests.test_workers import until, working
from workers import folding, refunding


async def test_what_was_given_goes_back_in_its_own_classes(database: asyncpg.Pool) -> None:
    event, one, other = await open_hall(database), await rich_member(database, 10, 20), await rich_member(database, 30)
    await give(database, event, one, 25)
    await give(database, event, other, 7)
    assert (await fold_out(database, event)).donated_g == 32
    await cancel(database, event)
    await refunding.sweep(database)
    async with database.acquire() as connection:
        held = [(each.vintage.month, each.grams) for each in await ledger.holdings(connection, one)]
    assert held == [(9, 10), (10, 20)]
    assert (await balance(database, other), await left(database, event)) == (30, 0)
    tally = await fold_out(database, event)
    assert (tally.donations, tally.donated_g) == (0, 0)


async def test_what_was_retired_first_in_first_out_does_not_go_back(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 100, 100) for _ in range(4)]
    for donor in donors:
        await give(database, event, donor, 50)
    await retire(database, event, 120)
    await cancel(database, event)
    await refunding.sweep(database)
    assert [await balance(database, donor) for donor in donors] == [150, 150, 180, 200]
    async with database.acquire() as connection:
        ids = [row["id"] for row in await connection.fetch("SELECT id FROM donations ORDER BY decided_at")]
        uses = await uses_of_donations(connection, ids)
    assert [(uses[id_].retired_g, uses[id_].given_back_g) for id_ in ids] == [(50, 0), (50, 0), (20, 30), (0, 50)]
    assert await left(database, event) == 0
    tally = await fold_out(database, event)
    assert (tally.donations, tally.donated_g) == (3, 120)


async def test_a_donation_of_two_classes_keeps_of_each_what_was_retired_of_it(database: asyncpg.Pool) -> None:
    event, one, other = await open_hall(database), await rich_member(database, 10, 20), await rich_member(database, 10)
    await give(database, event, one, 30)
    await give(database, event, other, 10)
    await retire(database, event, 10, month=0)
    await retire(database, event, 5, month=1)
    await cancel(database, event)
    await refunding.sweep(database)
    assert (await balance(database, one), await balance(database, other)) == (15, 10)
    assert await left(database, event) == 0


async def test_a_donation_that_was_retired_whole_is_not_looked_at_for_ever(database: asyncpg.Pool) -> None:
    event, donor = await open_hall(database), await rich_member(database, 10)
    await give(database, event, donor, 10)
    await retire(database, event, 10)
    await cancel(database, event)
    await refunding.sweep(database)
    await refunding.sweep(database)
    assert await sweep_until_refunded(database, event)
    async with database.acquire() as connection:
        assert await refunds.waiting(connection) == []


async def test_what_was_reversed_does_not_go_back_again(database: asyncpg.Pool) -> None:
    event, donor = await open_hall(database), await rich_member(database, 10)
    given = await give(database, event, donor, 6)
    assert isinstance(given, Donation)
    async with transaction(database) as connection:
        await ledger.lock_accounts(connection, [donor])
        await ledger.reverse(connection, given.donation_id, reversal := new_id())
        await refunds.note(connection, event.id, 1, 6, [reversal])
    await cancel(database, event)
    await refunding.sweep(database)
    assert await balance(database, donor) == 10
    assert await database.fetchval("SELECT count(*) FROM transfers WHERE reason = 'refund'") == 0


async def test_what_was_posted_goes_back_to_who_reserved_it_and_what_is_reserved_is_voided(
    database: asyncpg.Pool,
) -> None:
    event, donor = await open_hall(database), await rich_member(database, 30, 30)
    later = datetime.now(UTC) + timedelta(hours=1)
    async with transaction(database) as connection:
        posted, open_ = [
            (await reservations.reserve(connection, new_id(), donor, event.id, grams, later)).reservation_id
            for grams in (40, 10)
        ]
        await reservations.post(connection, posted, new_id(), 35)
    await cancel(database, event)
    await refunding.sweep(database)
    await refunding.sweep(database)
    async with database.acquire() as connection:
        ending = (await reservations.find(connection, open_, donor)).ending
    assert ending
    assert ending.outcome == "void"
    assert (await balance(database, donor), await left(database, event)) == (60, 0)
    assert (await fold_out(database, event)).donated_g == 0
    assert await sweep_until_refunded(database, event)


@pytest.mark.parametrize("retired_g", [0, 33])
async def test_refunds_in_small_sets_reach_everybody_once(database: asyncpg.Pool, retired_g: int) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 10, 10) for _ in range(7)]
    for donor in donors:
        await give(database, event, donor, 15)
        await give(database, event, donor, 2)
    if retired_g:
        await retire(database, event, retired_g)
    await cancel(database, event)
    sets = []
    while not sets or sets[-1]:
        async with transaction(database) as connection:
            sets.append(await refunds.refund_some(connection, event.id, 3))
    assert max(sets) <= 3
    assert await left(database, event) == 0
    assert sum([await balance(database, donor) for donor in donors]) == 140 - retired_g
    assert (await fold_out(database, event)).donated_g == retired_g


async def test_sweeps_of_several_workers_at_once_refund_once(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 10) for _ in range(20)]
    for donor in donors:
        await give(database, event, donor, 10)
    await cancel(database, event)
    await asyncio.gather(*(refunding.sweep(database) for _ in range(4)))
    await refunding.sweep(database)
    assert [await balance(database, donor) for donor in donors] == [10] * 20
    assert (await fold_out(database, event)).donations == 0


async def test_two_who_refund_the_same_donations_do_not_both(database: asyncpg.Pool) -> None:
    """Without the hold on the cancellation too: the journal takes one ending a row."""
    event, donor = await open_hall(database), await rich_member(database, 10)
    await give(database, event, donor, 10)
    await cancel(database, event)
    async with transaction(database) as connection:
        owed = await refunds.still_owed(connection, event.id, 10)
        await refunds.refund_some(connection, event.id)
        with pytest.raises(asyncpg.UniqueViolationError, match="one_ending_a_transfer"):
            async with connection.transaction():
                await ledger.post_many(connection, list(refunds.refunds(event.id, owed)))
    assert await balance(database, donor) == 10


async def test_a_sweep_that_dies_half_way_is_taken_up(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 10) for _ in range(6)]
    for donor in donors:
        await give(database, event, donor, 10)
    await cancel(database, event)
    async with transaction(database) as connection:
        assert await refunds.refund_some(connection, event.id, 2) == 2
    async with database.acquire() as connection:
        crash = connection.transaction()
        await crash.start()
        assert await refunds.refund_some(connection, event.id, 2) == 2
        await crash.rollback()
    await refunding.sweep(database)
    assert [await balance(database, donor) for donor in donors] == [10] * 6
    assert (await fold_out(database, event)).donations == 0


async def test_a_donation_that_commits_after_the_cancellation_is_refunded(database: asyncpg.Pool) -> None:
    event, early, late = await open_hall(database), await rich_member(database, 10), await rich_member(database, 10)
    async with database.acquire() as connection:
        slow = connection.transaction()
        await slow.start()
        (given,) = await donate_many(connection, [DonationRequest(new_id(), late, event.id, 10)])
        assert isinstance(given, Donation)
        await give(database, event, early, 10)
        await retire(database, event, 4)
        await cancel(database, event)
        await refunding.sweep(database)
        await refunding.sweep(database)
        assert not await is_refunded(database, event), "something may still come"
        await slow.commit()
    assert (await balance(database, early), await balance(database, late)) == (6, 0)
    await refunding.sweep(database)
    assert (await balance(database, early), await balance(database, late)) == (6, 10)
    await refunding.sweep(database)
    assert await sweep_until_refunded(database, event)
    assert await left(database, event) == 0


async def test_donations_that_race_with_a_cancellation_all_go_back(database: asyncpg.Pool) -> None:
    for turn in range(6):
        event = await open_hall(database)
        donors = [await rich_member(database, 10) for _ in range(12)]
        gifts = [asyncio.create_task(give(database, event, donor, 10)) for donor in donors]
        await asyncio.sleep(0.002 * turn)
        await cancel(database, event)
        await refunding.sweep(database)
        await asyncio.gather(*gifts)
        await refunding.sweep(database)
        await refunding.sweep(database)
        assert [await balance(database, donor) for donor in donors] == [10] * 12
        assert await sweep_until_refunded(database, event)
        assert (await fold_out(database, event)).donated_g == 0


async def test_refunds_and_folds_at_once_leave_a_true_tally(database: asyncpg.Pool) -> None:
    event = await open_hall(database)
    donors = [await rich_member(database, 10) for _ in range(10)]
    for donor in donors:
        await give(database, event, donor, 10)
    await cancel(database, event)
    await asyncio.gather(*(work(database) for work in (refunding.sweep, folding.sweep) for _ in range(3)))
    assert (await fold_out(database, event)).donations == 0


async def test_workers_give_back_and_let_lapse_by_themselves(database: asyncpg.Pool, config: Config) -> None:
    event, donor = await open_hall(database), await rich_member(database, 30)
    other = await open_hall(database)
    async with transaction(database) as connection:
        soon = datetime.now(UTC) + timedelta(milliseconds=100)
        await reservations.reserve(connection, new_id(), donor, other.id, 10, soon)
    await give(database, event, donor, 20)
    await cancel(database, event)
    async with working(config):

        async def is_whole() -> bool:
            return await balance(database, donor) == 30 and await is_refunded(database, event)

        await until(is_whole, 10)
