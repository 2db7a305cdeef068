"""Serials: from any gram to the act that earned it, and what became of it; and from an act to its serials.

Within a class, an issuance has the serials that follow those of the issuance before it in the log. What leaves
circulation takes the next serials of its class, whoever gives them: grams of a class are alike.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from service.balances import EventNamed
from service.db import Connection
from service.errors import NotFound
from service.transfer_log import NotSealedYet

Outcome = Literal["retired", "expired", "reversed"]


class SerialClass(msgspec.Struct, frozen=True, kw_only=True):
    """What makes grams alike. `vintage` is the first day of the month in which the reduction happened.

    `event` is the one that was travelled to, where that is what earned them.
    """

    class_id: int
    region: str
    methodology: str
    version: str
    vintage: date
    event: EventNamed | None


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A block of serials, `first_serial` up to before `next_serial`, that left circulation: at rest for ever.

    A retirement's certificate is public: /v1/retirements/{retirement_id}.
    """

    outcome: Outcome
    first_serial: int
    next_serial: int
    retirement_id: UUID | None
    retired_on: date | None


class PublicSerial(msgspec.Struct, frozen=True, kw_only=True):
    """A gram's origin and end, as anyone may see them: nothing of whose it was or is, nor when to the second.

    The act earned `grams`, of serials `first_serial` up to before `next_serial`; `position` is its place in the log,
    `leaf` (base64) the digest there. `left` is null while the gram is in circulation.
    """

    serial: int
    act: Literal["action", "check_in", "other"]
    action: str | None
    earned: SerialClass
    grams: int
    first_serial: int
    next_serial: int
    position: int
    leaf: bytes
    left: Left | None


class ActSerials(msgspec.Struct, frozen=True, kw_only=True):
    """The serials of what an act earned, `first_serial` up to before `next_serial`, and which of them have left.

    `left` names at most the first hundred blocks, `left_g` counts the grams of all.
    """

    earned: SerialClass
    grams: int
    position: int
    first_serial: int
    next_serial: int
    left_g: int
    left: list[Left]


async def find(connection: Connection, class_id: int, serial: int) -> PublicSerial:
    """What anyone may know of a gram. Raises NotFound for one that was not issued.

    An issuance has its serials when it is sealed. Raises NotSealedYet for a gram that was retired even before that.
    """
    row = await connection.fetchrow(
        """
        SELECT act.position, act.leaf, act.first_serial, act.next_serial, act.class_id,
               credit_classes.region, methodology, version, vintage, events.id AS event_id, events.name AS event_name,
               actions.action, check_ins.id IS NOT NULL AS checked_in,
               left_block.outcome, left_block.first_serial AS left_first, left_block.next_serial AS left_next,
               left_block.retirement_id, left_block.retired_on
        FROM (
            SELECT transfer_id, position, leaf, class_id, first_serial, next_serial FROM sealed_transfers
            WHERE class_id = $1 AND first_serial <= $2 ORDER BY first_serial DESC LIMIT 1
        ) AS act
        JOIN credit_classes ON credit_classes.id = act.class_id
        LEFT JOIN events ON events.id = credit_classes.event_id
        LEFT JOIN actions ON actions.id = act.transfer_id
        LEFT JOIN check_ins ON check_ins.id = act.transfer_id
        LEFT JOIN left_blocks AS left_block ON left_block.class_id = act.class_id AND left_block.serials @> $2
        WHERE act.next_serial > $2
        """,
        class_id,
        serial,
    )
    if row is None:
        raise NotSealedYet if await has_left(connection, class_id, serial) else NotFound
    return PublicSerial(
        serial=serial,
        act="action" if row["action"] is not None else "check_in" if row["checked_in"] else "other",
        action=row["action"],
        earned=class_of(row),
        grams=row["next_serial"] - row["first_serial"],
        first_serial=row["first_serial"],
        next_serial=row["next_serial"],
        position=row["position"],
        leaf=row["leaf"],
        left=left_of(row) if row["outcome"] is not None else None,
    )


async def has_left(connection: Connection, class_id: int, serial: int) -> bool:
    """Whether a gram left circulation."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM serial_blocks WHERE class_id = $1 AND serials @> $2::bigint)", class_id, serial
        )
    )


async def of_act(connection: Connection, member_id: UUID, transfer_id: UUID) -> ActSerials:
    """The serials of what a member's own act earned. Raises NotFound, and NotSealedYet for one just posted."""
    row = await connection.fetchrow(
        """
        SELECT sealed.position, sealed.first_serial, sealed.next_serial, transfers.class_id, grams,
               credit_classes.region, methodology, version, vintage, events.id AS event_id, events.name AS event_name
        FROM transfers
        JOIN credit_classes ON credit_classes.id = transfers.class_id
        LEFT JOIN events ON events.id = credit_classes.event_id
        LEFT JOIN sealed_transfers AS sealed ON sealed.transfer_id = transfers.id AND sealed.ordinal = transfers.ordinal
        WHERE transfers.id = $1 AND reason = 'issue' AND destination = $2
        """,
        transfer_id,
        member_id,
    )
    if row is None:
        raise NotFound
    if row["position"] is None:
        raise NotSealedYet
    interval = (row["class_id"], row["first_serial"], row["next_serial"])
    blocks = await connection.fetch(
        """
        SELECT outcome, first_serial AS left_first, next_serial AS left_next, retirement_id, retired_on
        FROM left_blocks WHERE class_id = $1 AND serials && int8range($2, $3) ORDER BY first_serial LIMIT 100
        """,
        *interval,
    )
    return ActSerials(
        earned=class_of(row),
        grams=row["grams"],
        position=row["position"],
        first_serial=row["first_serial"],
        next_serial=row["next_serial"],
        left_g=await left_g(connection, *interval),
        left=[left_of(block) for block in blocks],
    )


async def left_g(connection: Connection, class_id: int, first_serial: int, next_serial: int) -> int:
    """How many of an interval's serials have left: blocks follow one another from 1, so the last one says."""
    taken = await connection.fetchval(
        "SELECT next_serial FROM serial_blocks WHERE class_id = $1 ORDER BY next_serial DESC LIMIT 1", class_id
    )
    return max(0, min(next_serial, taken or 1) - first_serial)


def class_of(row: asyncpg.Record) -> SerialClass:
    """The class that a row names."""
    return SerialClass(
        class_id=row["class_id"],
        region=row["region"],
        methodology=row["methodology"],
        version=row["version"],
        vintage=row["vintage"],
        event=EventNamed(row["event_id"], row["event_name"]) if row["event_id"] else None,
    )


def left_of(row: asyncpg.Record) -> Left:
    """The block that a row names."""
    return Left(
        outcome=row["outcome"],
        first_serial=row["left_first"],
        next_serial=row["left_next"],
        retirement_id=row["retirement_id"],
        retired_on=row["retired_on"],
    )
