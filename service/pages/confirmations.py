"""A certificate of neutrality as everyone may read it, and the page where an organizer confirms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.policies.verification import checklist
from service import (
    certificate_applications,
    confirmation_pdf,
    confirmations,
    engagements,
    neutral_cases,
    neutral_fields,
    self_declarations,
    verification_reports,
    withdrawals,
)
from service.access import Caller
from service.api.confirmations import as_file
from service.api.given import Config, Pool
from service.api.problems import language_of
from service.certificate_applications import NewApplication
from service.db import Connection, new_id
from service.engagements import NewEngagement
from service.errors import NotAllowed, NotFound, Refusal
from service.neutral_cases import Case
from service.neutral_fields import SayableKey
from service.pages.organize import decoded, done_once, own_event, seen_event
from service.pages.rendering import Typed, page, see_other, typed_in
from service.self_declarations import NewDeclaration
from service.withdrawals import NewWithdrawal

SHOWN = 50
"""Blocks of serials of a class that a page shows; the signed record holds all."""
SAYABLE = frozenset[SayableKey](get_args(SayableKey))
FIELDS = {"because": "because", "fields_missing": ""}
Work = Callable[[Connection, Typed], Awaitable[object]]


@get("/n/{confirmation_id:uuid}")
async def show_neutral(
    request: Request[Caller, Any, Any], confirmation_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """What is certified and whether it is in force, from certificate to inventory to every serial."""
    async with pool.acquire() as connection:
        found, signed = await confirmations.with_signature(connection, confirmation_id)
    address = address_of(config, confirmation_id)
    return page(
        request, "neutral", found=found, record=found.record, key=signed.public_key.hex(), address=address, shown=SHOWN
    )


def address_of(config: Any, confirmation_id: UUID) -> str:
    """Where it is to be read, for good."""
    return f"{config.base_url}/n/{confirmation_id}"


@get("/n/{confirmation_id:uuid}/record")
async def download_record(confirmation_id: FromPath[UUID], pool: Pool) -> Response[bytes]:
    """The signed record, to be kept and checked offline."""
    async with pool.acquire() as connection:
        _, signed = await confirmations.with_signature(connection, confirmation_id)
    return as_file(confirmation_id, signed)


@get("/n/{confirmation_id:uuid}/pdf")
async def print_neutral(
    request: Request[Caller, Any, Any], confirmation_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[bytes]:
    """The certificate as PDF, in the reader's language. Drawing it takes a while: for those who signed in.

    Raises NotFound for one that was withdrawn: no paper is made of it any more.
    """
    async with pool.acquire() as connection:
        found, signed = await confirmations.with_signature(connection, confirmation_id)
    if not found.in_force:
        raise NotFound
    address = address_of(config, confirmation_id)
    return Response(
        await confirmation_pdf.pdf(found.record, address, signed.public_key.hex(), language_of(request)),
        media_type="application/pdf",
        headers={"content-disposition": f'inline; filename="{confirmation_id}.pdf"', "cache-control": "no-store"},
    )


# The organizer's page -------------------------------------------------------------------------------------------------


@get("/organize/events/{event_id:uuid}/confirmation")
async def show_confirming(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Which confirmations are open, what is lacking, and how to go on."""
    return await confirming_page(request, event_id, pool, Typed())


async def confirming_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        case = await neutral_cases.of_event(connection, event_id, datetime.now(UTC))
        history = await confirmations.of_event(connection, event_id)
        standing = next((each for each in history if each.in_force), None)
        confirmed = await confirmations.find(connection, standing.id) if standing else None
        engaged = await engagements.of_event(connection, event_id)
        verifiers = await engagements.registered(connection, event)
        reports = await verification_reports.of_event(connection, event_id)
        applications = await certificate_applications.of_event(connection, event_id)
    return page(
        request,
        "confirmation",
        typed=typed or Typed(label=case.label.key if case.label else ""),
        refusal=refusal,
        fields=FIELDS,
        event=event,
        writes=writes,
        case=case,
        draft=self_declarations.draft_of(case),
        sayable=sayable(case),
        history=history,
        confirmed=confirmed,
        live=next((each for each in engaged if each.ended_at is None), None),
        waiting=next((each for each in applications if each.granted is None), None),
        verifiers=verifiers,
        reports=reports,
        applications=applications,
        items={each.key: each.words for each in checklist().items},
        id=str(new_id()),
    )


