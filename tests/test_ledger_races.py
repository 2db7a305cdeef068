"""Races that commit for real: one account drained by a thousand, one id sent five hundred times, from two processes.

What a process has to itself is a pool and its committers; two pools are what two processes are to the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from service import ledger, reservations, retirements, tallies, transfer_log
from service.config import Config
from service.db import Connection, new_id, open_pool, transaction
from service.donations import Donation, DonationRequest, Overdraft, donate_many
from service.errors import Refusal
from service.group_commit import GroupCommitter
from service.retirements import NewRetirement
from tests.books import CLASSES, balance, event_account, issue, rich_member
from tests.tallied import Hall, fold_out, hall

Committer = GroupCommitter[DonationRequest, Donation]
Verdict = Donation | BaseException


@asynccontextmanager
async def committers(config: Config) -> AsyncIterator[list[Committer]]:
    """What two processes have: each a pool, and a committer with two lanes."""
    async with await open_pool(config, hot=True) as one, await open_pool(config, hot=True) as other:
        made = [Committer(pool, donate_many) for pool in (one, other)]
        yield made
        for each in made:
            await each.close()


async def send(to: Sequence[Committer], requests: Sequence[DonationRequest]) -> list[Verdict]:
    """Send all at once, to each process in turn."""
    return await asyncio.gather(
        *(to[number % len(to)].submit(each) for number, each in enumerate(requests)), return_exceptions=True
    )


async def given(pool: asyncpg.Pool, event: UUID) -> int:
    """What the journal says the event was given."""
    return int(await pool.fetchval("SELECT coalesce(sum(grams), 0) FROM transfers WHERE destination = $1", event))


# 9: no overdraft under concurrent drain -------------------------------------------------------------------------------


async def test_of_a_thousand_drains_of_one_account_exactly_the_covered_ones_succeed(
    database: asyncpg.Pool, config: Config
) -> None:
    member, event = await rich_member(database, 300, 1, 299), await event_account(database)
    async with committers(config) as to:
        verdicts = await send(to, [DonationRequest(new_id(), member, event, 1) for _ in range(1_000)])
    assert {type(each) for each in verdicts} == {Donation, Overdraft}
    assert sum(isinstance(each, Donation) for each in verdicts) == 600
    assert (await balance(database, member), await given(database, event)) == (0, 600)


async def test_drains_of_different_size_are_refused_only_when_too_little_is_left(
    database: asyncpg.Pool, config: Config
) -> None:
    member, event = await rich_member(database, 200, 350, 50), await event_account(database)
    asked = [DonationRequest(new_id(), member, event, 1 + number % 7) for number in range(1_000)]
    async with committers(config) as to:
        verdicts = await send(to, asked)
    granted = sum(each.grams for each in verdicts if isinstance(each, Donation))
    refusals = [each.values for each in verdicts if isinstance(each, Overdraft)]
    assert len(refusals) + sum(isinstance(each, Donation) for each in verdicts) == 1_000
    assert all(each["held_g"] < each["asked_g"] for each in refusals)
    assert (granted, granted) == (600 - await balance(database, member), await given(database, event))


async def test_drains_of_every_kind_never_take_more_than_there_is(database: asyncpg.Pool, config: Config) -> None:
    event = await hall(database)
    member = await rich_member(database, 100, 100, 100)
    later = datetime.now(UTC) + timedelta(hours=1)
    own = NewRetirement(grams=3, beneficiary="李雷", purpose="出行")

    async def reserve(connection: Connection) -> None:
        await reservations.reserve(connection, new_id(), member, event.id, 3, later)

    async def retire(connection: Connection) -> None:
        await retirements.retire_own(connection, new_id(), member, own)

    async def tried(work: type[None] | object) -> bool:
        try:
            async with transaction(database) as connection:
                await work(connection)  # type: ignore[operator]
        except Refusal:
            return False
        return True

    async with committers(config) as to:
        gifts = send(to, [DonationRequest(new_id(), member, event.id, 3) for _ in range(80)])
        others = asyncio.gather(*(tried(each) for _ in range(60) for each in (reserve, retire)))
        verdicts, done = await asyncio.gather(gifts, others)
    assert sum(isinstance(each, Donation) for each in verdicts) + sum(done) == 100
    assert await balance(database, member) == 0


# 5, 15: concurrent duplicates -------------------------------------------------------------------------------------


async def test_five_hundred_duplicates_of_one_id_have_one_effect_and_one_answer(
    database: asyncpg.Pool, config: Config
) -> None:
    member, event = await rich_member(database, 60, 40), await event_account(database)
    request = DonationRequest(new_id(), member, event, 70)
    async with committers(config) as to:
        verdicts = await send(to, [request] * 500)
    assert isinstance(verdicts[0], Donation)
    assert len(set(map(repr, verdicts))) == 1
    assert (await balance(database, member), await given(database, event)) == (30, 70)


async def test_duplicates_of_a_refused_one_stay_refused_while_credits_arrive(
    database: asyncpg.Pool, config: Config
) -> None:
    member, event = await rich_member(database, 10), await event_account(database)
    request = DonationRequest(new_id(), member, event, 70)
    async with committers(config) as to:
        (first,) = await send(to, [request])
        verdicts, _ = await asyncio.gather(send(to, [request] * 500), earn(database, member, 20))
    assert isinstance(first, Overdraft)
    assert {(type(each), repr(each)) for each in verdicts} == {(Overdraft, repr(first))}
    assert (await balance(database, member), await given(database, event)) == (210, 0)


async def test_duplicates_that_race_with_the_credits_they_need_get_one_answer(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await event_account(database)
    for _ in range(5):
        member = await rich_member(database)
        request = DonationRequest(new_id(), member, event, 10)
        before = await given(database, event)
        async with committers(config) as to:
            verdicts, _ = await asyncio.gather(send(to, [request] * 40), earn(database, member, 4))
        assert len(set(map(repr, verdicts))) == 1
        moved = 10 if isinstance(verdicts[0], Donation) else 0
        assert await given(database, event) - before == moved
        assert await balance(database, member) == 40 - moved


async def earn(pool: asyncpg.Pool, member: UUID, times: int) -> None:
    """Ten grams at a time, all at once, each committed."""

    async def once() -> None:
        async with transaction(pool) as connection:
            await ledger.lock_accounts(connection, [member])
            await issue(connection, member, [10])

    await asyncio.gather(*(once() for _ in range(times)))


# 6: no lost update on a hot account ---------------------------------------------------------------------------------


async def test_no_credit_of_many_that_come_at_once_is_lost(database: asyncpg.Pool) -> None:
    member = await rich_member(database, 1)
    await earn(database, member, 300)
    assert await balance(database, member) == 3_001


async def test_what_many_give_to_one_event_while_workers_fold_is_all_counted(
    database: asyncpg.Pool, config: Config
) -> None:
    event = await hall(database)
    members = [await rich_member(database, 30, 20) for _ in range(20)]
    asked = [DonationRequest(new_id(), member, event.id, 2) for _ in range(25) for member in members]
    done = asyncio.Event()
    async with committers(config) as to:
        folding = [asyncio.create_task(fold_on(database, event, done)) for _ in range(3)]
        verdicts = await send(to, asked)
        done.set()
        await asyncio.gather(*folding)
    assert all(isinstance(each, Donation) for each in verdicts)
    tally = await fold_out(database, event)
    assert (tally.donations, tally.donated_g) == (500, 1_000)


async def fold_on(pool: asyncpg.Pool, event: Hall, done: asyncio.Event) -> None:
    """Fold a little at a time, as one of several workers."""
    while not done.is_set():
        async with transaction(pool) as connection:
            await tallies.fold(connection, event.id, 2)
        await asyncio.sleep(0)


# 14: in order, account by account -----------------------------------------------------------------------------------


async def test_a_transaction_that_began_first_and_posts_last_stands_last(
    database: asyncpg.Pool, config: Config
) -> None:
    member, event = await rich_member(database), await event_account(database)
    async with database.acquire() as slow, slow.transaction():
        await slow.execute("SELECT pg_current_xact_id()")
        async with transaction(database) as connection:
            await ledger.lock_accounts(connection, [member])
            (issued,) = await issue(connection, member, [10])
        await seal(database, config)
        (verdict,) = await donate_many(slow, [DonationRequest(new_id(), member, event, 10)])
    assert isinstance(verdict, Donation)
    await seal(database, config)
    rows = await database.fetch("SELECT id, made_at FROM transfers ORDER BY made_at")
    assert [row["id"] for row in rows] == [issued, verdict.donation_id]


async def test_accounts_stay_in_order_while_all_write_and_one_seals(database: asyncpg.Pool, config: Config) -> None:
    event = await event_account(database)
    members = [await rich_member(database, 5) for _ in range(5)]
    asked = [DonationRequest(new_id(), member, event, 1) for _ in range(40) for member in members]
    done = asyncio.Event()
    async with committers(config) as to:
        sealing = asyncio.create_task(seal_on(database, config, done))
        gifts = send(to, asked)
        await asyncio.gather(gifts, *(earn(database, member, 5) for member in members))
        done.set()
        await sealing
    async with database.acquire() as connection:
        assert await ledger.audit(connection) == []
        (class_id,) = (await ledger.class_ids(connection, CLASSES[:1])).values()
    assert (
        await database.fetchval("SELECT max(next_serial) - 1 FROM sealed_transfers WHERE class_id = $1", class_id) > 0
    )


async def seal(pool: asyncpg.Pool, config: Config) -> None:
    """Seal some of what waits."""
    async with transaction(pool) as connection:
        await transfer_log.seal(connection, config, 20)


async def seal_on(pool: asyncpg.Pool, config: Config, done: asyncio.Event) -> None:
    """Seal a little at a time."""
    while not done.is_set():
        await seal(pool, config)
        await asyncio.sleep(0)
