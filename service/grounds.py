"""Where something stands, as it is told: the document and clause, its publisher, and how surely it is known."""

from __future__ import annotations

import msgspec

from scenarios.citations import Certainty
from scenarios.meeting.rule_terms import Ground, RulePack, Text


class GroundSaid(msgspec.Struct, frozen=True, kw_only=True):
    """A clause of a document. Without one it is the operator's `policy`; `text` is one line for people."""

    document: str = ""
    number: str = ""
    clause: str = ""
    publisher: str = ""
    published_on: str = ""
    link: str = ""
    text: str = ""
    certainty: Certainty | None = None
    policy: bool = False


class RuleSaid(msgspec.Struct, frozen=True, kw_only=True):
    """A rule by its file: `digest` is its whole sha256. `word` is the place's 抵销 or 抵消."""

    id: str
    version: str
    digest: str
    region: str
    title: Text
    valid_from: str
    dating_note: Text
    word: str


def said(ground: Ground | None) -> GroundSaid | None:
    """A ground as it is told."""
    if ground is None:
        return None
    found = ground.citation
    if found is None:
        return GroundSaid(policy=ground.policy)
    return GroundSaid(
        document=found.document,
        number=found.number,
        clause=found.clause,
        publisher=found.publisher,
        published_on=found.published_on,
        link=found.url,
        text=found.text,
        certainty=ground.certainty,
        policy=ground.policy,
    )


def rule_said(rule: RulePack | None) -> RuleSaid | None:
    """A rule as it is told."""
    if rule is None:
        return None
    return RuleSaid(
        id=rule.id,
        version=rule.version,
        digest=rule.digest,
        region=rule.region,
        title=rule.title,
        valid_from=rule.valid_from.isoformat(),
        dating_note=rule.dating_note,
        word=rule.word,
    )
