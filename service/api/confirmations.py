"""Confirmations of neutrality: declared by the organizer, certified, applied for; read by everyone, and withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from service import (
    certificate_applications,
    checkpoints,
    confirmations,
    engagements,
    neutral_cases,
    neutrality_records,
    offices,
    self_declarations,
    verification_reports,
    withdrawals,
)
from service.access import Caller, Role
from service.api.given import Config, Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.certificate_applications import Application, Decision, NewApplication
from service.confirmations import Confirmation, Summary
from service.db import Connection
from service.errors import Refusal
from service.neutrality_records import LabelKey
from service.organizations import require
from service.self_declarations import Draft, NewDeclaration
from service.verification_reports import NewCertificate
from service.withdrawals import NewWithdrawal

READERS = (Role.VIEWER, Role.AUTHORITY, Role.VERIFIER)
HINDERED: tuple[type[Refusal], ...] = (
    neutral_cases.NoRuleHere,
    neutral_cases.ConfirmCancelled,
    neutral_cases.EventNotOver,
    neutral_cases.WayNotOpen,
    neutral_cases.NoInventory,
    neutral_cases.InventoryOutdated,
    neutral_cases.NotNeutralYet,
    neutral_cases.MeasuresFirst,
    neutral_cases.FieldsMissing,
    neutral_cases.PeopleUnderstated,
    confirmations.ConfirmedAlready,
    *WRITES,
)


class Keys(msgspec.Struct, frozen=True):
    """The public keys of this deployment: of the log of transfers as a note's key, of confirmations as hexadecimal."""

    log: str
    confirmations: str


@get("/keys", responses=refuses(), sync_to_thread=False)
def show_keys(config: Config) -> Keys:
    """The keys to check by, offline, what is signed here."""
    return Keys(checkpoints.public_key(config), neutrality_records.public_key(config).hex())


@get("/events/{event_id:uuid}/declaration", responses=refuses())
async def show_declaration(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, label: FromQuery[LabelKey | None] = None
) -> Draft:
    """The self-declaration as it would be now: its fields, what is missing, and what stands in the way."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await self_declarations.draft(connection, event_id, datetime.now(UTC), label)


@post(
    "/events/{event_id:uuid}/declaration",
    status_code=201,
    responses=refuses(self_declarations.NotAffirmed, *HINDERED),
)
async def declare_neutral(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewDeclaration],
    key: Key,
    pool: Pool,
    config: Config,
) -> Response[Confirmation]:
    """Declare the event neutral, with the fields that its place demands; signed, and public at once."""
    now = datetime.now(UTC)

    async def declare(connection: Connection) -> Confirmation:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        return await self_declarations.declare(connection, config, request.user, event_id, data, now)

    return await answer_once(request, pool, key, data, declare)


@post(
    "/events/{event_id:uuid}/third-party-certificate",
    status_code=201,
    responses=refuses(
        verification_reports.NotPassed,
        engagements.VerifierNotIndependent,
        engagements.VerifierNotRegistered,
        *HINDERED,
    ),
)
async def certify_neutral(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewCertificate],
    key: Key,
    pool: Pool,
    config: Config,
) -> Response[Confirmation]:
    """Certify the event, by the engaged verifier whose report on its newest inventory passed."""
    now = datetime.now(UTC)

    async def certify(connection: Connection) -> Confirmation:
        await require(connection, request.user, event_id, Role.VERIFIER)
        return await verification_reports.certify(connection, config, request.user, event_id, data.label, now)

    return await answer_once(request, pool, key, data, certify)


@post(
    "/events/{event_id:uuid}/certificate-applications",
    status_code=201,
    responses=refuses(certificate_applications.AppliedAlready, *HINDERED),
)
async def apply_for_certificate(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], data: JSONBody[NewApplication], key: Key, pool: Pool
) -> Response[Application]:
    """Apply for the certificate that the place's office issues, with the newest inventory."""
    now = datetime.now(UTC)

    async def apply(connection: Connection) -> Application:
        await require(connection, request.user, event_id, Role.ORGANIZER)
        return await certificate_applications.apply(connection, request.user, event_id, data, now)

    return await answer_once(request, pool, key, data, apply)


