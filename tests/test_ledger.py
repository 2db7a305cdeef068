"""What the database itself refuses, whoever writes to it."""

from __future__ import annotations

import asyncpg
import pytest

from service import ledger
from service.db import new_id
from tests.books import CLASSES, event_account, issue, open_member, rich_member


async def test_issued_grams_are_held_by_class_the_oldest_first(database: asyncpg.Pool) -> None:
    member = await rich_member(database, 10, 20, 30)
    async with database.acquire() as connection:
        held = await ledger.holdings(connection, member)
        assert [(each.vintage.month, each.grams) for each in held] == [(9, 10), (10, 20), (11, 30)]
        assert await ledger.balance_g(connection, member) == 60


async def test_no_one_gives_more_than_they_hold_of_a_class(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database, 10), await event_account(database)
    async with database.acquire() as connection:
        (class_id,) = (await ledger.class_ids(connection, CLASSES[:1])).values()
        too_much = ledger.Transfer(new_id(), member, event, class_id, 11, "donate")
        with pytest.raises(asyncpg.CheckViolationError, match="no_overdraft"):
            await ledger.post_many(connection, [too_much])
        assert await ledger.balance_g(connection, member) == 10


async def test_a_member_without_any_of_a_class_cannot_give_of_it(database: asyncpg.Pool) -> None:
    member, event = await rich_member(database), await event_account(database)
    async with database.acquire() as connection:
        (class_id,) = (await ledger.class_ids(connection, CLASSES[:1])).values()
        with pytest.raises(asyncpg.CheckViolationError, match="no_overdraft"):
            await ledger.post_many(connection, [ledger.Transfer(new_id(), member, event, class_id, 1, "donate")])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET grams = grams + 1",
        "DELETE FROM transfers",
        "TRUNCATE transfers CASCADE",
        "UPDATE credit_classes SET region = 'elsewhere'",
        "DELETE FROM accounts",
    ],
)
async def test_the_journal_cannot_be_rewritten(database: asyncpg.Pool, statement: str) -> None:
    await rich_member(database, 10)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await database.execute(statement)


@pytest.mark.parametrize(("grams", "reason"), [(0, "issue"), (-5, "issue"), (5, "gift"), (5, "reverse")])
async def test_a_transfer_without_sense_is_refused(database: asyncpg.Pool, grams: int, reason: str) -> None:
    async with database.acquire() as connection:
        member = await open_member(connection)
        (class_id,) = (await ledger.class_ids(connection, CLASSES[:1])).values()
        transfer = ledger.Transfer(new_id(), ledger.ISSUANCE, member, class_id, grams, reason)
        with pytest.raises(asyncpg.CheckViolationError):
            await ledger.post_many(connection, [transfer])


async def test_only_the_kinds_of_accounts_that_a_reason_provides_for_can_be_its_ends(database: asyncpg.Pool) -> None:
    giver, taker = await rich_member(database, 10), await rich_member(database)
    async with database.acquire() as connection:
        (class_id,) = (await ledger.class_ids(connection, CLASSES[:1])).values()
        for transfer in (
            ledger.Transfer(new_id(), giver, taker, class_id, 5, "donate"),
            ledger.Transfer(new_id(), giver, new_id(), class_id, 5, "donate"),
            ledger.Transfer(new_id(), ledger.ISSUANCE, giver, 999_999, 5, "issue"),
        ):
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                await ledger.post_many(connection, [transfer])


async def test_an_id_is_posted_once(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        member = await open_member(connection)
        (issued,) = await issue(connection, member, [10])
        (class_id,) = (await ledger.class_ids(connection, CLASSES[:1])).values()
        again = ledger.Transfer(issued, ledger.ISSUANCE, member, class_id, 10, "issue")
        with pytest.raises(asyncpg.UniqueViolationError):
            await ledger.post_many(connection, [again])
        assert await ledger.balance_g(connection, member) == 10


async def test_a_transfer_is_reversed_once_by_its_opposite(database: asyncpg.Pool) -> None:
    async with database.acquire() as connection:
        member = await open_member(connection)
        (issued,) = await issue(connection, member, [10])
        await ledger.reverse(connection, issued, new_id())
        assert await ledger.balance_g(connection, member) == 0
        with pytest.raises(asyncpg.UniqueViolationError):
            await ledger.reverse(connection, issued, new_id())
