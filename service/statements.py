"""A member's statement: each transfer to or from their account, the newest first, with the balance after it.

The rows of one id (a donation that drew several classes) are one line. A page costs the same however long the history:
it looks at a bounded number of lines, by the indexes on source and destination. Filters choose among those, so that
a page may hold few lines, or none, and still lead to the next.
"""

from __future__ import annotations

import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.config import Config
from service.db import Connection
from service.errors import BadInput
from service.schedules import CHINA, DaysReversed
from service.statement_lines import Kind, Line, lines_of

EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
EXAMINED = 500
"""How many lines a page with a filter looks at."""
NOBODY = UUID(int=0)
NONCE = 12
PLACE = struct.Struct(">qq16s")


class CursorUnknown(BadInput):
    """这个翻页标记无效，请从第一页开始。"""

    code = "cursor_unknown"


class Wanted(NamedTuple):
    """Which lines: of one kind, from one day to another (both included, by China's calendar), about one event."""

    kind: Kind | None = None
    first: date | None = None
    last: date | None = None
    event_id: UUID | None = None


EVERYTHING = Wanted()


class Place(NamedTuple):
    """Where a page begins: lines older than this one. `balance_g` is what the member held before it."""

    made_at: datetime
    id: UUID
    balance_g: int | None = None


class Statement(msgspec.Struct, frozen=True):
    """A page of lines, and the cursor of the next; none where the statement ends."""

    lines: list[Line]
    next_cursor: str | None


async def read(
    connection: Connection,
    config: Config,
    member_id: UUID,
    wanted: Wanted = EVERYTHING,
    cursor: str | None = None,
    limit: int = 50,
) -> Statement:
    """One page. Raises CursorUnknown for a cursor of another member's or of nobody's, DaysReversed."""
    if wanted.first and wanted.last and wanted.last < wanted.first:
        raise DaysReversed
    place = read_cursor(config, member_id, cursor) if cursor else before_end_of(wanted.last)
    choosy = wanted.kind is not None or wanted.event_id is not None
    size = max(limit + 1, EXAMINED if choosy else 0)
    rows = await examine(connection, member_id, place, start_of(wanted.first), size)
    chosen, end = choose(rows, wanted, limit, size)
    return Statement(
        lines=await lines_of(connection, member_id, chosen),
        next_cursor=write_cursor(config, member_id, place_of(end)) if end else None,
    )


def choose(
    rows: Sequence[asyncpg.Record], wanted: Wanted, limit: int, size: int
) -> tuple[list[asyncpg.Record], asyncpg.Record | None]:
    """Rows that are wanted, at most `limit`, and the last one dealt with, where older ones may follow."""
    numbers = [number for number, row in enumerate(rows) if is_wanted(row, wanted)]
    if len(numbers) > limit:
        return [rows[number] for number in numbers[:limit]], rows[numbers[limit] - 1]
    return [rows[number] for number in numbers], rows[-1] if len(rows) == size else None


def is_wanted(row: asyncpg.Record, wanted: Wanted) -> bool:
    """Whether a line is of the kind and about the event that were asked for."""
    return wanted.kind in (None, row["kind"]) and wanted.event_id in (None, row["event_id"])


async def examine(
    connection: Connection, member_id: UUID, place: Place, since: datetime, size: int
) -> list[asyncpg.Record]:
    """The newest lines before a place. `subject_id` is what a line is about: an action's id, a donation's, …

    A line stands where its first row does: the member's of the lowest ordinal.
    """
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        WITH first AS (
            (
                SELECT id, made_at, reason, refers_to, destination AS other_side FROM transfers AS own
                WHERE source = $1 AND (made_at, id) < ($2::timestamptz, $3::uuid) AND made_at >= $4 AND ordinal = (
                    SELECT min(part.ordinal) FROM transfers AS part WHERE part.id = own.id AND part.source = $1
                )
                ORDER BY made_at DESC, id DESC LIMIT $6
            )
            UNION ALL
            (
                SELECT id, made_at, reason, refers_to, source FROM transfers AS own
                WHERE destination = $1 AND (made_at, id) < ($2, $3) AND made_at >= $4 AND ordinal = (
                    SELECT min(part.ordinal) FROM transfers AS part WHERE part.id = own.id AND part.destination = $1
                )
                ORDER BY made_at DESC, id DESC LIMIT $6
            )
            ORDER BY made_at DESC, id DESC LIMIT $6
        ),
        start AS (
            SELECT coalesce($5::bigint, (SELECT coalesce(sum(grams), 0) FROM balances WHERE account_id = $1)
                + coalesce((SELECT sum(grams) FROM transfers WHERE source = $1 AND made_at >= $2), 0)
                - coalesce((SELECT sum(grams) FROM transfers WHERE destination = $1 AND made_at >= $2), 0)
            ) AS balance_g
        )
        SELECT first.id, made_at, reason AS kind, refers_to, subject_id, line.grams::bigint AS grams,
            (start.balance_g - coalesce(sum(line.grams) OVER newer, 0))::bigint AS balance_g,
            CASE WHEN kind = 'event' THEN other_side
                ELSE coalesce(check_ins.event_id, reservations.event_id, retirements.event_id) END AS event_id
        FROM first CROSS JOIN start
        CROSS JOIN LATERAL (SELECT coalesce(refers_to, first.id) AS subject_id) AS about
        CROSS JOIN LATERAL (
            SELECT sum(CASE WHEN destination = $1 THEN grams ELSE -grams END) AS grams
            FROM transfers WHERE transfers.id = first.id AND $1 IN (source, destination)
        ) AS line
        JOIN accounts ON accounts.id = other_side
        LEFT JOIN check_ins ON check_ins.id = subject_id
        LEFT JOIN reservations ON reservations.id = subject_id
        LEFT JOIN retirements ON retirements.id = subject_id
        WINDOW newer AS (ORDER BY made_at DESC, first.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ORDER BY made_at DESC, first.id DESC
        """,
        member_id,
        place.made_at,
        place.id,
        since,
        place.balance_g,
        size,
    )
    return rows


def start_of(day: date | None) -> datetime:
    """The first moment of that day in China; of all time, where none is given."""
    return datetime.combine(max(day or EARLIEST, EARLIEST), time(), CHINA).astimezone(UTC)


def before_end_of(day: date | None) -> Place:
    """Before everything that was made later than that day."""
    return Place(start_of(min(day or LATEST, LATEST) + timedelta(days=1)), NOBODY)


def place_of(row: asyncpg.Record) -> Place:
    """Where the page after this line begins."""
    return Place(row["made_at"], row["id"], row["balance_g"] - row["grams"])


def write_cursor(config: Config, member_id: UUID, place: Place) -> str:
    """A place as a text for URLs that tells nothing and that only we can write, for this member."""
    micros = (place.made_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    nonce = os.urandom(NONCE)
    sealed = AESGCM(config.key("statement")).encrypt(
        nonce, PLACE.pack(micros, place.balance_g or 0, place.id.bytes), member_id.bytes
    )
    return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")


def read_cursor(config: Config, member_id: UUID, cursor: str) -> Place:
    """The place that a cursor names. Raises CursorUnknown."""
    try:
        sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        opened = AESGCM(config.key("statement")).decrypt(sealed[:NONCE], sealed[NONCE:], member_id.bytes)
    except (ValueError, InvalidTag):
        raise CursorUnknown from None
    micros, balance_g, id_bytes = PLACE.unpack(opened)
    return Place(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros), UUID(bytes=id_bytes), balance_g)
