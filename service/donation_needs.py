"""What donations to an event are measured against: whose credits it takes, how much it needs, what units cover of it.

Rebuilt whenever a plan, an inventory, units or the rule change. A donation reads it and nothing else: once the tally
as last folded covers the need, no more is taken.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from scenarios.meeting.citizens_credits import Taken, taken_by
from scenarios.meeting.rule_terms import RulePack, Scope
from service import events, governing_rules, unit_holdings, unit_returns
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
    """Rebuild what donations are measured against. Raises NotFound; waits for whoever else rebuilds it.

    Units that the rule takes no more are given back at once, credits by workers.
    """
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event_id)
    now = now or datetime.now(UTC)
    event = await events.find(connection, event_id)
    governed = await governing_rules.of_event(connection, event, now)
    need_g, settled = await needed(connection, event_id, scope_wanted(governed.rule, governed.facts))
    held = await unit_holdings.of_event(connection, event_id)
    counted = unit_holdings.taken_only(governed.rule, held)
    await unit_returns.return_barred(connection, event_id, [each for each in held if each not in counted], now)
    neutral = settled and need_g is not None and sum(each.retired_g for each in counted) >= need_g
    need = Need(
        need_g=need_g,
        settled=settled,
        units_g=sum(each.held_g + each.retired_g for each in counted if each.unit_id is not None),
    )
    await write(connection, event_id, need, taken_by(governed.rule), neutral=neutral)
    return need


async def write(connection: Connection, event_id: UUID, need: Need, taken: Taken, *, neutral: bool) -> None:
    """Put it in force. What may have to go back is looked at by workers: once neutral, and when less is taken."""
    await connection.execute(
        """
        INSERT INTO donation_needs AS before
            (event_id, regions, recognized, need_g, settled, units_g, return_due, reckoned_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
        ON CONFLICT (event_id) DO UPDATE SET regions = excluded.regions, recognized = excluded.recognized,
            need_g = excluded.need_g, settled = excluded.settled, units_g = excluded.units_g,
            return_due = before.return_due OR excluded.return_due
                OR (before.regions, before.recognized) IS DISTINCT FROM (excluded.regions, excluded.recognized),
            reckoned_at = excluded.reckoned_at
        """,
        event_id,
        taken.regions,
        taken.recognized,
        need.need_g,
        need.settled,
        need.units_g,
        neutral,
    )


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
