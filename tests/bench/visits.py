"""Check-ins by the hundred thousand for an accounting to read: quantified as at the door, written in one go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from scenarios.factors import factor_set
from scenarios.meeting.travel import Leg, Point, Trip, quantify_trip
from service.check_in_rows import Row
from service.db import Connection, encode_json, new_id
from service.events import Event, day_of

STEP_M = 10
WAYS = 5_000
"""So many distances are typed, `STEP_M` apart: with modes, gates and parties most check-ins are alone in their cell."""
SHANGHAI = Point(31.2, 121.5)


def trip_of(number: int) -> Trip:
    """How one more attendee came: every mode in turn, at a distance of their own."""
    near_m = 1_000 + number * 7 % WAYS * STEP_M
    return (
        Trip("journey", (Leg("metro", near_m),), round_trip=True),
        Trip("journey", (Leg("high_speed_rail"), Leg("metro", near_m)), round_trip=True, nights=number % 3),
        Trip("journey", (Leg("bus", near_m),), round_trip=True),
        Trip("journey", (Leg("plane", 300_000 + near_m * 20),), round_trip=True, nights=2, companions=1),
        Trip("journey", (Leg("bicycle", near_m),), round_trip=True),
        Trip("journey", (Leg("car", near_m, occupants=3),), round_trip=True, companions=number % 3),
        Trip("journey", (Leg("train", 100_000 + near_m * 10),), round_trip=True, nights=1),
        Trip("journey", (Leg("metro", near_m), Leg("walk", 800)), round_trip=True),
    )[number % 8]


async def add_visits(connection: Connection, event: Event, count: int) -> None:
    """Store the check-ins of as many devices."""
    await connection.copy_records_to_table("check_ins", records=rows(event, count), columns=[*Row._fields], timeout=600)
    await connection.execute("ANALYZE check_ins")


def rows(event: Event, count: int) -> Iterator[Any]:
    """Their rows, in the order of the columns."""
    now = datetime.now(UTC)
    day, factors, venue = day_of(event, now), factor_set(event.factor_set), Point(event.latitude, event.longitude)
    for number in range(count):
        found = quantify_trip(trip_of(number), factors, event.jurisdiction, day, SHANGHAI, venue)
        gate = event.gates[number // 8 % len(event.gates)]
        yield Row(
            id=new_id(),
            event_id=event.id,
            gate_id=gate.id,
            day=day,
            attendee=attendee_of(number),
            attendee_kind="device",
            fresh=True,
            part=found.part,
            people=found.people,
            travel_emissions_g=found.travel_emissions_g,
            lodging_emissions_g=found.lodging_emissions_g,
            trip=encode_json(found),
            credit_class=None,
            reduction_g=None,
            credited_to=None,
            request_digest=bytes(32),
            checked_in_at=now,
            replaces=None,
        )


def attendee_of(number: int) -> UUID:
    """A device that has not come yet."""
    return UUID(int=number + 1)
