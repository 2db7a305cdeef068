"""Verifiers at an event: engaged by its organizer, and what they report by the checklist."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from scenarios.policies.verification import Checklist, checklist
from service import engagements, events, inventories, verification_reports
from service.access import Caller, Role
from service.api.confirmations import READERS
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import Connection
from service.engagements import Engagement, NewEngagement, VerifierNamed
from service.organizations import require
from service.verification_reports import NewReport, Report


@get("/verification-checklist", responses=refuses(), sync_to_thread=False)
def show_checklist() -> Checklist:
    """What a verifier checks: the operator's policy, each item with the clauses that it is drawn from."""
    return checklist()


@get("/events/{event_id:uuid}/verifiers", responses=refuses())
async def list_verifiers(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool
) -> list[VerifierNamed]:
    """The verifiers registered for the event's place."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.VIEWER, Role.AUTHORITY)
        return await engagements.registered(connection, await events.find(connection, event_id))


@post(
    "/events/{event_id:uuid}/engagements",
    status_code=201,
    responses=refuses(
        engagements.VerifierNotRegistered, engagements.VerifierNotIndependent, engagements.EngagedAlready, *WRITES
    ),
)
async def engage_verifier(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewEngagement], key: Key, pool: Pool
) -> Response[Engagement]:
    """Engage a registered verifier that is independent of the organizer."""
    now = datetime.now(UTC)

    async def engage(connection: Connection) -> Engagement:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        return await engagements.engage(connection, request.user, await events.find(connection, event_id), data, now)

    return await answer_once(request, pool, key, data, engage)


@get("/events/{event_id:uuid}/engagements", responses=refuses())
async def list_engagements(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool
) -> list[Engagement]:
    """An event's engagements, the newest first."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await engagements.of_event(connection, event_id)


@get("/engagements", responses=refuses())
async def list_own_engagements(request: Request[Caller, Any, Any], pool: Pool) -> list[Engagement]:
    """What the caller's organization was engaged for."""
    async with pool.acquire() as connection:
        return await engagements.of_caller(connection, request.user)


@post(
    "/events/{event_id:uuid}/engagements/{engagement_id:uuid}/ending",
    status_code=201,
    responses=refuses(engagements.EngagementEnded, *WRITES),
)
async def end_engagement(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    engagement_id: FromPath[UUID],
    key: Key,
    pool: Pool,
) -> Response[Engagement]:
    """End an engagement, by the organizer or the verifier; what was reported stays."""
    now = datetime.now(UTC)

    async def end(connection: Connection) -> Engagement:
        await require(connection, request.user, event_id, Role.ORGANIZER, Role.VERIFIER)
        return await engagements.end(connection, request.user, event_id, engagement_id, now)

    return await answer_once(request, pool, key, None, end)


@post(
    "/events/{event_id:uuid}/verification-reports",
    status_code=201,
    responses=refuses(
        engagements.VerifierNotIndependent,
        engagements.VerifierNotRegistered,
        inventories.VersionOvertaken,
        verification_reports.ChecklistIncomplete,
        verification_reports.ItemNotSkippable,
        verification_reports.RemarkMissing,
        verification_reports.PassedDespite,
        *WRITES,
    ),
)
async def report_verification(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewReport], key: Key, pool: Pool
) -> Response[Report]:
    """What the engaged verifier found on the newest inventory; if it passed, the inventory is verified."""
    now = datetime.now(UTC)

    async def report(connection: Connection) -> Report:
        await require(connection, request.user, event_id, Role.VERIFIER)
        return await verification_reports.report(connection, request.user, event_id, data, now)

    return await answer_once(request, pool, key, data, report)


@get("/events/{event_id:uuid}/verification-reports", responses=refuses())
async def list_reports(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> list[Report]:
    """The reports on an event, the newest first."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await verification_reports.of_event(connection, event_id)


routes = [
    show_checklist,
    list_verifiers,
    engage_verifier,
    list_engagements,
    list_own_engagements,
    end_engagement,
    report_verification,
    list_reports,
]
