"""What an event retires of the credits that it was given: in the order that its rule recommends, the oldest first."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from uuid import UUID

from scenarios.meeting.offset_classes import admits
from scenarios.meeting.rule_terms import RulePack
from service import events, governing_rules, retiring_order
from service.db import Connection
from service.retirable import Lot, drawn, held_by_event
from service.unit_holdings import credits_held, key_of, under


async def ordered(connection: Connection, event_id: UUID, grams: int, now: datetime) -> list[Lot]:
    """How much of each class makes up these grams. The event's account must be locked.

    Raises NothingToRetire, NotEnoughToRetire, NotTakenByItsRule, and OrderLeft.
    """
    event = await events.find(connection, event_id)
    rule = (await governing_rules.of_event(connection, event, now)).rule
    held = await held_by_event(connection, event_id)
    lots = drawn(sorted(held, key=lambda lot: rank_of(rule, lot)), grams)
    using = Counter[str]()
    for lot in lots:
        using[key_of(*lot.origin[:3])] += lot.grams
    await retiring_order.require(connection, event_id, rule, using)
    return lots


def rank_of(rule: RulePack | None, lot: Lot) -> int:
    """Its place in the order; what the order does not name comes last."""
    if rule is None or not rule.order.recommended:
        return 0
    return admits(rule, under(rule, credits_held(*lot.origin))).rank or len(rule.offsets) + 1
