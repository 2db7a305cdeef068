"""Self-declaration (自我声明, 自我承诺): the organizer confirms, and answers for its truth."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from scenarios.meeting.rule_terms import Ground, Text
from service import confirmations, neutral_cases, neutral_fields
from service.access import Caller
from service.config import Config
from service.confirmations import Basis, Confirmation
from service.db import Connection
from service.errors import Refusal
from service.neutral_cases import Case, InWords
from service.neutral_fields import Said
from service.neutrality_records import FieldSaid, IssuerSaid, LabelKey

WAY: Final = "self_declaration"


class NotAffirmed(InWords):
    """自我声明须由组织者承诺对其真实性负责。"""

    code = "not_affirmed"


class NewDeclaration(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the organizer says. `truthful`: they answer for its truth. `fields` replaces or adds what no figure says."""

    truthful: bool
    label: LabelKey | None = None
    fields: Said | None = None


class Hindrance(msgspec.Struct, frozen=True):
    """What stands in the way, and where it stands."""

    code: str
    text: Text
    ground: Ground | None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The declaration as it would be now: its fields, those still missing, and what stands in the way."""

    where: Text | None
    ground: Ground | None
    fields: tuple[FieldSaid, ...]
    missing: tuple[Text, ...]
    hindrances: tuple[Hindrance, ...]


async def declare(
    connection: Connection, config: Config, caller: Caller, event_id: UUID, new: NewDeclaration, now: datetime
) -> Confirmation:
    """Declare the event neutral. The caller's right must be known.

    Raises NotFound, NotAffirmed, ConfirmedAlready, FieldsMissing and what else stands in the way.
    """
    await confirmations.hold(connection, event_id)
    case = await confirmations.checked_case(connection, event_id, WAY, new.label, now)
    if not new.truthful:
        way = case.way(WAY)
        raise NotAffirmed().under(way.ground if way else None)
    issuer = IssuerSaid("organizer", neutral_fields.both(case.organizer))
    return await confirmations.confirm(connection, config, caller, case, Basis(WAY, issuer), new.fields)


async def draft(connection: Connection, event_id: UUID, now: datetime, label: LabelKey | None = None) -> Draft:
    """What a declaration would say now. Raises NotFound."""
    case = await neutral_cases.of_event(connection, event_id, now, label)
    return draft_of(case)


def draft_of(case: Case) -> Draft:
    """The same, of a case."""
    found = tuple(as_hindrance(each) for each in neutral_cases.hindrances(case, WAY))
    if case.governed.rule is None or case.governed.standing is None:
        return Draft(where=None, ground=None, fields=(), missing=(), hindrances=found)
    contents = neutral_fields.contents_of(case.rule, WAY)
    fields = neutral_fields.fields_of(case, WAY)
    return Draft(
        where=contents.where if contents else None,
        ground=case.rule.ground(contents) if contents else None,
        fields=fields,
        missing=neutral_fields.missing_of(case, WAY, fields),
        hindrances=found,
    )


def as_hindrance(refusal: Refusal) -> Hindrance:
    """A refusal that would come, told beforehand."""
    return Hindrance(refusal.code, Text(refusal.message("zh"), refusal.message("en")), refusal.ground)
