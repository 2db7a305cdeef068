"""What is retired for an event, class by class: citizens' credits on this ledger, and units of other registries.

Only what the rule that governs takes is counted, and each gram once. What a citizen retires for an event is for the
citizen's own footprint, and is not counted: an event's own retirements are those of what was donated to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from scenarios.meeting.rule_terms import OffsetClass, RulePack
from service import events, governing_rules, unit_holdings
from service.db import Connection


async def retired_of(connection: Connection, event_id: UUID) -> Mapping[OffsetClass, int]:
    """Grams retired that count for the event, by class, under the rule that governs it now. Raises NotFound."""
    event = await events.find(connection, event_id)
    governed = await governing_rules.of_event(connection, event, datetime.now(UTC))
    return await retired_under(connection, event_id, governed.rule)


async def retired_under(connection: Connection, event_id: UUID, rule: RulePack | None) -> Mapping[OffsetClass, int]:
    """The same, under a rule; without one everything counts."""
    counted: Counter[OffsetClass] = Counter()
    for each in await unit_holdings.of_event(connection, event_id):
        if each.retired_g and unit_holdings.is_taken(rule, each):
            counted[each.unit.unit] += each.retired_g
    return counted
