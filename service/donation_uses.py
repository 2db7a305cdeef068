"""What became of donations. Nothing is stored of it: it follows from the order of an event's transfers.

An event's retirements of a class use up what it was given of that class first in, first out (by `made_at`, id and
ordinal); a gift that was given back, whole or in part, counts for the rest. So every gram retired is somebody's, and
none is two people's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from itertools import groupby
from uuid import UUID

import msgspec
from asyncpg import Record

from service.db import Connection


class UsedBy(msgspec.Struct, frozen=True):
    """Grams of a donation that one retirement used up; the retirement's id is its certificate's."""

    retirement_id: UUID
    retired_on: date
    grams: int


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a donation: `given_g` is the sum of what was retired, given back, and is reserved for the event.

    Given back is what was refunded when the event was cancelled, or reversed.
    """

    donation_id: UUID
    given_g: int
    retired_g: int
    given_back_g: int
    reserved_g: int
    retirements: tuple[UsedBy, ...]


async def uses_of_donations(connection: Connection, donation_ids: Collection[UUID]) -> dict[UUID, Use]:
    """What became of each donation, by the id of its transfers (of reason donate or post). Others are left out.

    Where an event has retired something, it sums what was given before; a hundred thousand gifts take some 30 to 80 ms.
    """
    rows = await connection.fetch(
        """
        WITH asked AS MATERIALIZED (
            SELECT destination AS event_id, class_id, min(made_at) AS first_at, max(made_at) AS last_at
            FROM transfers WHERE id = ANY ($1::uuid[]) AND reason IN ('donate', 'post') GROUP BY destination, class_id
        ),
        gone AS MATERIALIZED (
            SELECT event_id, class_id, reason, id, refers_to, ordinal, grams, made_at FROM asked CROSS JOIN LATERAL (
                SELECT reason, id, refers_to, ordinal, grams, made_at FROM transfers
                WHERE source = event_id AND transfers.class_id = asked.class_id OFFSET 0
            ) AS leaving
        ),
        taken AS MATERIALIZED (
            SELECT event_id, class_id, id, grams,
                sum(grams) OVER (PARTITION BY event_id, class_id ORDER BY made_at, id, ordinal) AS up_to
            FROM gone WHERE reason = 'retire'
        ),
        queue AS MATERIALIZED (
            SELECT event_id, class_id, first_at, last_at,
            CASE WHEN (event_id, class_id) IN (SELECT event_id, class_id FROM taken) THEN (
                SELECT coalesce(sum(gift.grams - coalesce(back.grams, 0)), 0) FROM transfers AS gift
                LEFT JOIN gone AS back ON (back.refers_to, back.ordinal) = (gift.id, gift.ordinal)
                WHERE gift.destination = asked.event_id AND gift.class_id = asked.class_id AND gift.made_at < first_at
            ) END AS before_g
            FROM asked
        ),
        gifts AS MATERIALIZED (
            SELECT gift.id, queue.event_id, queue.class_id, gift.grams, gift.grams - coalesce(back.grams, 0) AS kept_g,
                before_g + sum(gift.grams - coalesce(back.grams, 0)) OVER (
                    PARTITION BY queue.event_id, queue.class_id ORDER BY gift.made_at, gift.id, gift.ordinal
                ) AS up_to
            FROM queue CROSS JOIN LATERAL (
                SELECT id, ordinal, made_at, grams FROM transfers
                WHERE destination = event_id AND transfers.class_id = queue.class_id
                    AND made_at BETWEEN first_at AND last_at AND (before_g IS NOT NULL OR id = ANY ($1)) OFFSET 0
            ) AS gift LEFT JOIN gone AS back ON (back.refers_to, back.ordinal) = (gift.id, gift.ordinal)
        ),
        used AS (
            SELECT gifts.id, retirements.id AS retirement_id, retired_on, retired_at,
                sum(least(gifts.up_to, taken.up_to) - greatest(gifts.up_to - kept_g, taken.up_to - taken.grams))::bigint
                    AS used_g
            FROM gifts JOIN taken USING (event_id, class_id) JOIN retirements ON retirements.id = taken.id
            WHERE gifts.id = ANY ($1) AND kept_g > 0
                AND taken.up_to > gifts.up_to - kept_g AND taken.up_to - taken.grams < gifts.up_to
            GROUP BY gifts.id, retirements.id
        )
        SELECT id, given_g, kept_g, retirement_id, retired_on, used_g FROM (
            SELECT id, sum(grams)::bigint AS given_g, sum(kept_g)::bigint AS kept_g FROM gifts
            WHERE id = ANY ($1) GROUP BY id
        ) AS whole LEFT JOIN used USING (id)
        ORDER BY id, retired_at, retirement_id
        """,
        list(donation_ids),
    )
    return {id_: as_use(list(parts)) for id_, parts in groupby(rows, lambda row: row["id"])}


def as_use(rows: Sequence[Record]) -> Use:
    """A donation's rows, one a retirement, as what became of it."""
    given_g, kept_g = rows[0]["given_g"], rows[0]["kept_g"]
    used = [UsedBy(row["retirement_id"], row["retired_on"], row["used_g"]) for row in rows if row["retirement_id"]]
    retired_g = sum(each.grams for each in used)
    return Use(
        donation_id=rows[0]["id"],
        given_g=given_g,
        retired_g=retired_g,
        given_back_g=given_g - kept_g,
        reserved_g=kept_g - retired_g,
        retirements=tuple(used),
    )
