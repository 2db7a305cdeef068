"""An event's neutrality confirmed: one confirmation in force at a time, signed; withdrawn with a reason if it must be.

Whoever confirms holds the event and its accounting meanwhile: no second confirmation and no restated inventory can come
between what was checked and what is signed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from scenarios.meeting.readiness_texts import listed
from scenarios.meeting.rule_terms import Confirmation as Way
from scenarios.meeting.rule_terms import RulePack, Text
from service import neutral_cases, neutral_fields
from service.access import Caller
from service.certificates import REVEALING
from service.config import Config
from service.db import Connection, new_id
from service.errors import Conflict, NotFound
from service.inputs import LINE
from service.neutral_cases import Case, FieldsMissing
from service.neutral_fields import Said
from service.neutrality_records import (
    FORMAT,
    EventSaid,
    FieldSaid,
    InventorySaid,
    IssuerSaid,
    LabelKey,
    Record,
    RuleSaid,
    Signed,
    decode_record,
    sign,
)

Because = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE)]
Withdrawing = Literal["issuer", "authority"]


class ConfirmedAlready(Conflict):
    """这场活动的碳中和已经确认，确认撤销之前不能再确认。"""

    code = "confirmed_already"


class Basis(NamedTuple):
    """What a confirmation rests on besides the case: who issues it, and whose report or application it follows."""

    way: Way
    issuer: IssuerSaid
    engagement_id: UUID | None = None
    application_id: UUID | None = None
    checked: str | None = None


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """That it was withdrawn, by its issuer or by the authority, and why."""

    by: Withdrawing
    because: str
    at: datetime


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """A confirmation as everyone may see it. `restated`: the number of a newer inventory than the one confirmed.

    What is signed, and by which key, comes with /v1/confirmations/{id}/record.
    """

    id: UUID
    event_id: UUID
    in_force: bool
    withdrawal: Withdrawal | None
    restated: int | None
    record: Record


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A confirmation in a list."""

    id: UUID
    event_id: UUID
    way: Way
    label: LabelKey
    in_force: bool
    confirmed_at: datetime
    withdrawal: Withdrawal | None


async def hold(connection: Connection, event_id: UUID) -> None:
    """Hold the accounting and the event, in the order of who submits an inventory, until the transaction ends."""
    await connection.execute("SELECT event_id FROM accountings WHERE event_id = $1 FOR NO KEY UPDATE", event_id)
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event_id)


async def checked_case(connection: Connection, event_id: UUID, way: Way, label: LabelKey | None, now: datetime) -> Case:
    """The case, of an event that is held, if nothing stands in the way. Raises ConfirmedAlready and each hindrance."""
    if await in_force(connection, event_id):
        raise ConfirmedAlready
    case = await neutral_cases.of_event(connection, event_id, now, label)
    for hindrance in neutral_cases.hindrances(case, way):
        raise hindrance
    await neutral_cases.require_current(connection, case)
    return case


async def confirm(
    connection: Connection, config: Config, caller: Caller, case: Case, basis: Basis, said: Said | None = None
) -> Confirmation:
    """Sign and keep what the case holds. Raises FieldsMissing, ConfirmedAlready."""
    fields = neutral_fields.fields_of(case, basis.way, said)
    neutral_fields.require_fields(case, basis.way, fields)
    if case.label is None:
        raise FieldsMissing(missing=listed([each.name for each in case.rule.labels]))
    record = record_of(case, basis, fields)
    try:
        await keep(connection, caller, case, basis, record, sign(config, record))
    except asyncpg.UniqueViolationError:
        raise ConfirmedAlready from None
    return await find(connection, record.id)


def record_of(case: Case, basis: Basis, fields: tuple[FieldSaid, ...]) -> Record:
    """What is certified."""
    way, version, neutral_on = case.way(basis.way), case.version, case.neutral_on
    assert way, "it is open"
    assert version, "it was submitted"
    assert neutral_on, "it is neutral"
    assert case.label, "it was asked for"
    return Record(
        format=FORMAT,
        id=new_id(),
        confirmed_at=case.now,
        way=basis.way,
        way_name=way.name,
        label=case.label.key,
        label_name=case.label.name,
        word=case.rule.word,
        issuer=basis.issuer,
        event=event_said(case),
        rule=rule_said(case, way.ground.text),
        inventory=InventorySaid(
            number=version.number, digest=version.digest, basic_g=version.basic_g, full_g=version.full_g
        ),
        need_g=case.need_g,
        retired_g=case.retired_g,
        neutral_on=neutral_on,
        offsets=case.offsets,
        measures=case.measures,
        fields=fields,
        checked=basis.checked,
    )


