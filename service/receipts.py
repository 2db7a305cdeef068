"""What a check-in comes to: for the one who checked in, and for anyone who holds the receipt's key."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from scenarios.meeting.travel import Quantified
from service import codes
from service.access import Caller
from service.config import Config
from service.db import Connection
from service.errors import NotFound

read_trip = msgspec.json.Decoder(Quantified).decode
"""A stored trip as the struct that it was."""


Earning = Literal["credited", "claimable", "nothing"]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A check-in as recorded. Amounts are grams CO2e; emissions are of all `people`, what is earned of one person.

    `trip` is the quantified trip with the values used. `duplicate` says that this scan was not the first that day.
    `earning` is 'credited' (issued to an account), 'claimable' (with the receipt's key) or 'nothing'.
    """

    check_in_id: UUID
    event_id: UUID
    event_name: str
    time_zone: str
    gate: str
    day: date
    checked_in_at: datetime
    people: int
    part: Literal["journey", "local"]
    emissions_g: int
    travel_emissions_g: int
    lodging_emissions_g: int
    trip: Quantified
    earning: Earning
    earned_g: int = 0
    duplicate: bool = False
    ended_because: Literal["undone", "corrected"] | None = None
    receipt_key: str | None = None


async def receipts_of(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Receipt]:
    """Receipts by check-in, without their keys."""
    if not (wanted := list(ids)):
        return {}
    rows = await connection.fetch(
        """
        SELECT check_ins.id AS check_in_id, check_ins.event_id, events.name AS event_name, events.time_zone,
               gates.name AS gate, day, checked_in_at, people, part, travel_emissions_g, lodging_emissions_g, trip,
               reduction_g, credited_to, ended_because
        FROM check_ins JOIN events ON events.id = check_ins.event_id JOIN gates ON gates.id = gate_id
        WHERE check_ins.id = ANY ($1::uuid[])
        """,
        wanted,
    )
    return {row["check_in_id"]: receipt_from(row) for row in rows}


def receipt_from(row: asyncpg.Record) -> Receipt:
    """The receipt of a stored check-in with its event's and gate's names."""
    facts = dict(row)
    reduction_g, credited_to = facts.pop("reduction_g"), facts.pop("credited_to")
    return Receipt(
        **{**facts, "trip": read_trip(facts["trip"])},
        emissions_g=facts["travel_emissions_g"] + facts["lodging_emissions_g"],
        earned_g=reduction_g or 0,
        earning=earning_state(reduction_g, credited_to),
    )


def earning_state(reduction_g: int | None, credited_to: UUID | None) -> Earning:
    """Where what a check-in earned is."""
    return "nothing" if not reduction_g else "credited" if credited_to else "claimable"


async def receipt(
    connection: Connection, config: Config, check_in_id: UUID, caller: Caller, receipt_key: str | None
) -> Receipt:
    """The receipt, for who holds its key or owns the account that checked in. Raises NotFound for anyone else."""
    owner = await connection.fetchrow(
        "SELECT attendee, attendee_kind, credited_to FROM check_ins WHERE id = $1", check_in_id
    )
    if owner is None or not may_see(config, check_in_id, owner, caller, receipt_key):
        raise NotFound
    found = (await receipts_of(connection, [check_in_id]))[check_in_id]
    return msgspec.structs.replace(found, receipt_key=codes.receipt_key(config, check_in_id))


def may_see(config: Config, check_in_id: UUID, owner: asyncpg.Record, caller: Caller, receipt_key: str | None) -> bool:
    """Whether a check-in is this caller's own, or the key is its."""
    if receipt_key is not None and codes.check_receipt_key(config, check_in_id, receipt_key):
        return True
    own = {owner["attendee"] if owner["attendee_kind"] == "member" else None, owner["credited_to"]} - {None}
    return caller.member_id in own
