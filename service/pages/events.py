"""An event as everyone may see it, and giving to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.quantities import count_from_text
from scenarios.refusals import CarbonRefusal
from service import (
    cancellations,
    confirmations,
    donations,
    events,
    ledger,
    offset_state,
    published_plans,
    retirements,
    tallies,
)
from service.access import Caller
from service.api.given import Committers, Nudges, Pool
from service.carbon import carbon_refusal
from service.db import new_id
from service.donations import DonationRequest
from service.errors import BadInput, NotFound, Refusal
from service.pages.rendering import Typed, id_in, page, see_other, typed_in


class NothingGiven(BadInput):
    """请至少捐出 1 克。"""

    code = "nothing_given"


FIELDS = {"number_unreadable": "grams", "overdraft": "grams", "nothing_given": "grams"}


@get("/events")
async def show_events(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """Events that are not over."""
    async with pool.acquire() as connection:
        return page(request, "events", events=await events.coming(connection, datetime.now(UTC)))


@get("/events/{event_id:uuid}")
async def show_event(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """What it is, where and when, what it emits and how far donations cover that."""
    async with pool.acquire() as connection:
        event = await events.find(connection, event_id)
        tally = await tallies.read(connection, event_id)
        retired = await retirements.of_account(connection, event_id, request.user.member_id, limit=20)
        standing = await confirmations.in_force(connection, event_id)
        confirmed = await confirmations.find(connection, standing.id) if standing else None
        cancellation = await cancellations.find(connection, event_id) if event.cancelled else None
        planned = await published_plans.is_published(connection, event_id)
    return page(
        request,
        "event",
        event=event,
        tally=tally,
        kinds=events.KINDS,
        open_now=events.is_open(event, datetime.now(UTC)),
        retired=retired,
        cancellation=cancellation,
        confirmed=confirmed,
        planned=planned,
    )


@get("/events/{event_id:uuid}/donate")
async def ask_donation(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """How much to give."""
    return await donate_page(request, event_id, pool, Typed())


async def donate_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The form, with what one has."""
    async with pool.acquire() as connection:
        event = await events.find(connection, event_id)
        held_g = await ledger.balance_g(connection, request.user.member)
        state = await offset_state.of_event(connection, event_id, datetime.now(UTC))
    return page(
        request,
        "donate",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        held_g=held_g,
        state=state,
        id=str(new_id()),
    )


@post("/events/{event_id:uuid}/donate", status_code=200)
async def donate(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, committers: Committers, nudges: Nudges
) -> Response[Any]:
    """Give. Sent twice, it is given once."""
    typed = await typed_in(request)
    try:
        grams = count_from_text(typed["grams"])
        if not grams:
            raise NothingGiven
        asked = DonationRequest(id_in(typed), request.user.member, event_id, grams)
        given = await committers.donations.submit(asked)
    except CarbonRefusal as refusal:
        return await donate_page(request, event_id, pool, typed, carbon_refusal(refusal))
    except NotFound:
        raise
    except Refusal as refusal:
        return await donate_page(request, event_id, pool, typed, refusal)
    nudges.fold(event_id)
    return see_other(f"/me/donations/{given.donation_id}")


@get("/me/donations/{donation_id:uuid}")
async def show_donation(request: Request[Caller, Any, Any], donation_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Thanks, and what was given."""
    async with pool.acquire() as connection:
        given = await donations.find_own(connection, request.user.member, donation_id)
        event = await events.find(connection, given.event_id)
        tally = await tallies.read(connection, given.event_id)
    return page(request, "donation", donation=given, event=event, tally=tally)


routes = [show_events, show_event, ask_donation, donate, show_donation]
