"""Retiring credits, and the certificate of it: for its owner in full, for everyone with a person's name masked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.quantities import count_from_text
from scenarios.refusals import CarbonRefusal
from service import certificate_pdf, ledger, posters, retirable, retirements
from service.access import Caller
from service.api.given import Config, Pool
from service.api.problems import language_of
from service.carbon import carbon_refusal
from service.certificates import Certificate
from service.config import Config as Configured
from service.db import Connection, new_id
from service.errors import NotFound, Refusal
from service.events import Event
from service.pages.organize import decoded, done_once, own_event
from service.pages.rendering import Typed, id_in, page, see_other, typed_in
from service.retirements import NewEventRetirement, NewRetirement

FIELDS = {"number_unreadable": "grams", "overdraft": "grams"}


@get("/retirements/{retirement_id:uuid}")
async def show_retirement(
    request: Request[Caller, Any, Any], retirement_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """The certificate, for good at this address; its QR code leads back to it."""
    async with pool.acquire() as connection:
        certificate = await retirements.find(connection, retirement_id, request.user.member_id)
    address = address_of(config, certificate)
    return page(request, "certificate", certificate=certificate, address=address, qr=posters.as_svg(address))


def address_of(config: Configured, certificate: Certificate) -> str:
    """Where the certificate is to be read, for good."""
    return f"{config.base_url}/retirements/{certificate.retirement_id}"


@get("/retirements/{retirement_id:uuid}/pdf")
async def print_retirement(
    request: Request[Caller, Any, Any], retirement_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[bytes]:
    """The certificate as an A4 page, in the reader's language. Drawing it takes a while: for those who signed in."""
    async with pool.acquire() as connection:
        certificate = await retirements.find(connection, retirement_id, request.user.member_id)
    return Response(
        await certificate_pdf.pdf(certificate, address_of(config, certificate), language_of(request)),
        media_type="application/pdf",
        headers={"content-disposition": f'inline; filename="{retirement_id}.pdf"', "cache-control": "no-store"},
    )


@get("/me/retire")
async def ask_own(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """How much to retire, for whom and for what."""
    return await own_page(request, pool, Typed(beneficiary_kind="person"))


async def own_page(
    request: Request[Caller, Any, Any], pool: asyncpg.Pool, typed: Typed, refusal: Refusal | None = None
) -> Response[Any]:
    """The form, with what one has."""
    async with pool.acquire() as connection:
        held_g = await ledger.balance_g(connection, request.user.member)
    return form(request, typed, refusal, None, held_g)


def form(
    request: Request[Caller, Any, Any], typed: Typed, refusal: Refusal | None, event: Event | None, held_g: int
) -> Response[Any]:
    """The form, for an event's credits or one's own."""
    return page(
        request,
        "retire",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        held_g=held_g,
        id=str(new_id()),
    )


@post("/me/retire", status_code=200)
async def retire_own(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """Retire. Sent twice, it is done once."""
    typed = await typed_in(request)

    async def retire(connection: Connection) -> str:
        new = decoded(said(typed), NewRetirement)
        made = await retirements.retire_own(connection, id_in(typed), request.user.member, new)
        return f"/retirements/{made.retirement_id}"

    try:
        return see_other(await done_once(request, pool, typed, retire))
    except NotFound:
        raise
    except CarbonRefusal as refusal:
        return await own_page(request, pool, typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return await own_page(request, pool, typed, refusal)


def said(typed: Typed) -> dict[str, Any]:
    """What the form's fields say. Raises CarbonRefusal for a number that is none."""
    words = {field: typed[field] for field in ("beneficiary", "beneficiary_kind", "purpose")}
    return words | {"grams": count_from_text(typed["grams"])}


@get("/organize/events/{event_id:uuid}/retire")
async def ask_for_event(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """How much of what was donated to retire, for whom and for what."""
    async with pool.acquire() as connection:
        event = await own_event(connection, request.user, event_id)
    typed = Typed(beneficiary_kind="organization", purpose=event.name)
    return await event_page(request, event_id, pool, typed)


async def event_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The form, with what the event was given and has not used."""
    async with pool.acquire() as connection:
        event = await own_event(connection, request.user, event_id)
        held = await retirable.held_by_event(connection, event_id)
    return form(request, typed, refusal, event, retirable.total_g(held))


@post("/organize/events/{event_id:uuid}/retire", status_code=200)
async def retire_for_event(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Retire what was donated. Sent twice, it is done once."""
    typed = await typed_in(request)

    async def retire(connection: Connection) -> str:
        await own_event(connection, request.user, event_id)
        new = decoded(said(typed), NewEventRetirement)
        made = await retirements.retire_for_event(connection, id_in(typed), event_id, new)
        return f"/retirements/{made.retirement_id}"

    try:
        return see_other(await done_once(request, pool, typed, retire))
    except NotFound:
        raise
    except CarbonRefusal as refusal:
        return await event_page(request, event_id, pool, typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return await event_page(request, event_id, pool, typed, refusal)


routes = [show_retirement, print_retirement, ask_own, retire_own, ask_for_event, retire_for_event]
