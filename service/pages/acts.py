"""A citizen says what low-carbon act they did, and sees what it saved."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from scenarios.actions.methodologies import ActionOffered, actions_of
from scenarios.actions.reductions import Reduction
from scenarios.quantities import count_from_text, metres_from_km_text, wh_from_kwh_text
from scenarios.refusals import CarbonRefusal
from scenarios.regions import PROVINCES
from service import actions
from service.access import Caller
from service.action_rows import ActionRequest
from service.api.actions import NewAction
from service.api.given import Committers, Pool
from service.carbon import carbon_refusal
from service.db import new_id
from service.errors import BadInput, Refusal
from service.idempotency import digest
from service.pages.rendering import Typed, id_in, page, see_other, typed_in
from service.schedules import CHINA

READERS = {"m": metres_from_km_text, "Wh": wh_from_kwh_text, "1": count_from_text}
"""How a quantity is typed, by the methodology's base unit."""

FIELDS = {
    "number_unreadable": "quantity",
    "distance_absurd": "quantity",
    "quantity_absurd": "quantity",
    "action_in_future": "occurred_on",
    "action_too_old": "occurred_on",
    "date_unreadable": "occurred_on",
}
read_reduction = msgspec.json.Decoder(Reduction).decode


class DateUnreadable(BadInput):
    """“{text}”不是日期，请像 2026-11-21 这样填写。"""

    code = "date_unreadable"


def today() -> date:
    """The date in China."""
    return datetime.now(UTC).astimezone(CHINA).date()


@get("/act")
async def ask_act(
    request: Request[Caller, Any, Any], region: FromQuery[str] = "", action: FromQuery[str] = ""
) -> Response[Any]:
    """Where, what, how much and when: one question after the other."""
    return act_page(request, region, action, Typed(occurred_on=today().isoformat()))


def act_page(
    request: Request[Caller, Any, Any], region: str, action: str, typed: Typed, refusal: Refusal | None = None
) -> Response[Any]:
    """The question that comes next, with what was typed and what is wrong with it."""
    offered = actions_of(region, today()) if region else ()
    return page(
        request,
        "act",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        regions=[each for each in PROVINCES if actions_of(each, today())],
        region=region if offered else "",
        offered=offered,
        chosen=next((each for each in offered if each.key == action), None),
        today=today().isoformat(),
        id=str(new_id()),
    )


@post("/act", status_code=200)
async def act(request: Request[Caller, Any, Any], committers: Committers) -> Response[Any]:
    """Log the act, and show what it earned."""
    typed = await typed_in(request)
    region, action = typed["region"], typed["action"]
    try:
        offered = next((each for each in actions_of(region, today()) if each.key == action), None)
        if offered is None:
            return act_page(request, region, "", typed)
        logged = await committers.actions.submit(read_request(request.user, typed, offered))
    except CarbonRefusal as refusal:
        return act_page(request, region, action, typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return act_page(request, region, action, typed, refusal)
    return see_other(f"/me/actions/{logged.action_id}")


def read_request(caller: Caller, typed: Typed, offered: ActionOffered) -> ActionRequest:
    """The request that the form makes. Raises CarbonRefusal for a quantity, DateUnreadable for a date unread."""
    try:
        occurred_on = date.fromisoformat(typed["occurred_on"])
    except ValueError:
        raise DateUnreadable(text=typed["occurred_on"][:40]) from None
    quantity = READERS[offered.base_unit](typed["quantity"])
    data = NewAction(region=typed["region"], action=offered.key, quantity=quantity, occurred_on=occurred_on)
    return ActionRequest(
        id=id_in(typed),
        member_id=caller.member,
        region=data.region,
        action=data.action,
        quantity=data.quantity,
        occurred_on=data.occurred_on,
        request_digest=digest(data),
        today=today(),
    )


@get("/me/actions/{action_id:uuid}")
async def show_action(request: Request[Caller, Any, Any], action_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """What an act saved, and how that was reckoned."""
    async with pool.acquire() as connection:
        found = await actions.find_own(connection, request.user.member, action_id)
    return page(request, "action", action=found, reduction=read_reduction(found.trace))


routes = [ask_act, act, show_action]
