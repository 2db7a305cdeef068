"""A citizen's acts: what became of each, how that was reckoned, and all of them by month."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from scenarios.actions.methodologies import actions_of
from scenarios.actions.reductions import Reduction
from service import act_lists, actions, consents, reviews
from service.access import Caller
from service.act_lists import Wanted
from service.action_rows import State
from service.api.given import Pool
from service.errors import NotFound
from service.i18n import mark
from service.pages.rendering import Typed, action_labels, page
from service.schedules import CHINA

read_reduction = msgspec.json.Decoder(Reduction).decode

STATES = {
    "credited": mark("已计入"),
    "pending": mark("等合作方的数据"),
    "in_review": mark("在审核"),
    "overtaken": mark("有更可靠的记录"),
    "refused": mark("没有计入"),
}
"""What became of an act, in a word."""


@get("/me/actions/{action_id:uuid}")
async def show_action(request: Request[Caller, Any, Any], action_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """What became of an act, what it earned, and how that was reckoned."""
    async with pool.acquire() as connection:
        found = await actions.find_own(connection, request.user.member, action_id)
        outcome = await reviews.outcome(connection, action_id, datetime.now(UTC))
        reporters = await consents.reporters(connection, action_id)
    return page(
        request,
        "action",
        action=found,
        reduction=read_reduction(found.trace),
        outcome=outcome,
        reporters=reporters,
        offered=is_offered(found.region, found.action),
        zone=CHINA.key,
    )


def is_offered(region: str, action: str) -> bool:
    """Whether the same could be told again today."""
    today = datetime.now(UTC).astimezone(CHINA).date()
    return any(each.key == action for each in actions_of(region, today))


@get("/me/actions")
async def show_actions(
    request: Request[Caller, Any, Any],
    pool: Pool,
    action: FromQuery[str] = "",
    outcome: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Response[Any]:
    """All acts by month, or those of a kind or in a state."""
    typed = Typed(action=action, outcome=outcome)
    member, (wanted, after) = request.user.member, wanted_by(typed, before)
    async with pool.acquire() as connection:
        shown = await act_lists.read(connection, member, wanted, after)
        kinds = await act_lists.kinds_told(connection, member)
    asked = {name: value for name, value in typed.items() if value}
    return page(
        request,
        "acts",
        typed=typed,
        months=shown.months,
        kinds=kinds,
        states=STATES,
        asked=asked,
        more=urlencode({**asked, "before": str(shown.before)}) if shown.before else "",
        reduction_of=lambda each: read_reduction(each.trace),
    )


def wanted_by(typed: Typed, before: str) -> tuple[Wanted, UUID | None]:
    """What a filter asks for. Raises NotFound for a kind, a state or a place in the list that there cannot be."""
    try:
        state = msgspec.convert(typed["outcome"] or None, State | None)
        after = UUID(before) if before else None
    except ValueError:
        raise NotFound from None
    if typed["action"] and typed["action"] not in action_labels():
        raise NotFound
    return Wanted(typed["action"] or None, state), after


routes = [show_action, show_actions]
