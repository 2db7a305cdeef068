"""Certificates that an office issues on application (《碳中和证明书》): one open at a time, each decided once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from service import confirmations, engagements, neutral_fields
from service.access import Caller
from service.config import Config
from service.confirmations import Basis, Because, Confirmation
from service.db import Connection, encode_json, new_id
from service.errors import Conflict, NotFound
from service.neutral_cases import Case, InWords
from service.neutral_fields import Said
from service.neutrality_records import FieldSaid, IssuerSaid, LabelKey

WAY: Final = "certificate_applied"


class AppliedAlready(Conflict):
    """已有一份申请在等待决定。"""

    code = "applied_already"


class DecidedAlready(Conflict):
    """这份申请已经有了决定。"""

    code = "decided_already"


class ApplicationOvertaken(InWords):
    """申请之后清单已有更新的第 {number} 版，请按新的一版重新申请。"""

    code = "application_overtaken"


class NewApplication(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the organizer hands in beside the inventory; `fields` replaces or adds what no figure says."""

    label: LabelKey | None = None
    fields: Said | None = None


class Decision(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Granted or refused, with the reason."""

    granted: bool
    because: Because


class Content(msgspec.Struct, frozen=True):
    """What was handed in."""

    label: LabelKey | None
    inventory_digest: str
    said: Said
    fields: tuple[FieldSaid, ...]


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """An application as the event's parties see it. `granted` is null while it waits."""

    id: UUID
    event_id: UUID
    event_name: str
    inventory_number: int
    content: Content
    applied_at: datetime
    granted: bool | None
    because: str | None
    decided_at: datetime | None
    confirmation_id: UUID | None


decode_content = msgspec.json.Decoder(Content).decode


async def apply(
    connection: Connection, caller: Caller, event_id: UUID, new: NewApplication, now: datetime
) -> Application:
    """Apply for the certificate. The caller's right must be known.

    Raises NotFound, AppliedAlready, FieldsMissing and what stands in the way of the certificate.
    """
    await confirmations.hold(connection, event_id)
    case = await confirmations.checked_case(connection, event_id, WAY, new.label, now)
    assert case.version
    fields = neutral_fields.fields_of(case, WAY, new.fields)
    neutral_fields.require_fields(case, WAY, fields)
    content = Content(case.label.key if case.label else None, case.version.digest, new.fields or {}, fields)
    application_id = new_id()
    try:
        await connection.execute(
            """
            INSERT INTO certificate_applications (id, event_id, inventory_number, content, applied_by, applied_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            application_id,
            event_id,
            case.version.number,
            encode_json(content),
            caller.member,
            now,
        )
    except asyncpg.UniqueViolationError:
        raise AppliedAlready from None
    return await find(connection, event_id, application_id)


async def decide(
    connection: Connection,
    config: Config,
    caller: Caller,
    application: Application,
    decision: Decision,
    now: datetime,
) -> Application:
    """Grant it, which confirms the event's neutrality, or refuse it. The caller's office must be known.

    Raises OwnEvent, DecidedAlready, ApplicationOvertaken, and what stands in the way of the certificate by now.
    """
    await engagements.require_other_hands(connection, caller, application.event_id)
    await confirmations.hold(connection, application.event_id)
    if not await mark_decided(connection, caller, application.id, decision, now):
        raise DecidedAlready
    if decision.granted:
        await grant(connection, config, caller, application, now)
    return await find(connection, application.event_id, application.id)


async def mark_decided(
    connection: Connection, caller: Caller, application_id: UUID, decision: Decision, now: datetime
) -> bool:
    """Write it down; False where another was quicker."""
    done = await connection.fetchval(
        """
        UPDATE certificate_applications SET granted = $2, because = $3, decided_by = $4, decided_at = $5
        WHERE id = $1 AND granted IS NULL RETURNING true
        """,
        application_id,
        decision.granted,
        decision.because,
        caller.member,
        now,
    )
    return bool(done)


async def grant(
    connection: Connection, config: Config, caller: Caller, application: Application, now: datetime
) -> Confirmation:
    """Confirm in the issuing office's name, by the inventory that was handed in."""
    content = application.content
    case = await confirmations.checked_case(connection, application.event_id, WAY, content.label, now)
    assert case.version
    if case.version.number != application.inventory_number:
        raise ApplicationOvertaken(number=case.version.number)
    basis = Basis(WAY, issuer_of(case), application_id=application.id)
    return await confirmations.confirm(connection, config, caller, case, basis, content.said)


def issuer_of(case: Case) -> IssuerSaid:
    """The office that issues, as the place's text names it."""
    return IssuerSaid("authority", confirmations.issuer_name(case.rule, WAY))


async def find(connection: Connection, event_id: UUID, application_id: UUID) -> Application:
    """One of an event's applications. Raises NotFound."""
    for each in await of_event(connection, event_id):
        if each.id == application_id:
            return each
    raise NotFound


async def of_event(connection: Connection, event_id: UUID) -> list[Application]:
    """An event's applications, the newest first."""
    rows = await connection.fetch(
        """
        SELECT certificate_applications.id, certificate_applications.event_id, events.name AS event_name,
            certificate_applications.inventory_number, content, applied_at, granted, because,
            decided_at, confirmations.id AS confirmation_id
        FROM certificate_applications
        JOIN events ON events.id = certificate_applications.event_id
        LEFT JOIN confirmations ON application_id = certificate_applications.id
        WHERE certificate_applications.event_id = $1
        ORDER BY applied_at DESC, certificate_applications.id DESC
        """,
        event_id,
    )
    return [as_application(row) for row in rows]


async def waiting(connection: Connection, caller: Caller, limit: int = 100) -> list[Application]:
    """The open applications that an officer who issues may decide, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT certificate_applications.id, event_id, events.name AS event_name, inventory_number,
            content, applied_at, granted, because, decided_at, NULL::uuid AS confirmation_id
        FROM certificate_applications
        JOIN events ON events.id = event_id
        LEFT JOIN rule_places USING (event_id)
        JOIN authority_members AS officer ON officer.region IN (rule_place, events.region)
        WHERE granted IS NULL AND officer.member_id = $1 AND 'issues' = ANY (offices)
        ORDER BY applied_at, certificate_applications.id LIMIT $2
        """,
        caller.member,
        limit,
    )
    return [as_application(row) for row in rows]


def as_application(row: Any) -> Application:
    """A row of the queries above."""
    values = dict(row)
    return Application(**{**values, "content": decode_content(values["content"])})
