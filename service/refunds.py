"""What was given to a cancelled event goes back to its donors, but for what the event had retired.

In bounded sets, each whole in a transaction of its own: whatever is interrupted or done by two at once, each row of
a donation goes back once. Retirements took an event's donations of a class first in, first out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from service import ledger
from service.db import Connection, new_id


class Owed(NamedTuple):
    """What goes back of one row of a donation; `kept_g` stays of the whole donation, retired."""

    donation_id: UUID
    ordinal: int
    member_id: UUID
    class_id: int
    grams: int
    kept_g: int


async def waiting(connection: Connection) -> list[UUID]:
    """Cancelled events to which something may have been given that has not gone back, the oldest first."""
    rows = await connection.fetch(
        "SELECT event_id FROM event_cancellations WHERE refunded_at IS NULL ORDER BY cancelled_at, event_id"
    )
    return [row["event_id"] for row in rows]


async def reserved(connection: Connection, event_id: UUID, limit: int = 100) -> list[UUID]:
    """Reservations for the event that have not ended."""
    rows = await connection.fetch(
        "SELECT reservation_id FROM open_reservations WHERE event_id = $1 ORDER BY lapses_at LIMIT $2", event_id, limit
    )
    return [row["reservation_id"] for row in rows]


async def refund_some(connection: Connection, event_id: UUID, limit: int = 2_000) -> int:
    """Give back up to so many donations; return how many. None are left when nobody else is at it and it is 0.

    When nothing is left and nothing more can come, the cancellation is marked as refunded.
    """
    nothing_comes = await take(connection, event_id)
    if nothing_comes is None:
        return 0
    find = still_owed if await has_retired(connection, event_id) else whole_gifts
    owed = await find(connection, event_id, limit)
    if not owed:
        if nothing_comes and not await reserved(connection, event_id, 1):
            await finish(connection, event_id)
        return 0
    await ledger.lock_accounts(connection, {each.member_id for each in owed})
    return await give_back(connection, event_id, owed)


async def give_back(connection: Connection, event_id: UUID, owed: Sequence[Owed]) -> int:
    """Post what goes back, its members' accounts locked, and take it off the tally; how many donations it is of."""
    posted = list(refunds(event_id, owed))
    await ledger.post_many(connection, posted)
    gone = {each.donation_id for each in owed if each.kept_g == 0}
    await note(connection, event_id, len(gone), sum(each.grams for each in owed), {each.id for each in posted})
    return len({each.donation_id for each in owed})


async def take(connection: Connection, event_id: UUID) -> bool | None:
    """Hold the event's refunds until the transaction ends; None while another does, or when all is done.

    Else whether nothing more can come. Transactions that ran when the cancellation was committed may not know of it:
    once all are over that ran when it was first seen here, what was given stands in the journal.
    """
    held = await connection.fetchval(
        """
        SELECT true FROM event_cancellations WHERE event_id = $1 AND refunded_at IS NULL FOR UPDATE SKIP LOCKED
        """,
        event_id,
    )
    if not held:
        return None
    return bool(
        await connection.fetchval(
            """
            UPDATE event_cancellations
            SET known_from = coalesce(known_from, pg_snapshot_xmax(pg_current_snapshot()))
            WHERE event_id = $1
            RETURNING known_from <= pg_snapshot_xmin(pg_current_snapshot())
            """,
            event_id,
        )
    )


