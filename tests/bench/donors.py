"""Who gives in the bench: members holding three classes each, and what they give, one after another."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

import asyncpg

from service import ledger
from service.db import Connection, new_id, transaction
from service.donations import DonationRequest
from tests.bench.world import add_members

DONORS = 10_000
"""New ones for each run."""
CLASSES = [ledger.CreditClass("110000", "DB11/T 3043", "2024", date(2026, month, 1)) for month in (9, 10, 11)]
GRAMS = 300
"""Given at a time. A donor's first class ends within one of the first four times, the second four times later: so one
donation in four draws two classes, in each of the first eight rounds through the donors."""
FIRST_G = (100, 400, 700, 1_000)
SECOND_G = 1_200
THIRD_G = 10**12


async def make_donors(pool: asyncpg.Pool, count: int) -> list[UUID]:
    """New members holding three classes each."""
    async with transaction(pool) as connection:
        donors = await add_members(connection, count)
        await issue_to(connection, donors)
        return donors


async def issue_to(connection: Connection, donors: Sequence[UUID]) -> None:
    """Issue three classes to each donor, in one statement through the journal's triggers."""
    ids = await ledger.class_ids(connection, CLASSES)
    await connection.execute(
        """
        INSERT INTO transfers (id, source, destination, class_id, grams, reason)
        SELECT id, $1, donor, class_id, grams, 'issue'
        FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::bigint[]) AS issued (id, donor, class_id, grams)
        """,
        ledger.ISSUANCE,
        *map(list, zip(*issuances(donors, [ids[each] for each in CLASSES]), strict=True)),
    )


def issuances(donors: Sequence[UUID], class_ids: Sequence[int]) -> Iterator[tuple[UUID, UUID, int, int]]:
    """Three for each donor: an id, who gets it, the class and the grams."""
    for number, donor in enumerate(donors):
        for class_id, grams in zip(class_ids, (FIRST_G[number % len(FIRST_G)], SECOND_G, THIRD_G), strict=True):
            yield new_id(), donor, class_id, grams


def gifts(donors: Sequence[UUID], event_id: UUID) -> Iterator[DonationRequest]:
    """What they give to an event, in turns, without end."""
    for donor in itertools.cycle(donors):
        yield DonationRequest(new_id(), donor, event_id, GRAMS)
