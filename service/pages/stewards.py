"""Stewards at the doors: the screen with its changing code, paper, and checking in who wears a badge."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from service import events, forms, organizations, posters
from service.access import Caller, Role
from service.api.given import Committers, Config, Limits, Nudges, Pool
from service.attendees import Attendee
from service.check_in_rows import CheckIn
from service.check_ins import PersonalCodeUnknown
from service.codes import Scanned
from service.errors import Refusal
from service.events import Event, Gate
from service.forms import Form
from service.idempotency import digest
from service.pages.rendering import Typed, id_in, page, see_other, typed_in
from service.pages.trips import FIELDS, choices, read_origin, read_trip
from service.personal_codes import attendee_of_personal_code, known
from service.receipts import Receipt, receipts_of

STEWARDS = (Role.ORGANIZER, Role.GATE)
ON_THE_BADGE = {"personal_code_unknown": "badge", "code_forged": "badge"}


async def stewarded(
    request: Request[Caller, Any, Any], pool: asyncpg.Pool, event_id: UUID, roles: tuple[Role, ...] = STEWARDS
) -> Event:
    """An event whose doors the caller keeps. Raises NotFound and NotAllowed."""
    async with pool.acquire() as connection:
        await organizations.require(connection, request.user, event_id, *roles)
        return await events.find(connection, event_id)


@get("/gate")
async def choose_event(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """The events whose doors one keeps."""
    async with pool.acquire() as connection:
        seen = await events.of_caller(connection, request.user)
        kept = [each for each in seen if await organizations.is_steward(connection, request.user, each.id)]
    return page(request, "gates", events=kept)


@get("/organize/events/{event_id:uuid}/screen/{gate_id:int}")
async def show_screen(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], gate_id: FromPath[int], pool: Pool, config: Config
) -> Response[Any]:
    """This minute's code, as large as the screen."""
    event = await stewarded(request, pool, event_id)
    gate = event.gate(gate_id)
    shown = posters.screen(config, gate, datetime.now(UTC))
    address = f"{config.base_url}/c".removeprefix("https://").removeprefix("http://")
    return page(request, "screen", event=event, gate=gate, screen=shown, address=address)


@get("/organize/events/{event_id:uuid}/gates/{gate_id:int}/poster/{form:str}")
async def show_poster(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    gate_id: FromPath[int],
    form: FromPath[Literal["png", "svg", "pdf"]],
    pool: Pool,
    config: Config,
) -> Response[bytes]:
    """The gate's poster."""
    event = await stewarded(request, pool, event_id, (Role.VIEWER, Role.GATE))
    content = await posters.poster(config, event, event.gate(gate_id), form)
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(content, media_type=posters.MEDIA_TYPES[form], headers=headers)


@get("/gate/{event_id:uuid}")
async def show_gate(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    pool: Pool,
    gate: FromQuery[int] = 0,
    done: FromQuery[UUID | None] = None,
) -> Response[Any]:
    """Which badge comes next; above it, who came last."""
    event = await stewarded(request, pool, event_id)
    async with pool.acquire() as connection:
        last = (await receipts_of(connection, [done])).get(done) if done else None
    return gate_page(
        request, event, gate_of(event, gate), Typed(), last=last if last and belongs(last, event) else None
    )


def belongs(receipt: Any, event: Event) -> bool:
    """Whether a receipt is of this event."""
    return bool(receipt.event_id == event.id)


def gate_of(event: Event, gate_id: int) -> Gate:
    """The gate chosen, the first where none is. Raises NotFound."""
    return event.gate(gate_id) if gate_id else event.gates[0]


def gate_page(
    request: Request[Caller, Any, Any],
    event: Event,
    gate: Gate,
    typed: Typed,
    *,
    form: Form | None = None,
    refusal: Refusal | None = None,
    last: Receipt | None = None,
) -> Response[Any]:
    """The badge's field, or the form for who wears it."""
    return page(
        request,
        "gate",
        typed=typed,
        refusal=refusal,
        fields=FIELDS if form else ON_THE_BADGE,
        event=event,
        gate=gate,
        form=form,
        last=last,
        places=choices(typed, event.country) if refusal else (),
    )


@post("/gate/{event_id:uuid}", status_code=200)
async def take_badge(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    pool: Pool,
    config: Config,
    committers: Committers,
    limits: Limits,
    nudges: Nudges,
) -> Response[Any]:
    """A badge first; then, how its wearer came."""
    typed = await typed_in(request)
    event = await stewarded(request, pool, event_id)
    gate = gate_of(event, int(typed["gate"]) if typed["gate"].isdecimal() and len(typed["gate"]) < 10 else 0)
    form: Form | None = None
    try:
        attendee = Attendee("personal", attendee_of_personal_code(config, event_id, typed["badge"]))
        limits.check_in(request.user.address, attendee.id)
        form = await form_for_badge(pool, config, event, gate, attendee)
        if form.already:
            return gate_page(request, event, gate, Typed(), last=form.already)
        if not typed["asked"]:
            return gate_page(request, event, gate, Typed(badge=typed["badge"], round_trip="1"), form=form)
        receipt = await committers.check_ins.submit(read_request(typed, event, gate, attendee, form))
    except Refusal as refusal:
        return gate_page(request, event, gate, typed, form=form, refusal=refusal)
    nudges.fold(event_id)
    return see_other(f"/gate/{event_id}?gate={gate.id}&done={receipt.check_in_id}")


async def form_for_badge(pool: asyncpg.Pool, config: Config, event: Event, gate: Gate, attendee: Attendee) -> Form:
    """What to ask who wears a badge. Raises PersonalCodeUnknown, EventNotOpenYet and EventClosed."""
    async with pool.acquire() as connection:
        if not await known(connection, event.id, attendee.id):
            raise PersonalCodeUnknown
        scanned = Scanned(gate.short_code, fresh=False)
        return await forms.form_of(connection, config, scanned, (event, gate), attendee, datetime.now(UTC))


def read_request(typed: Typed, event: Event, gate: Gate, attendee: Attendee, form: Form) -> CheckIn:
    """The check-in of a badge. Raises Unreadable."""
    trip = read_trip(typed, form.part)
    origin = read_origin(typed, trip)
    return CheckIn(
        id=id_in(typed),
        event_id=event.id,
        code=gate.short_code,
        scanned=Scanned(gate.short_code, fresh=False),
        attendee=attendee,
        trip=trip,
        origin=origin,
        request_digest=digest(event.id, trip, origin, attendee),
        at=datetime.now(UTC),
        by_steward=True,
    )


routes = [choose_event, show_screen, show_poster, show_gate, take_badge]