async def has_retired(connection: Connection, event_id: UUID) -> bool:
    """Whether the event has retired something of what it was given. Once it is cancelled it retires no more."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM retirements WHERE account_id = $1)", event_id))


async def whole_gifts(connection: Connection, event_id: UUID, limit: int) -> list[Owed]:
    """What goes back of the first donations that have not gone back, of an event that has retired nothing: all."""
    rows = await connection.fetch(
        """
        WITH first AS MATERIALIZED (
            SELECT DISTINCT id FROM (
                SELECT id FROM transfers AS row
                WHERE destination = $1 AND reason IN ('donate', 'post') AND NOT EXISTS (
                    SELECT FROM transfers AS back WHERE back.refers_to = row.id AND back.ordinal = row.ordinal
                )
                ORDER BY made_at LIMIT $2
            ) AS rows
        )
        SELECT row.id, row.ordinal, coalesce(reservations.member_id, row.source), row.class_id, row.grams, 0::bigint
        FROM first JOIN transfers AS row USING (id)
        LEFT JOIN reservations ON row.reason = 'post' AND reservations.id = row.refers_to
        WHERE row.reason IN ('donate', 'post') AND NOT EXISTS (
            SELECT FROM transfers AS back WHERE back.refers_to = row.id AND back.ordinal = row.ordinal
        )
        ORDER BY row.id, row.ordinal
        """,
        event_id,
        limit,
    )
    return [Owed(*row) for row in rows]


async def still_owed(
    connection: Connection, event_id: UUID, limit: int, *, everything: bool = True, surplus: bool = True
) -> list[Owed]:
    """What goes back of the first donations of which something does, those given first.

    What the event retired of a class and no refunded row kept is kept of the rows that have not gone back. Where not
    `everything` goes, what the event takes no more does, and as `surplus` what was given when that was announced.
    """
    rows = await connection.fetch(
        """
        WITH given AS (
            SELECT row.id, row.ordinal, row.class_id, row.grams, row.made_at, back.id IS NOT NULL AS gone,
                row.grams - back.grams AS gone_kept_g, coalesce(reservations.member_id, row.source) AS member_id,
                $3 OR NOT is_taken(regions, target.recognized, region, class_origins.recognized) OR $4 AND (
                    SELECT surplus = 'return' FROM plan_publications AS plan
                    WHERE plan.event_id = $1 AND published_at <= row.made_at ORDER BY number DESC LIMIT 1
                ) IS TRUE AS goes
            FROM transfers AS row JOIN class_origins USING (class_id)
            JOIN donation_targets AS target ON target.event_id = $1
            LEFT JOIN transfers AS back ON back.refers_to = row.id AND back.ordinal = row.ordinal
            LEFT JOIN reservations ON row.reason = 'post' AND reservations.id = row.refers_to
            WHERE row.destination = $1 AND row.reason IN ('donate', 'post')
        ),
        retired AS (
            SELECT class_id, sum(grams) AS grams FROM transfers WHERE source = $1 AND reason = 'retire'
            GROUP BY class_id
        ),
        to_keep AS (
            SELECT class_id, retired.grams - coalesce(sum(gone_kept_g), 0) AS grams
            FROM retired JOIN given USING (class_id) GROUP BY class_id, retired.grams
        ),
        split AS (
            SELECT given.*, coalesce(gone_kept_g, least(given.grams, greatest(0, coalesce(to_keep.grams, 0) - (
                sum(given.grams) OVER (PARTITION BY class_id, gone ORDER BY made_at, id, ordinal) - given.grams
            )))) AS kept_g
            FROM given LEFT JOIN to_keep USING (class_id)
        ),
        chosen AS (
            SELECT id FROM split WHERE goes AND NOT gone AND grams > kept_g
            GROUP BY id ORDER BY min(made_at), id LIMIT $2
        ),
        whole AS (
            SELECT id, sum(CASE WHEN goes OR gone THEN kept_g ELSE grams END) AS kept_g
            FROM split JOIN chosen USING (id) GROUP BY id
        )
        SELECT id, ordinal, member_id, class_id, (grams - split.kept_g)::bigint, whole.kept_g::bigint
        FROM split JOIN whole USING (id) WHERE goes AND NOT gone AND grams > split.kept_g
        ORDER BY id, ordinal
        """,
        event_id,
        limit,
        everything,
        surplus,
    )
    return [Owed(*row) for row in rows]


def refunds(event_id: UUID, owed: Iterable[Owed]) -> Iterable[ledger.Transfer]:
    """A transfer for each row, with an id of its own for each donation."""
    for donation_id, rows in groupby(owed, key=lambda each: each.donation_id):
        id_ = new_id()
        for row in rows:
            yield ledger.Transfer(
                id_, event_id, row.member_id, row.class_id, row.grams, "refund", row.ordinal, donation_id
            )


async def note(connection: Connection, event_id: UUID, donations: int, grams: int, transfers: Collection[UUID]) -> None:
    """Count it no more in the event's tally."""
    await connection.execute(
        """
        INSERT INTO tally_changes (event_id, sign, donations, donated_g, transfers, changed_at)
        VALUES ($1, -1, $2, $3, $4, clock_timestamp())
        """,
        event_id,
        donations,
        grams,
        list(transfers),
    )


async def finish(connection: Connection, event_id: UUID) -> None:
    """Mark that all has gone back."""
    await connection.execute(
        "UPDATE event_cancellations SET refunded_at = clock_timestamp() WHERE event_id = $1", event_id
    )
