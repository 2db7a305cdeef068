"""Hot writes without the database: what the bench holds the real ones against. Served only with `config.bench`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.params import FromPath, JSONBody

from scenarios.actions.methodologies import methodology_for
from scenarios.actions.reductions import quantify_action
from scenarios.factors import factor_set
from scenarios.meeting.travel import Leg, Trip, quantify_trip
from service.access import Caller
from service.action_rows import Action
from service.api.actions import NewAction
from service.api.check_ins import CheckInAnswers, Device, uuid_of
from service.api.donations import NewDonation
from service.api.requests import Key
from service.db import encode_json
from service.donations import Donation
from service.receipts import Receipt


@cache
def example() -> Receipt:
    """A receipt with a real trip in it, as long as most."""
    trip = quantify_trip(
        Trip("journey", (Leg("metro", 12_000),), round_trip=True), factor_set("travel-cn"), "110000", date(2026, 11, 21)
    )
    return Receipt(
        check_in_id=UUID(int=0),
        event_id=UUID(int=0),
        event_name="碳惠开放日",
        time_zone="Asia/Shanghai",
        gate="A",
        day=date(2026, 11, 21),
        checked_in_at=datetime(2026, 11, 21, 9, 2, tzinfo=UTC),
        people=trip.people,
        part="journey",
        emissions_g=trip.emissions_g,
        travel_emissions_g=trip.travel_emissions_g,
        lodging_emissions_g=trip.lodging_emissions_g,
        trip=trip,
        earning="nothing",
        receipt_key="0" * 26,
    )


@post("/events/{event_id:uuid}/echo", include_in_schema=False)
async def echo(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[CheckInAnswers],
    key: Key,
    device: Device = None,
) -> Response[Receipt]:
    """Routed, its caller known, its body decoded and a receipt encoded as for a check-in; and nothing else."""
    return Response(msgspec.structs.replace(example(), check_in_id=uuid_of(key), event_id=event_id), status_code=201)


@post("/events/{event_id:uuid}/echo/donations", include_in_schema=False)
async def echo_donation(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewDonation], key: Key
) -> Donation:
    """Routed, its caller known, its body decoded and an answer encoded as for a donation; and nothing else."""
    return Donation(donation_id=uuid_of(key), event_id=event_id, grams=data.grams, donated_at=datetime.now(UTC))


@cache
def example_trace() -> msgspec.Raw:
    """The trace of a real act, as long as most."""
    methodology = methodology_for("110000", "metro", date(2026, 11, 21))
    return msgspec.Raw(encode_json(quantify_action(methodology, "metro", 12_000, "self_declared", "110000")))


@post("/events/{event_id:uuid}/echo/actions", include_in_schema=False)
async def echo_action(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewAction],
    key: Key,
    device: Device = None,
) -> Action:
    """Routed, its caller known, its body decoded and an answer encoded as for an act; and nothing else."""
    return Action(
        action_id=uuid_of(key),
        region=data.region,
        action=data.action,
        quantity=data.quantity,
        counted=data.quantity,
        occurred_on=data.occurred_on,
        started_at=data.started_at,
        ended_at=data.ended_at,
        source="member",
        evidence="self_declared",
        state="credited",
        reduction_g=432,
        due_at=None,
        held_because=None,
        overtaken_by=None,
        trace=example_trace(),
        logged_at=datetime.now(UTC),
    )


routes = [echo, echo_donation, echo_action]
