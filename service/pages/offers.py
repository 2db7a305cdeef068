"""Offering units of one's organization to an event, and what became of what it offered."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath

from scenarios.meeting.offset_classes import CLASS_LABELS
from service import event_files, events, governing_rules, offset_state, offset_units, organizations, units
from service.access import Caller
from service.api.event_files import BODY_BYTES
from service.api.given import Pool
from service.db import Connection, new_id
from service.errors import NotFound, Refusal
from service.event_files import Kept
from service.offset_units import NewOffer
from service.pages.offsets import FIELDS, unit_values, units_form
from service.pages.organize import decoded, done_or_again
from service.pages.rendering import Typed, page, typed_in
from service.units import STATE_WORDS


@get("/events/{event_id:uuid}/offer")
async def ask_offer(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Which units, and in whose name."""
    return await offering_page(request, event_id, pool, Typed())


async def offering_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The form to offer units."""
    async with pool.acquire() as connection:
        event = await events.find(connection, event_id)
        state = await offset_state.of_event(connection, event_id, datetime.now(UTC))
        rule = (await governing_rules.of_event(connection, event, datetime.now(UTC))).rule
        mine = await organizations.of_member(connection, request.user.member)
    own = [each for each in mine if each.role in {"owner", "editor"}]
    return units_form(request, event, rule, typed, refusal, donors=own, state=state)


@post("/events/{event_id:uuid}/offer", status_code=200, request_max_body_size=BODY_BYTES)
async def offer(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Offer units, with a proof if one is sent."""
    typed = await typed_in(request)

    async def give(connection: Connection) -> str:
        values = unit_values(typed) | {"organization_id": typed["organization_id"]}
        new, proof = decoded(values, NewOffer), await proof_in(request)
        await offset_units.offer(connection, request.user, event_id, new, datetime.now(UTC), proof)
        return f"/organize/organizations/{new.organization_id}/offers"

    return await done_or_again(request, pool, typed, give, partial(offering_page, request, event_id, pool))


async def proof_in(request: Request[Caller, Any, Any]) -> tuple[str, Kept] | None:
    """The name and bytes of the proof; None when none was sent. Raises what files raise."""
    sent = (await request.form()).get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return None
    return sent.filename, await event_files.accepted(await sent.read())


@get("/organize/organizations/{organization_id:uuid}/offers")
async def show_offers(request: Request[Caller, Any, Any], organization_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """What an organization offered, the newest first."""
    return await offers_page(request, organization_id, pool, Typed())


async def offers_page(
    request: Request[Caller, Any, Any],
    organization_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what is wrong."""
    async with pool.acquire() as connection:
        blocks = await units.of_donor(connection, request.user, organization_id)
        mine = await organizations.of_member(connection, request.user.member)
    own = next((each for each in mine if each.id == organization_id), None)
    if own is None:
        raise NotFound
    return page(
        request,
        "offers",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        organization=own,
        blocks=blocks,
        names=CLASS_LABELS,
        states=STATE_WORDS,
        id=str(new_id()),
    )


@post("/organize/organizations/{organization_id:uuid}/offers/{units_id:uuid}/withdrawal", status_code=200)
async def withdraw(
    request: Request[Caller, Any, Any], organization_id: FromPath[UUID], units_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """Take an offer back."""
    typed = await typed_in(request)

    async def take_back(connection: Connection) -> str:
        found = await units.of_donor(connection, request.user, organization_id, limit=10_000)
        event_id = next((each.event_id for each in found if each.id == units_id), None)
        if event_id is None:
            raise NotFound
        await offset_units.withdraw(connection, request.user, event_id, units_id, None, datetime.now(UTC))
        return f"/organize/organizations/{organization_id}/offers"

    return await done_or_again(request, pool, typed, take_back, partial(offers_page, request, organization_id, pool))


routes = [ask_offer, offer, show_offers, withdraw]
