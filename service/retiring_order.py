"""Keeping to the order of offsets that a rule recommends: it may be left, for a reason that is noted first."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from scenarios.meeting.fill_plans import departure
from scenarios.meeting.offset_classes import CLASS_LABELS
from scenarios.meeting.rule_terms import RulePack
from service import event_marks, unit_holdings
from service.db import Connection
from service.errors import NotFound, NotNow
from service.unit_holdings import Held


class OrderLeft(NotNow):
    """本地规则推荐先用“{passed_over}”，还有 {grams} 克没有用。要离开推荐的顺序，请先写明理由。"""

    code = "order_left"


async def require(connection: Connection, event_id: UUID, rule: RulePack | None, using: Mapping[str, int]) -> None:
    """Raise OrderLeft where retiring these grams besides, by holding, leaves the order, and no reason was given."""
    if rule is None or not rule.order.recommended:
        return
    counted = unit_holdings.taken_only(rule, await unit_holdings.of_event(connection, event_id))
    used = {each.key: each.retired_g + using.get(each.key, 0) for each in counted}
    holdings = [unit_holdings.as_holding(rule, each, each.held_g + each.retired_g) for each in counted]
    left = departure(rule, used, holdings)
    if left is None or "order" in await event_marks.of_event(connection, event_id):
        return
    passed_over = next(each for each in counted if each.key == left.passed_over)
    words = CLASS_LABELS[passed_over.unit.unit]
    raise OrderLeft(passed_over=words, grams=left.grams).under(left.ground)


async def unit_held(connection: Connection, event_id: UUID, units_id: UUID) -> Held:
    """A unit as it is held. Raises NotFound."""
    for each in await unit_holdings.units_of(connection, event_id):
        if each.unit_id == units_id:
            return each
    raise NotFound
