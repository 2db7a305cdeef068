"""Which version of its place's rule governs an event, and how that rule takes it."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from scenarios.meeting.rule_changes import newly_asked
from scenarios.meeting.rule_files import read_rule
from scenarios.meeting.rule_terms import Ground, RulePack
from scenarios.meeting.rules import between, narrowest, rules
from scenarios.meeting.thresholds import Standing, classify
from scenarios.refusals import EventFactsMissing
from scenarios.regions import wider
from service import accountings, event_facts
from service.carbon import CarbonRule, carbon_refusal, carbon_refused
from service.db import Connection, encode_json, new_id
from service.event_facts import Facts
from service.events import Event, day_of


class Governed(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that governs an event; none where its place has none (`rule` null), which is then voluntary.

    `ground` is where it stands which version governs; `before` is the one that gave way since the plan was published.
    `standing` is null without a rule, and while `unknown`: what must be said of the event before it can be known.
    """

    rule: RulePack | None
    ground: Ground | None
    before: RulePack | None
    standing: Standing | None
    facts: Facts
    unknown: CarbonRule | None = None

    @property
    def voluntary(self) -> bool:
        """Does no rule reach the event?"""
        return self.rule is None or (self.standing is not None and self.standing.voluntary)


async def of_event(connection: Connection, event: Event, now: datetime) -> Governed:
    """The version that governs the event now: by what the texts say of a change, else the one of the plan."""
    facts = await event_facts.of_event(connection, event)
    return judged(await governing(connection, event, facts, now), facts)


async def governing(
    connection: Connection, event: Event, facts: Facts, now: datetime
) -> tuple[RulePack | None, Ground | None, RulePack | None]:
    """The rule, where it stands that it governs, and the version that gave way to it."""
    newest = narrowest(rules(), facts.rule_place, day_of(event, now))
    planned = await planned_under(connection, event, facts.rule_place)
    found = between(planned or newest, newest)
    return (found.rule, found.ground, found.before) if found else (None, None, None)


def judged(found: tuple[RulePack | None, Ground | None, RulePack | None], facts: Facts) -> Governed:
    """The same, with how the rule takes the event."""
    rule, ground, before = found
    if rule is None:
        return Governed(rule=None, ground=None, before=None, standing=None, facts=facts)
    try:
        standing = classify(rule, facts.facts)
    except EventFactsMissing as missing:
        unknown = carbon_refusal(missing).under(rule.ground(rule.scope))
        return Governed(rule=rule, ground=ground, before=before, standing=None, facts=facts, unknown=unknown)
    return Governed(rule=rule, ground=ground, before=before, standing=standing, facts=facts)


async def planned_under(connection: Connection, event: Event, place: str) -> RulePack | None:
    """The rule of the newest published plan as it was kept then; of another place, if that is the event's by now."""
    row = await connection.fetchrow(
        "SELECT rule, published_at FROM plan_publications WHERE event_id = $1 ORDER BY number DESC LIMIT 1", event.id
    )
    if row is None:
        return None
    then = narrowest(rules(), place, day_of(event, row["published_at"]))
    kept = await pinned_rule(connection, row["rule"]) if row["rule"] else None
    if kept is None or kept.region not in wider(place):
        return then
    return kept if then is None or then.region == kept.region else then


async def pinned_rule(connection: Connection, digest: bytes) -> RulePack:
    """A rule that was kept."""
    if shipped := next((each for each in rules() if each.digest == digest.hex()), None):
        return shipped
    content = await connection.fetchval("SELECT content FROM pinned_packs WHERE digest = $1", digest)
    return read_once(bytes(content), digest.hex())


@lru_cache(maxsize=64)
def read_once(content: bytes, name: str) -> RulePack:
    """A kept rule, read and checked."""
    with carbon_refused():
        return read_rule(content, name)


async def pin(connection: Connection, rule: RulePack) -> bytes:
    """Keep a rule's file; its digest. One that does not ship was kept before."""
    if any(each.digest == rule.digest for each in rules()):
        await accountings.pin(connection, [accountings.file_of("rule", rule.id, rule.version, rule.digest)])
    return bytes.fromhex(rule.digest)


async def record_switch(connection: Connection, event: Event, governed: Governed, now: datetime) -> bool:
    """Keep that the rule gave way to another, once; was it new?"""
    rule, before = governed.rule, governed.before
    if rule is None or before is None:
        return False
    made = await connection.fetchval(
        """
        INSERT INTO rule_switches (id, event_id, before, after, asks, switched_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        new_id(),
        event.id,
        await pin(connection, before),
        await pin(connection, rule),
        encode_json(newly_asked(before, rule)),
        now,
    )
    return bool(made)


async def switched_at(connection: Connection, event_id: UUID, before: RulePack, rule: RulePack) -> datetime | None:
    """When it was recorded that one version gave way to the other; null before."""
    at: datetime | None = await connection.fetchval(
        "SELECT switched_at FROM rule_switches WHERE event_id = $1 AND before = $2 AND after = $3",
        event_id,
        bytes.fromhex(before.digest),
        bytes.fromhex(rule.digest),
    )
    return at
