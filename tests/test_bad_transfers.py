"""What makes no sense is refused by a stable code, and nothing moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest

from service import ledger, refunds
from service.db import Connection, new_id, transaction
from service.donations import DonationRequest, donate_many
from service.ledger import HELD, ISSUANCE, RETIRED, Transfer
from service.ledger_refusals import refusal_of
from tests.books import CLASSES, issue, open_event_account, open_member


class Books(NamedTuple):
    """A member with 10 g of one class and 10 of another, of whom 4 g of the first were given to an event."""

    member: UUID
    event: UUID
    first: int
    second: int
    issued: UUID
    given: UUID


async def books(connection: Connection) -> Books:
    """Set them up."""
    member, event = await open_member(connection), await open_event_account(connection)
    issued, _ = await issue(connection, member, [10, 10])
    ids = await ledger.class_ids(connection, CLASSES)
    given = new_id()
    await donate_many(connection, [DonationRequest(given, member, event, 4)])
    return Books(member, event, ids[CLASSES[0]], ids[CLASSES[1]], issued, given)


async def close(connection: Connection, account_id: UUID, because: str) -> None:
    """Close an account."""
    await connection.execute("INSERT INTO account_closings (account_id, because) VALUES ($1, $2)", account_id, because)


def one(*values: object) -> Callable[[Connection, Books], Awaitable[list[Transfer]]]:
    """A single transfer of these fields; names stand for what the books hold."""

    async def make(_: Connection, held: Books) -> list[Transfer]:
        named = [getattr(held, each) if isinstance(each, str) and hasattr(held, each) else each for each in values]
        return [Transfer(new_id(), *named)]  # type: ignore[arg-type]

    return make


async def after_closing_the_event(connection: Connection, held: Books) -> list[Transfer]:
    await close(connection, held.event, "settled")
    return [Transfer(new_id(), held.member, held.event, held.first, 1, "donate")]


async def after_the_member_left(connection: Connection, held: Books) -> list[Transfer]:
    await close(connection, held.member, "left")
    return [Transfer(new_id(), held.member, held.event, held.first, 1, "donate")]


async def to_one_who_left(connection: Connection, held: Books) -> list[Transfer]:
    await close(connection, held.member, "left")
    return [Transfer(new_id(), ISSUANCE, held.member, held.first, 1, "issue")]


async def reverse_the_gift(connection: Connection, held: Books) -> UUID:
    """Undo it, in the books and for the tally."""
    reversal = new_id()
    await ledger.reverse(connection, held.given, reversal)
    await refunds.note(connection, held.event, 1, 4, [reversal])
    return reversal


async def of_a_reversal(connection: Connection, held: Books) -> list[Transfer]:
    reversal = await reverse_the_gift(connection, held)
    return [Transfer(new_id(), held.member, held.event, held.first, 4, "reverse", 0, reversal)]


async def a_second_reversal(connection: Connection, held: Books) -> list[Transfer]:
    await reverse_the_gift(connection, held)
    return [Transfer(new_id(), held.event, held.member, held.first, 4, "reverse", 0, held.given)]


async def classes_mixed(_: Connection, held: Books) -> list[Transfer]:
    return [Transfer(new_id(), held.event, held.member, held.second, 4, "reverse", 0, held.given)]


async def the_same_id(_: Connection, held: Books) -> list[Transfer]:
    return [Transfer(held.given, held.member, held.event, held.first, 4, "donate")]


async def a_post_of_nothing_reserved(_: Connection, held: Books) -> list[Transfer]:
    return [Transfer(new_id(), HELD, held.event, held.first, 1, "post", 0, new_id())]


async def good_and_bad_together(_: Connection, held: Books) -> list[Transfer]:
    good = Transfer(new_id(), held.member, held.event, held.second, 1, "donate")
    return [good, Transfer(new_id(), held.member, held.event, held.second, 10, "donate")]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (one("member", "event", "first", 0, "donate"), "amount_impossible"),
        (one("member", "event", "first", -1, "donate"), "amount_impossible"),
        (one("member", "event", "first", 2**63, "donate"), "amount_impossible"),
        (one(ISSUANCE, "member", "first", 2**63 - 1, "issue"), "amount_impossible"),
        (one("member", "event", "first", 7, "donate"), "not_held"),
        (one(new_id(), "event", "first", 1, "donate"), "not_held"),
        (one("member", new_id(), "first", 1, "donate"), "account_unknown"),
        (one("member", "member", "first", 1, "donate"), "account_unknown"),
        (one("event", "member", "first", 1, "issue"), "account_unknown"),
        (one(ISSUANCE, "event", "first", 1, "issue"), "account_unknown"),
        (one(ISSUANCE, "member", 999_999, 1, "issue"), "class_unknown"),
        (one("member", RETIRED, "first", 1, "retire"), "does_not_fit"),
        (one("event", "member", "first", 5, "refund", 0, "given"), "does_not_fit"),
        (one("event", "member", "first", 4, "refund", 1, "given"), "does_not_fit"),
        (one("member", "event", "first", 1, "donate", 0, "given"), "does_not_fit"),
        (after_closing_the_event, "account_closed"),
        (after_the_member_left, "account_closed"),
        (to_one_who_left, "account_closed"),
        (of_a_reversal, "does_not_fit"),
        (a_second_reversal, "ended_already"),
        (classes_mixed, "does_not_fit"),
        (the_same_id, "id_reused"),
        (a_post_of_nothing_reserved, "does_not_fit"),
        (good_and_bad_together, "not_held"),
    ],
)
async def test_a_senseless_transfer_is_refused_by_name_and_moves_nothing(
    database: asyncpg.Pool, make: Callable[[Connection, Books], Awaitable[list[Transfer]]], code: str
) -> None:
    async with transaction(database) as connection:
        held = await books(connection)
        transfers = await make(connection, held)
        before = await connection.fetch("SELECT * FROM balances ORDER BY account_id, class_id")
        with pytest.raises((asyncpg.PostgresError, asyncpg.DataError)) as refused:
            async with connection.transaction():
                await ledger.post_many(connection, transfers)
        refusal = refusal_of(refused.value)
        assert refusal, refused.value
        assert refusal.code == code
        assert await connection.fetch("SELECT * FROM balances ORDER BY account_id, class_id") == before
