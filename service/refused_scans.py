"""Scans that were refused, kept for the organizer: the first so many an event and hour, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import msgspec

from service.codes import LONGEST, gate_named_by
from service.db import Connection

CAP = 500
"""An event's places for refused scans in an hour. The table's check holds it too."""


class Refused(NamedTuple):
    """A scan that was not accepted. `refusal` is the refusal's code."""

    event_id: UUID
    scanned: str
    refusal: str
    at: datetime

    @property
    def hour(self) -> datetime:
        """The hour whose cap it falls under."""
        return self.at.replace(minute=0, second=0, microsecond=0)


class RefusedScan(msgspec.Struct, frozen=True):
    """A refused scan as kept. `gate` is the name of the gate that the code claimed."""

    refused_at: datetime
    gate: str | None
    scanned: str
    refusal: str


async def keep(connection: Connection, refused: Sequence[Refused]) -> None:
    """Keep those for which there is room. Scans of events that do not exist are not kept.

    One event's hour is done before the next begins, in the order that every writer keeps: nobody waits for a place
    below one that he holds.
    """

    def slot_of(each: Refused) -> tuple[UUID, datetime]:
        return each.event_id, each.hour

    for (event_id, hour), scans in groupby(sorted(refused, key=slot_of), key=slot_of):
        waiting = list(scans)
        while waiting:
            waiting = await keep_in_hour(connection, event_id, hour, waiting)


async def keep_in_hour(
    connection: Connection, event_id: UUID, hour: datetime, scans: Sequence[Refused]
) -> list[Refused]:
    """Put scans in the next places; returns those whose place another transaction took meanwhile."""
    taken = await connection.fetchval(
        """
        SELECT coalesce((SELECT max(slot) FROM refused_scans WHERE event_id = $1 AND hour = $2), 0)
        FROM events WHERE id = $1
        """,
        event_id,
        hour,
    )
    if taken is None:
        return []
    tried = dict(zip(range(taken + 1, CAP + 1), scans, strict=False))
    rows = await connection.fetch(
        """
        INSERT INTO refused_scans (event_id, hour, slot, gate_id, scanned, refusal, refused_at)
        SELECT $1, $2, slot, gates.id, scanned, refusal, refused_at
        FROM unnest($3::integer[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
            AS refused (slot, short_code, scanned, refusal, refused_at)
        LEFT JOIN gates ON gates.event_id = $1 AND gates.short_code = refused.short_code
        ORDER BY slot
        ON CONFLICT DO NOTHING RETURNING slot
        """,
        event_id,
        hour,
        list(tried),
        [gate_named_by(each.scanned) for each in tried.values()],
        [printable(each.scanned) for each in tried.values()],
        [each.refusal for each in tried.values()],
        [each.at for each in tried.values()],
    )
    kept = {row["slot"] for row in rows}
    return [each for slot, each in tried.items() if slot not in kept]


async def newest(connection: Connection, event_id: UUID, before: datetime | None = None) -> list[RefusedScan]:
    """An event's refused scans, the newest first, 500 at most; `before` asks for older ones."""
    rows = await connection.fetch(
        """
        SELECT refused_at, gates.name AS gate, scanned, refusal
        FROM refused_scans LEFT JOIN gates ON gates.id = gate_id
        WHERE refused_scans.event_id = $1 AND ($2::timestamptz IS NULL OR refused_at < $2)
        ORDER BY refused_at DESC, slot DESC
        LIMIT 500
        """,
        event_id,
        before,
    )
    return [RefusedScan(**row) for row in rows]


def printable(scanned: str) -> str:
    """What was scanned, without characters that cannot be stored or shown."""
    return "".join(each if each.isprintable() else "?" for each in scanned[:LONGEST])
