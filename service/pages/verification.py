"""What a verifier does for the events that engaged it, and what an authority's offices do with confirmations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.policies.verification import checklist
from scenarios.quantities import count_from_text
from scenarios.refusals import CarbonRefusal
from service import (
    certificate_applications,
    confirmations,
    engagements,
    events,
    inventories,
    neutral_cases,
    offices,
    organizations,
    verification_reports,
    withdrawals,
)
from service.access import Caller, Role
from service.api.given import Config, Pool
from service.carbon import carbon_refusal
from service.certificate_applications import Decision
from service.db import Connection, new_id
from service.errors import NotAllowed, NotFound, Refusal
from service.pages.organize import decoded, done_once
from service.pages.rendering import Typed, page, see_other, typed_in
from service.verification_reports import NewCertificate, NewReport
from service.withdrawals import NewWithdrawal

Work = Callable[[Connection, Typed], Awaitable[str]]
Again = Callable[[Typed, Refusal], Awaitable[Response[Any]]]


@get("/verify")
async def show_engagements(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """The events that engaged the caller's organization."""
    async with pool.acquire() as connection:
        found = await engagements.of_caller(connection, request.user)
    return page(request, "engagements", engagements=found)


@get("/verify/events/{event_id:uuid}")
async def show_verifying(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """An event to check: its inventory, the checklist, and what was reported."""
    return await verifying_page(request, event_id, pool, Typed())


async def verifying_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed."""
    async with pool.acquire() as connection:
        await organizations.require(connection, request.user, event_id, Role.VERIFIER)
        event = await events.find(connection, event_id)
        case = await neutral_cases.of_event(connection, event_id, datetime.now(UTC))
        versions = await inventories.of_event(connection, event_id)
        reports = await verification_reports.of_event(connection, event_id)
        standing = await confirmations.in_force(connection, event_id)
    return page(
        request,
        "verifying",
        typed=typed,
        refusal=refusal,
        event=event,
        case=case,
        hindrances=list(neutral_cases.hindrances(case, "third_party")),
        versions=versions,
        reports=reports,
        standing=standing,
        checklist=checklist(),
        items={each.key: each.words for each in checklist().items},
        id=str(new_id()),
    )


async def act(request: Request[Caller, Any, Any], pool: asyncpg.Pool, work: Work, again: Again) -> Response[Any]:
    """Do what a form asks, once; show its page again, with what hinders it."""
    typed = await typed_in(request)
    try:
        return see_other(await done_once(request, pool, typed, lambda connection: work(connection, typed)))
    except (NotAllowed, NotFound):
        raise
    except CarbonRefusal as refusal:
        return await again(typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return await again(typed, refusal)


@post("/verify/events/{event_id:uuid}/report", status_code=200)
async def report(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Report what was found."""

    async def work(connection: Connection, typed: Typed) -> str:
        await organizations.require(connection, request.user, event_id, Role.VERIFIER)
        new = decoded(report_in(typed), NewReport)
        await verification_reports.report(connection, request.user, event_id, new, datetime.now(UTC))
        return f"/verify/events/{event_id}"

    return await act(
        request, pool, work, lambda typed, refusal: verifying_page(request, event_id, pool, typed, refusal)
    )


def report_in(typed: Typed) -> dict[str, Any]:
    """What the form says. Raises CarbonRefusal for a number that is none."""
    return {
        "inventory_number": count_from_text(typed["number"]),
        "checklist": [
            {"key": each.key, "answer": typed[f"answer_{each.key}"], "remark": typed[f"remark_{each.key}"]}
            for each in checklist().items
            if typed[f"answer_{each.key}"]
        ],
        "findings": typed["findings"].strip(),
        "passed": typed["passed"] == "yes",
    }


@post("/verify/events/{event_id:uuid}/certificate", status_code=200)
async def certify(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """Issue the certificate."""

    async def work(connection: Connection, typed: Typed) -> str:
        await organizations.require(connection, request.user, event_id, Role.VERIFIER)
        label = decoded({"label": typed["label"] or None}, NewCertificate).label
        now = datetime.now(UTC)
        made = await verification_reports.certify(connection, config, request.user, event_id, label, now)
        return f"/n/{made.id}"

    return await act(
        request, pool, work, lambda typed, refusal: verifying_page(request, event_id, pool, typed, refusal)
    )


@post("/verify/events/{event_id:uuid}/withdrawal", status_code=200)
async def withdraw_own(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Withdraw the verifier's certificate."""

    async def work(connection: Connection, typed: Typed) -> str:
        standing = await confirmations.in_force(connection, event_id)
        if standing is None:
            raise withdrawals.WithdrawnAlready
        return await withdrawn(connection, request.user, standing.id, typed)

    return await act(
        request, pool, work, lambda typed, refusal: verifying_page(request, event_id, pool, typed, refusal)
    )


async def withdrawn(connection: Connection, caller: Caller, confirmation_id: UUID, typed: Typed) -> str:
    """Withdraw a confirmation; where it can still be read."""
    new = decoded({"because": typed["because"].strip()}, NewWithdrawal)
    await withdrawals.withdraw(connection, caller, confirmation_id, new.because, datetime.now(UTC))
    return f"/n/{confirmation_id}"


# The authority's page -------------------------------------------------------------------------------------------------


@get("/authority/confirmations")
async def show_offices(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """Applications to decide, and the place's confirmations to look at or withdraw."""
    return await offices_page(request, pool, Typed())


async def offices_page(
    request: Request[Caller, Any, Any], pool: asyncpg.Pool, typed: Typed, refusal: Refusal | None = None
) -> Response[Any]:
    """The same, with what was typed."""
    async with pool.acquire() as connection:
        waiting = await certificate_applications.waiting(connection, request.user)
        found = await confirmations.of_officer(connection, request.user)
    return page(
        request,
        "authority_confirmations",
        typed=typed,
        refusal=refusal,
        waiting=waiting,
        confirmations=found,
        id=str(new_id()),
    )


@post("/authority/events/{event_id:uuid}/applications/{application_id:uuid}", status_code=200)
async def decide(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    application_id: FromPath[UUID],
    pool: Pool,
    config: Config,
) -> Response[Any]:
    """Grant a certificate or refuse it."""

    async def work(connection: Connection, typed: Typed) -> str:
        now = datetime.now(UTC)
        rule = await offices.rule_of(connection, event_id, now)
        await offices.require_office(connection, request.user, event_id, rule, "issues")
        application = await certificate_applications.find(connection, event_id, application_id)
        decision = decoded({"granted": typed["granted"] == "yes", "because": typed["because"].strip()}, Decision)
        await certificate_applications.decide(connection, config, request.user, application, decision, now)
        return "/authority/confirmations"

    return await act(request, pool, work, lambda typed, refusal: offices_page(request, pool, typed, refusal))


@post("/authority/confirmations/{confirmation_id:uuid}/withdrawal", status_code=200)
async def withdraw_for_place(
    request: Request[Caller, Any, Any], confirmation_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """Withdraw a confirmation of the place."""

    async def work(connection: Connection, typed: Typed) -> str:
        return await withdrawn(connection, request.user, confirmation_id, typed)

    return await act(request, pool, work, lambda typed, refusal: offices_page(request, pool, typed, refusal))


routes = [
    show_engagements,
    show_verifying,
    report,
    certify,
    withdraw_own,
    show_offices,
    decide,
    withdraw_for_place,
]
