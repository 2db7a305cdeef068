"""What an engaged verifier found by its checklist; and the certificate that follows once it passed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from scenarios.meeting.readiness_texts import listed
from scenarios.meeting.rule_terms import Text
from scenarios.policies.verification import checklist
from service import confirmations, engagements, inventories
from service.access import Caller
from service.config import Config
from service.confirmations import Basis, Confirmation
from service.db import Connection, encode_json
from service.engagements import Engagement
from service.errors import BadInput, NotFound
from service.inventories import Version, VersionOvertaken
from service.neutral_cases import InWords
from service.neutrality_records import IssuerSaid, LabelKey

Answer = Literal["yes", "no", "na"]
LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$(?!\n)"
"""Text of several lines, perhaps none."""
Remark = Annotated[str, Meta(max_length=1000, pattern=LINES)]
Findings = Annotated[str, Meta(min_length=1, max_length=5000, pattern=LINES)]
ItemKey = Annotated[str, Meta(pattern=r"^[a-z_]{1,60}$(?!\n)")]


class ChecklistIncomplete(BadInput):
    """核查清单每项须回答一次：{items}。"""

    code = "checklist_incomplete"


class ItemNotSkippable(BadInput):
    """这一项不能回答“不适用”：{items}。"""

    code = "item_not_skippable"


class RemarkMissing(BadInput):
    """回答“不符合”的须写明情况：{items}。"""

    code = "remark_missing"


class PassedDespite(InWords):
    """有不符合的项目，不能给出通过的结论：{items}。"""

    code = "passed_despite"


class NotPassed(InWords):
    """没有对第 {number} 版清单给出通过的核查报告，不能颁发证书。"""

    code = "not_passed"


class Checked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item's answer; what does not conform needs a remark."""

    key: ItemKey
    answer: Answer
    remark: Remark = ""


class NewReport(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A verifier's report on the newest inventory: an answer an item, findings, and whether it passed."""

    inventory_number: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    checklist: Annotated[list[Checked], Meta(max_length=100)]
    findings: Findings
    passed: bool
    file_id: UUID | None = None


class NewCertificate(msgspec.Struct, forbid_unknown_fields=True):
    """Which label is certified; the event's own where none is said."""

    label: LabelKey | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report as the event's parties see it. `by` names the checklist, a version of the operator's policy."""

    engagement_id: UUID
    verifier: str
    number: int
    inventory_number: int
    by: str
    checklist: tuple[Checked, ...]
    findings: str
    passed: bool
    file_id: UUID | None
    made_at: datetime


class Kept(msgspec.Struct, frozen=True):
    """What the table keeps of the answers."""

    id: str
    version: str
    digest: str
    answers: tuple[Checked, ...]


decode_kept = msgspec.json.Decoder(Kept).decode


async def report(connection: Connection, caller: Caller, event_id: UUID, new: NewReport, now: datetime) -> Report:
    """Keep a report by the caller's live engagement; one that passed verifies the inventory too.

    Raises NotFound, ChecklistIncomplete, ItemNotSkippable, RemarkMissing, PassedDespite, VersionOvertaken.
    """
    check_answers(new)
    await confirmations.hold(connection, event_id)
    engagement = await engagements.live(connection, caller, event_id)
    version = await newest(connection, event_id, new.inventory_number)
    own = checklist()
    kept = Kept(own.id, own.version, own.digest, tuple(new.checklist))
    number = 1 + len([each for each in await of_event(connection, event_id) if each.engagement_id == engagement.id])
    try:
        await connection.execute(
            """
            INSERT INTO verification_reports (
                engagement_id, event_id, number, inventory_number, checklist, findings, passed, file_id, made_by,
                made_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            engagement.id,
            event_id,
            number,
            version.number,
            encode_json(kept),
            new.findings.strip(),
            new.passed,
            new.file_id,
            caller.member,
            now,
        )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    if new.passed and version.verified_at is None:
        await inventories.verify(connection, caller, event_id, version.number, now)
    return (await of_event(connection, event_id))[0]


async def newest(connection: Connection, event_id: UUID, number: int) -> Version:
    """The newest version, if it is that one. Raises NotFound, VersionOvertaken."""
    versions = await inventories.of_event(connection, event_id)
    if number not in {each.number for each in versions}:
        raise NotFound
    if versions[0].number != number:
        raise VersionOvertaken(number=versions[0].number)
    return versions[0]


def check_answers(new: NewReport) -> None:
    """Raises ChecklistIncomplete, ItemNotSkippable, RemarkMissing and PassedDespite, naming the items."""
    items = {each.key: each for each in checklist().items}
    answered = [each.key for each in new.checklist]
    odd = [key for key in dict.fromkeys([*items, *answered]) if answered.count(key) != 1 or key not in items]
    if odd:
        raise ChecklistIncomplete(items=", ".join(odd))
    skipped = [each.key for each in new.checklist if each.answer == "na" and not items[each.key].may_be_na]
    if skipped:
        raise ItemNotSkippable(items=", ".join(skipped))
    wrong = [each for each in new.checklist if each.answer == "no"]
    if mute := [each.key for each in wrong if not each.remark.strip()]:
        raise RemarkMissing(items=", ".join(mute))
    if wrong and new.passed:
        raise PassedDespite(items=listed([items[each.key].words for each in wrong]))


async def of_event(connection: Connection, event_id: UUID) -> list[Report]:
    """An event's reports, the newest first."""
    rows = await connection.fetch(
        """
        SELECT engagement_id, organizations.name AS verifier, number, inventory_number, checklist,
            findings, passed, file_id, made_at
        FROM verification_reports
        JOIN engagements ON engagements.id = engagement_id
        JOIN organizations ON organizations.id = verifier_id
        WHERE verification_reports.event_id = $1 ORDER BY made_at DESC, number DESC
        """,
        event_id,
    )
    return [as_report(row) for row in rows]


def as_report(row: asyncpg.Record) -> Report:
    """A row of the query above."""
    values = dict(row)
    kept = decode_kept(values.pop("checklist"))
    return Report(**values, by=f"{kept.id} {kept.version}", checklist=kept.answers)


async def certify(
    connection: Connection, config: Config, caller: Caller, event_id: UUID, label: LabelKey | None, now: datetime
) -> Confirmation:
    """Issue the certificate of an event that passed. Raises NotFound, NotPassed and what else stands in the way."""
    await confirmations.hold(connection, event_id)
    engagement = await engagements.live(connection, caller, event_id)
    case = await confirmations.checked_case(connection, event_id, "third_party", label, now)
    assert case.version
    passed = last_of(engagement, await of_event(connection, event_id), case.version.number)
    if passed is None or not passed.passed:
        way = case.way("third_party")
        raise NotPassed(number=case.version.number).under(way.ground if way else None)
    issuer = IssuerSaid("verifier", Text(engagement.verifier, engagement.verifier))
    basis = Basis("third_party", issuer, engagement_id=engagement.id, checked=f"{passed.by} · {passed.number}")
    return await confirmations.confirm(connection, config, caller, case, basis)


def last_of(engagement: Engagement, reports: Sequence[Report], number: int) -> Report | None:
    """The engagement's last word on a version of the inventory."""
    own = (each for each in reports if each.engagement_id == engagement.id and each.inventory_number == number)
    return next(own, None)
