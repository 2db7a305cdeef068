"""A partner's report of one act, a line of its feed: read, known by its id, answered by a verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

import msgspec

from service.action_rows import Action
from service.consents import NoConsent, uuid8
from service.errors import BadInput, Refusal
from service.i18n import Language
from service.inputs import LINE

LONGEST_LINE = 16_384
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class LineTooLong(BadInput):
    """这一行超过 {bytes} 字节。"""

    code = "line_too_long"


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An act as a partner reports it. `external_id` is its own id of the act, `subject` its name for the citizen.

    `quantity` is a whole number in the methodology's base unit (metres, Wh, or times); times carry their offset.
    """

    external_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=LINE)]
    subject: UUID
    action: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    region: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$", max_length=6)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    started_at: Instant
    ended_at: Instant | None = None


class Labelled(msgspec.Struct):
    """What may still be read of a line that is no report."""

    external_id: Annotated[str, msgspec.Meta(max_length=100)]


class Line(NamedTuple):
    """A line by its number (from 1): the report, or why it is none."""

    number: int
    report: Report | Refusal
    external_id: str | None


Verdict = Literal["issued", "capped", "pending", "duplicate", "no_consent", "refused"]


class LineVerdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a line. Grams are CO2e: earned for `issued` and `capped`, of the first report for `duplicate`.

    `counted` is what of the quantity the caps let count, where they did not let all. `pending`: an improbable act
    waits for review. `code` and `detail` say why a line was refused; `not_ready` is worth another try.
    """

    line: int
    verdict: Verdict
    external_id: str | None = None
    action_id: UUID | None = None
    reduction_g: int | None = None
    counted: int | None = None
    code: str | None = None
    detail: str | None = None


decode = msgspec.json.Decoder(Report).decode
decode_label = msgspec.json.Decoder(Labelled).decode
encode = msgspec.json.Encoder()
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def read(number: int, content: bytes | None) -> Line:
    """A line as it came; None for one that is too long."""
    if content is None:
        return Line(number, LineTooLong(bytes=LONGEST_LINE), None)
    try:
        report = decode(content)
    except UNREADABLE as wrong:
        return Line(number, BadInput(reason=str(wrong)[:200]), label_of(content))
    if not (2000 <= report.started_at.year < 2100 and (report.ended_at or report.started_at).year < 2100):
        return Line(number, BadInput(reason="Expected a time of this century - at `$.started_at`"), report.external_id)
    return Line(number, report, report.external_id)


def read_all(contents: Iterable[bytes | None]) -> Iterator[Line]:
    """Lines in order."""
    for number, content in enumerate(contents, 1):
        yield read(number, content)


def label_of(content: bytes) -> str | None:
    """The external id of a line that is no report, where it has one."""
    try:
        return decode_label(content).external_id
    except UNREADABLE:
        return None


def id_of(partner_id: UUID, external_id: str) -> UUID:
    """What a report is known by, the same each time that the partner sends it (RFC 9562 version 8)."""
    return uuid8(hashlib.sha256(partner_id.bytes + external_id.encode()).digest())


def digest_of(report: Report) -> bytes:
    """SHA-256 of what a report says, however its line is spaced."""
    return hashlib.sha256(msgspec.json.encode(report)).digest()


def answer(line: Line, became: Action | Refusal, language: Language) -> LineVerdict:
    """The verdict on a line."""
    if isinstance(became, Refusal):
        return LineVerdict(
            line.number,
            "no_consent" if isinstance(became, NoConsent) else "refused",
            external_id=line.external_id,
            code=became.code,
            detail=became.message(language),
        )
    return LineVerdict(
        line.number,
        verdict_of(became),
        external_id=line.external_id,
        action_id=became.action_id,
        reduction_g=became.reduction_g,
        counted=became.counted if became.counted < became.quantity else None,
    )


def verdict_of(action: Action) -> Verdict:
    """What became of an act, in a word."""
    if action.duplicate:
        return "duplicate"
    if action.state != "credited":
        return "pending"
    return "capped" if action.counted < action.quantity else "issued"
