"""What donations to an event are measured against: whose credits it takes, how much it needs, what units cover of it.

Rebuilt whenever a plan, an inventory, units or the rule change. A donation reads it and nothing else: once the tally
as last folded covers the need, no more is taken.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from scenarios.meeting.citizens_credits import taken_by
from scenarios.meeting.rule_terms import RulePack, Scope
from service import credit_regions, events, governing_rules, unit_holdings
from service.db import Connection
from service.event_facts import Facts


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be offset in all, null while nothing is known of it; `settled` once an inventory was submitted.

    `units_g` is what units of other registries, held or retired, cover of it.
    """

    need_g: int | None
    settled: bool
    units_g: int


async def reckon(connection: Connection, event_id: UUID, now: datetime | None = None) -> Need:
    """Rebuild what donations are measured against. Raises NotFound; waits for whoever else rebuilds it."""
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event_id)
    event = await events.find(connection, event_id)
    governed = await governing_rules.of_event(connection, event, now or datetime.now(UTC))
    need_g, settled = await needed(connection, event_id, scope_wanted(governed.rule, governed.facts))
    units = unit_holdings.taken_only(governed.rule, await unit_holdings.units_of(connection, event_id))
    units_g = sum(each.held_g + each.retired_g for each in units)
    await credit_regions.write(connection, event_id, taken_by(governed.rule))
    await connection.execute(
        """
        UPDATE donation_needs SET need_g = $2, settled = $3, units_g = $4, reckoned_at = now() WHERE event_id = $1
        """,
        event_id,
        need_g,
        settled,
        units_g,
    )
    return Need(need_g=need_g, settled=settled, units_g=units_g)


def scope_wanted(rule: RulePack | None, facts: Facts) -> Scope:
    """What must be offset for the label wanted; where none is named, the rule's last, which asks the most."""
    if rule is None:
        return "basic" if facts.label == "basic" else "full"
    return next((each for each in rule.labels if each.key == facts.label), rule.labels[-1]).scope


async def needed(connection: Connection, event_id: UUID, scope: Scope) -> tuple[int | None, bool]:
    """How much is to be offset, and whether it is settled: by the newest inventory, else by the published plan."""
    row = await connection.fetchrow(
        """
        SELECT inventory.grams, (
            SELECT estimate_g FROM plan_publications WHERE event_id = $1 ORDER BY number DESC LIMIT 1
        ) AS estimate_g
        FROM (SELECT 1) AS always LEFT JOIN LATERAL (
            SELECT CASE $2::text WHEN 'basic' THEN basic_g ELSE full_g END AS grams
            FROM inventories WHERE event_id = $1 ORDER BY number DESC LIMIT 1
        ) AS inventory ON true
        """,
        event_id,
        scope,
    )
    if row["grams"] is not None:
        return row["grams"], True
    return row["estimate_g"], False
