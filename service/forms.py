"""The check-in form as served: which door, what to ask this attendee today, and the id that the answer will carry."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from scenarios.factors import FactorSet, factor_set
from scenarios.labels import CABIN_LABELS
from scenarios.meeting.modes import asks_nights, cabins_of, modes_of, shared_modes
from scenarios.meeting.travel import Leg, Trip
from service import codes
from service.attendees import Attendee
from service.codes import Scanned
from service.config import Config
from service.db import Connection, new_id
from service.events import Event, Gate, check_open, day_of, find, find_many_by_short_code
from service.receipts import Receipt, receipts_of


class Offered(msgspec.Struct, frozen=True):
    """A mode of travel, or a class of flights, to choose. `label` is the Chinese text, the msgid of its translation."""

    key: str
    label: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask at this door. Send the answers with `check_in_id` as Idempotency-Key and `ticket` as the code.

    `shared_modes` are those of `modes` whose emissions depend on how many ride along; `cabins` are to be asked of a
    flight, the first one being what most fly.

    `part` is 'journey' until the attendee has told how they came from home, then 'local'. `already` is today's
    receipt, where there is one: then there is nothing to ask. Nights and meals are asked once, with the journey.
    """

    event_id: UUID
    event_name: str
    country: str
    gate: str
    venue: str
    day: str
    check_in_id: UUID
    ticket: str
    fresh: bool
    part: Literal["journey", "local"]
    modes: tuple[Offered, ...]
    shared_modes: frozenset[str]
    cabins: tuple[Offered, ...]
    asks_nights: bool
    asks_meals: bool
    already: Receipt | None = None


async def door_of(connection: Connection, scanned: Scanned) -> tuple[Event, Gate]:
    """The event and gate of a scanned code. Raises CodeForged when no gate has it."""
    found = (await find_many_by_short_code(connection, {scanned.short_code})).get(scanned.short_code)
    if found is None:
        raise codes.CodeForged
    return found


async def form_of(
    connection: Connection,
    config: Config,
    scanned: Scanned,
    door: tuple[Event, Gate],
    attendee: Attendee | None,
    now: datetime,
) -> Form:
    """The form for who stands at the door. Raises EventNotOpenYet or EventClosed."""
    event, gate = door
    check_open(event, now)
    day = day_of(event, now)
    factors = factor_set(event.factor_set)
    check_in_id = scanned.check_in_id or new_id()
    told, first = await told_before(connection, event.id, attendee, day) if attendee else (False, None)
    already = (await receipts_of(connection, [first]))[first] if first else None
    return Form(
        event_id=event.id,
        event_name=event.name,
        country=event.country,
        gate=gate.name,
        venue=event.venue,
        day=day.isoformat(),
        check_in_id=check_in_id,
        ticket=codes.ticket(config, gate.short_code, check_in_id, scanned.fresh, now),
        fresh=scanned.fresh,
        part="local" if told else "journey",
        **travel_offered(factors, event.jurisdiction, day),
        asks_nights=not told and asks_nights(factors, event.jurisdiction, day),
        asks_meals=not told and event.meal is not None,
        already=msgspec.structs.replace(already, duplicate=True, receipt_key=codes.receipt_key(config, first))
        if already and first
        else None,
    )


def travel_offered(factors: FactorSet, place: str, day: date) -> dict[str, Any]:
    """What a form offers of modes and of their details."""
    return {
        "modes": tuple(Offered(mode.key, mode.label) for mode in modes_of(factors, place, day)),
        "shared_modes": shared_modes(factors, place, day),
        "cabins": tuple(Offered(cabin, CABIN_LABELS[cabin]) for cabin in cabins_of(factors, place, day)),
    }


async def form_to_correct(connection: Connection, receipt: Receipt) -> Form:
    """The form to say a receipt's trip again. It needs no ticket: the receipt's key opens it."""
    event = await find(connection, receipt.event_id)
    factors = factor_set(event.factor_set)
    return Form(
        event_id=event.id,
        event_name=event.name,
        country=event.country,
        gate=receipt.gate,
        venue=event.venue,
        day=receipt.day.isoformat(),
        check_in_id=receipt.check_in_id,
        ticket="",
        fresh=False,
        part=receipt.part,
        **travel_offered(factors, event.jurisdiction, receipt.day),
        asks_nights=receipt.part == "journey" and asks_nights(factors, event.jurisdiction, receipt.day),
        asks_meals=receipt.part == "journey" and event.meal is not None,
    )


def trip_said(receipt: Receipt) -> Trip:
    """A receipt's trip as it was said. A length that was reckoned from a place is left out: the place is not kept."""
    quantified = receipt.trip
    return Trip(
        part=receipt.part,
        legs=tuple(
            Leg(
                mode=leg.mode,
                distance_m=leg.distance_m if leg.distance_source == "typed" else None,
                occupants=None if leg.occupants == quantified.people else leg.occupants,
                cabin=leg.cabin,
            )
            for leg in quantified.legs
        ),
        round_trip=quantified.round_trip,
        nights=quantified.nights,
        companions=quantified.people - 1,
        meals=quantified.meals,
    )


async def told_before(
    connection: Connection, event_id: UUID, attendee: Attendee, day: object
) -> tuple[bool, UUID | None]:
    """Whether the journey from home is known, and today's check-in if there is one."""
    row = await connection.fetchrow(
        """
        SELECT coalesce(bool_or(part = 'journey'), false) AS told, (array_agg(id) FILTER (WHERE day = $3))[1] AS first
        FROM check_ins WHERE event_id = $1 AND attendee = $2 AND ended_at IS NULL
        """,
        event_id,
        attendee.id,
        day,
    )
    return row["told"], row["first"]