def sayable(case: Case) -> list[Any]:
    """The fields of a declaration that its organizer may say in own words."""
    if case.governed.standing is None:
        return []
    contents = neutral_fields.contents_of(case.rule, "self_declaration")
    return [each for each in contents.fields if each.key in SAYABLE] if contents else []


async def act(request: Request[Caller, Any, Any], event_id: UUID, pool: asyncpg.Pool, work: Work) -> Response[Any]:
    """Do what one of the page's forms asks, once; show the page again, with what hinders it."""
    typed = await typed_in(request)

    async def do(connection: Connection) -> str:
        await own_event(connection, request.user, event_id)
        await work(connection, typed)
        return f"/organize/events/{event_id}/confirmation"

    try:
        return see_other(await done_once(request, pool, typed, do))
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return await confirming_page(request, event_id, pool, typed, refusal)


def said_in(typed: Typed) -> dict[str, str]:
    """What the organizer says in own words."""
    return {key: typed[key].strip() for key in sorted(SAYABLE) if typed[key].strip()}


@post("/organize/events/{event_id:uuid}/confirmation/declaration", status_code=200)
async def declare(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """Declare the event neutral."""

    async def work(connection: Connection, typed: Typed) -> object:
        values = {"truthful": typed["truthful"] == "yes", "label": typed["label"] or None, "fields": said_in(typed)}
        new = decoded(values, NewDeclaration)
        return await self_declarations.declare(connection, config, request.user, event_id, new, datetime.now(UTC))

    return await act(request, event_id, pool, work)


@post("/organize/events/{event_id:uuid}/confirmation/application", status_code=200)
async def apply(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Apply for the certificate."""

    async def work(connection: Connection, typed: Typed) -> object:
        new = decoded({"label": typed["label"] or None, "fields": said_in(typed)}, NewApplication)
        return await certificate_applications.apply(connection, request.user, event_id, new, datetime.now(UTC))

    return await act(request, event_id, pool, work)


@post("/organize/events/{event_id:uuid}/confirmation/engagement", status_code=200)
async def engage(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Engage a verifier."""

    async def work(connection: Connection, typed: Typed) -> object:
        new = decoded({"verifier_id": typed["verifier_id"]}, NewEngagement)
        event = await own_event(connection, request.user, event_id)
        return await engagements.engage(connection, request.user, event, new, datetime.now(UTC))

    return await act(request, event_id, pool, work)


@post("/organize/events/{event_id:uuid}/confirmation/engagement/{engagement_id:uuid}/end", status_code=200)
async def end_engagement(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], engagement_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """End an engagement."""

    async def work(connection: Connection, typed: Typed) -> object:
        return await engagements.end(connection, request.user, event_id, engagement_id, datetime.now(UTC))

    return await act(request, event_id, pool, work)


@post("/organize/events/{event_id:uuid}/confirmation/withdrawal", status_code=200)
async def withdraw(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Withdraw the organizer's own declaration."""

    async def work(connection: Connection, typed: Typed) -> object:
        standing = await confirmations.in_force(connection, event_id)
        if standing is None:
            raise withdrawals.WithdrawnAlready
        new = decoded({"because": typed["because"].strip()}, NewWithdrawal)
        return await withdrawals.withdraw(connection, request.user, standing.id, new.because, datetime.now(UTC))

    return await act(request, event_id, pool, work)


routes = [
    show_neutral,
    download_record,
    print_neutral,
    show_confirming,
    declare,
    apply,
    engage,
    end_engagement,
    withdraw,
]