def event_said(case: Case) -> EventSaid:
    """The event as the record names it."""
    event = case.event
    return EventSaid(
        id=event.id,
        name=event.name,
        kind=case.facts.facts.kind,
        organizer=case.organizer,
        place=case.facts.rule_place,
        venue=event.venue,
        time_zone=event.time_zone,
        first=case.first,
        last=case.last,
    )


def rule_said(case: Case, ground: str) -> RuleSaid:
    """The rule as the record names it."""
    rule, standing = case.rule, case.standing
    return RuleSaid(
        id=rule.id,
        version=rule.version,
        digest=rule.digest,
        title=rule.title,
        ground=ground,
        standing=standing.label,
        voluntary=standing.voluntary,
    )


async def keep(
    connection: Connection, caller: Caller, case: Case, basis: Basis, record: Record, signed: Signed
) -> None:
    """Write the row."""
    await connection.execute(
        """
        INSERT INTO confirmations (
            id, event_id, way, engagement_id, application_id, inventory_number, label, need_g, retired_g, record,
            signature, public_key, confirmed_by, confirmed_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        """,
        record.id,
        case.event.id,
        basis.way,
        basis.engagement_id,
        basis.application_id,
        record.inventory.number,
        record.label,
        record.need_g,
        record.retired_g,
        signed.record,
        signed.signature,
        signed.public_key,
        caller.member,
        case.now,
    )


# Read -----------------------------------------------------------------------------------------------------------------


async def find(connection: Connection, confirmation_id: UUID) -> Confirmation:
    """A confirmation as everyone may see it. Raises NotFound."""
    return (await with_signature(connection, confirmation_id))[0]


async def with_signature(connection: Connection, confirmation_id: UUID) -> tuple[Confirmation, Signed]:
    """The same, and the very bytes that were signed. Raises NotFound."""
    row = await connection.fetchrow(
        """
        SELECT id, event_id, record, signature, public_key, withdrawn_as, withdrawn_because, withdrawn_at, (
            SELECT max(number) FROM inventories AS newer
            WHERE newer.event_id = confirmations.event_id AND newer.number > inventory_number
        ) AS restated
        FROM confirmations WHERE id = $1
        """,
        confirmation_id,
    )
    if row is None:
        raise NotFound
    found = Confirmation(
        id=row["id"],
        event_id=row["event_id"],
        in_force=row["withdrawn_at"] is None,
        withdrawal=withdrawal_of(row),
        restated=row["restated"],
        record=decode_record(row["record"]),
    )
    return found, Signed(row["record"], row["signature"], row["public_key"])


def withdrawal_of(row: Any) -> Withdrawal | None:
    """That it was withdrawn, if it was; without what leads to a person."""
    if row["withdrawn_at"] is None:
        return None
    because = REVEALING.sub("***", row["withdrawn_because"])
    return Withdrawal(by=row["withdrawn_as"], because=because, at=row["withdrawn_at"])


async def in_force(connection: Connection, event_id: UUID) -> Summary | None:
    """The confirmation in force, if there is one."""
    return next((each for each in await of_event(connection, event_id) if each.in_force), None)


async def of_event(connection: Connection, event_id: UUID) -> list[Summary]:
    """An event's confirmations, the newest first."""
    rows = await connection.fetch(
        """
        SELECT id, event_id, way, label, confirmed_at, withdrawn_as, withdrawn_because, withdrawn_at
        FROM confirmations WHERE event_id = $1 ORDER BY confirmed_at DESC, id DESC
        """,
        event_id,
    )
    return [
        Summary(
            id=row["id"],
            event_id=row["event_id"],
            way=row["way"],
            label=row["label"],
            in_force=row["withdrawn_at"] is None,
            confirmed_at=row["confirmed_at"],
            withdrawal=withdrawal_of(row),
        )
        for row in rows
    ]


async def of_officer(connection: Connection, caller: Caller, limit: int = 100) -> list[Confirmation]:
    """The confirmations of an officer's places, the newest first."""
    rows = await connection.fetch(
        """
        SELECT confirmations.id FROM confirmations
        JOIN events ON events.id = event_id
        LEFT JOIN rule_places USING (event_id)
        WHERE EXISTS (
            SELECT FROM authority_members AS officer
            WHERE officer.member_id = $1 AND officer.region IN (rule_place, events.region)
        )
        ORDER BY confirmed_at DESC, confirmations.id DESC LIMIT $2
        """,
        caller.member,
        limit,
    )
    return [await find(connection, row["id"]) for row in rows]


def issuer_name(rule: RulePack, way: Way) -> Text:
    """Who issues it, in the pack's words."""
    found = rule.way(way)
    assert found
    return found.issuer or found.name
