"""The ledger: accounts, and transfers of grams between them. The database keeps balances, by trigger.

One credit is one gram CO2e. Transfers are append-only rows; credits are alike only within a class. Whoever posts
from members' accounts locks them first, in the order of their ids (`lock_accounts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from service import ledger_audit
from service.db import Connection

ISSUANCE, RETIRED, EXPIRED, HELD = (UUID(int=number) for number in (1, 2, 3, 4))
"""The system's own accounts."""
audit = ledger_audit.audit
"""What is wrong with the books: nothing, one hopes."""


class CreditClass(NamedTuple):
    """What makes credits alike. `vintage` is the first day of the month in which the reduction happened.

    `event_id` is the event that was travelled to, where that is what earned them.
    """

    region: str
    methodology: str
    version: str
    vintage: date
    event_id: UUID | None = None


class Transfer(NamedTuple):
    """Grams from one account to another: the caller's id, and an ordinal where one id needs several rows.

    `reason` says what for; which accounts it joins, and whether it `refers_to` another transfer, is the schema's to
    know. When it is made the database says, after the locks: in order, account by account.
    """

    id: UUID
    source: UUID
    destination: UUID
    class_id: int
    grams: int
    reason: str
    ordinal: int = 0
    refers_to: UUID | None = None


class Holding(NamedTuple):
    """Grams held of one class."""

    region: str
    methodology: str
    version: str
    vintage: date
    grams: int


async def open_account(connection: Connection, account_id: UUID, kind: str) -> None:
    """Open an account of kind 'member' or 'event' under the id of its owner; nothing happens when it is open."""
    await connection.execute("INSERT INTO accounts (id, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING", account_id, kind)


async def class_ids(connection: Connection, classes: Iterable[CreditClass]) -> dict[CreditClass, int]:
    """The ids of classes, made known where they were not."""
    wanted = sorted(set(classes), key=str)
    found = await find_classes(connection, wanted)
    if missing := [each for each in wanted if each not in found]:
        await connection.executemany(
            """
            INSERT INTO credit_classes (region, methodology, version, vintage, event_id) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
            """,
            missing,
        )
        found |= await find_classes(connection, missing)
    return found


async def find_classes(connection: Connection, classes: Sequence[CreditClass]) -> dict[CreditClass, int]:
    """The ids of those classes that are known."""
    if not classes:
        return {}
    rows = await connection.fetch(
        """
        SELECT known.id, known.region, known.methodology, known.version, known.vintage, known.event_id
        FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::uuid[])
            AS wanted (region, methodology, version, vintage, event_id)
        JOIN credit_classes AS known
            ON (known.region, known.methodology, known.version, known.vintage)
                = (wanted.region, wanted.methodology, wanted.version, wanted.vintage)
            AND known.event_id IS NOT DISTINCT FROM wanted.event_id
        """,
        *map(list, zip(*classes, strict=True)),
    )
    return {CreditClass(*tuple(row)[1:]): row["id"] for row in rows}


async def lock_accounts(connection: Connection, account_ids: Iterable[UUID]) -> None:
    """Hold members' accounts until the transaction ends, in the order that every writer keeps."""
    if wanted := list(account_ids):
        await connection.execute(
            "SELECT id FROM accounts WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", wanted
        )


async def post_many(connection: Connection, transfers: Sequence[Transfer]) -> None:
    """Post transfers together or not at all. Members' accounts must be locked by the caller.

    Raises asyncpg's UniqueViolationError (the id was used, or what is referred to has ended already),
    ForeignKeyViolationError (accounts or class unknown, or of other kinds than the reason asks) and
    CheckViolationError; its `constraint_name` is no_overdraft, open_accounts, same_event_reduction,
    fits_what_it_ends, fits_the_reservation, named_retirement or a column's.
    """
    if not transfers:
        return
    await connection.execute(
        """
        INSERT INTO transfers
            (id, source, destination, class_id, grams, reason, ordinal, refers_to)
        SELECT id, source, destination, class_id, grams, reason, ordinal, refers_to
        FROM unnest(
            $1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::bigint[], $6::text[], $7::smallint[], $8::uuid[]
        ) AS posted (id, source, destination, class_id, grams, reason, ordinal, refers_to)
        ORDER BY id, ordinal
        """,
        *map(list, zip(*transfers, strict=True)),
    )


async def reverse(connection: Connection, transfer_id: UUID, reversal_id: UUID) -> None:
    """Undo a transfer by its opposite, once. Members' accounts must be locked by the caller.

    Raises asyncpg's CheckViolationError (no_overdraft) when the grams are gone, UniqueViolationError when it is undone.
    """
    rows = await connection.fetch(
        "SELECT source, destination, class_id, grams, ordinal FROM transfers WHERE id = $1", transfer_id
    )
    await post_many(
        connection,
        [
            Transfer(
                id=reversal_id,
                source=row["destination"],
                destination=row["source"],
                class_id=row["class_id"],
                grams=row["grams"],
                reason="reverse",
                ordinal=row["ordinal"],
                refers_to=transfer_id,
            )
            for row in rows
        ],
    )


async def holdings(connection: Connection, account_id: UUID) -> list[Holding]:
    """What a member holds, the oldest class first."""
    rows = await connection.fetch(
        """
        SELECT region, methodology, version, vintage, grams
        FROM balances JOIN credit_classes ON credit_classes.id = class_id
        WHERE account_id = $1 AND grams > 0
        ORDER BY vintage, class_id
        """,
        account_id,
    )
    return [Holding(**row) for row in rows]


async def balance_g(connection: Connection, account_id: UUID) -> int:
    """Grams that a member holds, of all classes."""
    return int(
        await connection.fetchval(
            "SELECT coalesce(sum(grams), 0)::bigint FROM balances WHERE account_id = $1", account_id
        )
    )