@get("/events/{event_id:uuid}/certificate-applications", responses=refuses())
async def list_applications(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool
) -> list[Application]:
    """An event's applications, the newest first."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.VIEWER, Role.AUTHORITY)
        return await certificate_applications.of_event(connection, event_id)


@get("/certificate-applications", responses=refuses())
async def list_waiting(request: Request[Caller, Any, Any], pool: Pool) -> list[Application]:
    """The applications that wait for the caller's office, the oldest first."""
    async with pool.acquire() as connection:
        return await certificate_applications.waiting(connection, request.user)


@post(
    "/events/{event_id:uuid}/certificate-applications/{application_id:uuid}/decision",
    status_code=201,
    responses=refuses(
        certificate_applications.DecidedAlready,
        certificate_applications.ApplicationOvertaken,
        engagements.OwnEvent,
        *HINDERED,
    ),
)
async def decide_application(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    application_id: FromPath[UUID],
    data: JSONBody[Decision],
    key: Key,
    pool: Pool,
    config: Config,
) -> Response[Application]:
    """Grant the certificate, which confirms the event's neutrality, or refuse it; by the office that issues."""
    now = datetime.now(UTC)

    async def decide(connection: Connection) -> Application:
        rule = await offices.rule_of(connection, event_id, now)
        await offices.require_office(connection, request.user, event_id, rule, "issues")
        application = await certificate_applications.find(connection, event_id, application_id)
        return await certificate_applications.decide(connection, config, request.user, application, data, now)

    return await answer_once(request, pool, key, data, decide)


@get("/events/{event_id:uuid}/confirmations", responses=refuses())
async def list_confirmations(event_id: FromPath[UUID], pool: Pool) -> list[Summary]:
    """An event's confirmations, those withdrawn too, the newest first."""
    async with pool.acquire() as connection:
        return await confirmations.of_event(connection, event_id)


@get("/confirmations/{confirmation_id:uuid}", responses=refuses())
async def show_confirmation(confirmation_id: FromPath[UUID], pool: Pool) -> Confirmation:
    """What is certified, and whether it is in force."""
    async with pool.acquire() as connection:
        return await confirmations.find(connection, confirmation_id)


@get("/confirmations/{confirmation_id:uuid}/record", media_type="application/json", responses=refuses())
async def show_record(confirmation_id: FromPath[UUID], pool: Pool) -> Response[bytes]:
    """The record as it was signed, with signature and key: `{"format", "key", "signature", "record"}`, to be kept.

    `tanhui verify-certificate FILE --key KEY` checks it without network; so does any tool that knows Ed25519.
    """
    async with pool.acquire() as connection:
        _, signed = await confirmations.with_signature(connection, confirmation_id)
    return as_file(confirmation_id, signed)


def as_file(confirmation_id: UUID, signed: neutrality_records.Signed) -> Response[bytes]:
    """The file to keep; the same bytes for ever."""
    return Response(
        neutrality_records.bundle(signed),
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{confirmation_id}.json"', "cache-control": "no-store"},
    )


@post(
    "/confirmations/{confirmation_id:uuid}/withdrawal",
    status_code=201,
    responses=refuses(withdrawals.WithdrawnAlready, *WRITES),
)
async def withdraw_confirmation(
    request: Request[Caller, Any, Any],
    confirmation_id: FromPath[UUID],
    data: JSONBody[NewWithdrawal],
    key: Key,
    pool: Pool,
) -> Response[Confirmation]:
    """Withdraw it, by who issued it or the place's office for that: the label goes, what was retired stays retired."""
    now = datetime.now(UTC)

    async def withdraw(connection: Connection) -> Confirmation:
        return await withdrawals.withdraw(connection, request.user, confirmation_id, data.because, now)

    return await answer_once(request, pool, key, data, withdraw)


routes = [
    show_keys,
    show_declaration,
    declare_neutral,
    certify_neutral,
    apply_for_certificate,
    list_applications,
    list_waiting,
    decide_application,
    list_confirmations,
    show_confirmation,
    show_record,
    withdraw_confirmation,
]
