"""The checklist of an event's life: what is done, what is next, by when and by which clause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath

from service import organizations, readiness
from service.access import Caller, Role
from service.api.given import Pool
from service.i18n import mark
from service.pages.organize import seen_event
from service.pages.rendering import page
from service.readiness import StepSaid

STATES = {
    "done": mark("已完成"),
    "missing": mark("待办"),
    "due": mark("待办"),
    "overdue": mark("已过期"),
    "not_needed": mark("不用做"),
}
SIGNS = {"done": "✓", "missing": "", "due": "", "overdue": "!", "not_needed": "–"}
CLOSED = {"done", "not_needed"}
PAGES: Mapping[str, str] = {
    "facts": "facts",
    "size": "facts",
    "rule_changed": "plan",
    "plan": "plan",
    "publish_plan": "plan",
    "measures": "measures",
    "account": "accounting",
    "order": "offsets",
    "proof": "offsets",
    "confirm": "confirmation",
}
"""On which page of the event a step is done. The others are noted by hand, or are of an offset."""


def page_of(step: StepSaid, milestones: frozenset[str]) -> str:
    """Where a step is done, behind the event's own address."""
    if step.key in PAGES:
        return PAGES[step.key]
    if step.key.startswith("offset_"):
        milestone = step.key.removeprefix("offset_")
        return f"marks/milestone_{milestone}" if milestone in milestones else "offsets"
    return f"marks/{step.key}"


@get("/organize/events/{event_id:uuid}/readiness")
async def show_readiness(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """The checklist. Only who is of the organization is led on to the pages where things are done."""
    async with pool.acquire() as connection:
        event, _ = await seen_event(connection, request.user, event_id)
        found = await readiness.of_event(connection, event, datetime.now(UTC))
        own = Role.VIEWER in await organizations.roles_at(connection, request.user, event_id)
    return page(
        request,
        "readiness",
        event=event,
        found=found,
        next=next((each for each in found.steps if each.key == found.next), None),
        open=[each for each in found.steps if each.state not in CLOSED and each.key != found.next],
        closed=[each for each in found.steps if each.state in CLOSED],
        pages={each.key: page_of(each, found.milestones) for each in found.steps},
        states=STATES,
        signs=SIGNS,
        own=own,
    )


routes = [show_readiness]
