"""The neutrality plan in pages: written and published by the organizer, read by everyone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.meeting.offset_classes import CLASS_LABELS, admitted_classes
from scenarios.meeting.rule_terms import RulePack
from scenarios.quantities import amount_text, count_from_text, grams_from_tonnes_text
from scenarios.refusals import CarbonRefusal
from service import event_measures, events, governing_rules, plans, published_plans
from service.access import Caller
from service.api.given import Pool
from service.carbon import carbon_refusal
from service.db import Connection, new_id
from service.errors import NotAllowed, NotFound, Refusal
from service.i18n import mark
from service.import_columns import STAGES
from service.pages.organize import decoded, done_once, own_event, read_date, seen_event
from service.pages.rendering import Typed, page, see_other, typed_in
from service.plans import NewPlan, NewPublication, Plan

FIELDS = {
    "number_unreadable": "estimate_t",
    "estimate_twice": "estimate_t",
    "target_before_end": "target_date",
    "date_unreadable": "target_date",
    "boundary_too_narrow": "scope",
    "planned_class_not_listed": "offsets",
}
SCOPES = {"basic": mark("基本范围"), "full": mark("基本范围和拓展范围")}
SURPLUS = {"keep": mark("留给这场活动，一并注销"), "return": mark("退回捐赠者")}


@get("/organize/events/{event_id:uuid}/plan")
async def show_plan(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """The newest version in a form, what it lacks, and the form to publish it."""
    return await plan_page(request, event_id, pool, None)


async def plan_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed | None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        governed = await governing_rules.of_event(connection, event, datetime.now(UTC))
        plan = await plans.newest(connection, event, governed)
        measures = await event_measures.read(connection, event_id, governed.rule)
    return page(
        request,
        "plan",
        typed=as_typed(plan) if typed is None else typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        governed=governed,
        plan=plan,
        measures=offered(measures),
        classes=classes_of(governed.rule),
        ground=plans.demanded(governed.rule)[1],
        stages=STAGES,
        scopes=SCOPES,
        surplus=SURPLUS,
        writes=writes,
        id=str(new_id()),
    )


def offered(measures: event_measures.Measures) -> Mapping[str, Any]:
    """What a plan may name: the catalogue's words, and the event's own measures that were not dropped."""
    own = {each.key: each.words for each in measures.taken if each.state != "dropped"}
    return {each.key: each.words for each in measures.catalogue} | own


def classes_of(rule: RulePack | None) -> Mapping[str, Any]:
    """Classes of units that may be planned, by their names."""
    admitted = admitted_classes(rule) if rule else tuple(CLASS_LABELS)
    return {each: CLASS_LABELS[each] for each in admitted}


def as_typed(plan: Plan | None) -> Typed:
    """A version as the form shows it."""
    if plan is None:
        return Typed(scope="full", stage_prepare="1", stage_hold="1", stage_close="1", assumed="1")
    own = plan.content
    stages = own.boundary.stages if own.boundary else ()
    return Typed(
        about=own.about or "",
        scope=own.boundary.scope if own.boundary else "",
        boundary_said=own.boundary.said or "" if own.boundary else "",
        estimate_t="" if own.estimate_g is None or own.by_assumptions else amount_text(own.estimate_g, 10**6),
        assumed="1" if own.by_assumptions else "",
        target_date=own.target_date.isoformat() if own.target_date else "",
        **{f"stage_{each}": "1" for each in stages},
        **{f"measure_{each.key}": "1" for each in own.measures},
        **{f"offset_{unit}": amount_text(grams, 10**6) for unit, grams in own.offsets.items()},
    )


@post("/organize/events/{event_id:uuid}/plan", status_code=200)
async def save_plan(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Keep what the form says as a version."""
    typed = await typed_in(request)

    async def save(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        await plans.save(connection, request.user, event, plan_in(typed), datetime.now(UTC))
        return f"/organize/events/{event_id}/plan#publish"

    return await done_or_said(request, event_id, pool, typed, save)


def plan_in(typed: Typed) -> NewPlan:
    """The plan that the fields tell. Raises Unreadable, DateUnreadable and CarbonRefusal."""
    stages = [each for each in STAGES if typed[f"stage_{each}"]]
    boundary = {"scope": typed["scope"], "stages": stages, "said": typed["boundary_said"].strip() or None}
    amounts = {name.removeprefix("offset_"): text.strip() for name, text in typed.items() if name.startswith("offset_")}
    estimate = typed["estimate_t"].strip()
    values = {
        "about": typed["about"].strip() or None,
        "boundary": boundary if typed["scope"] and stages else None,
        "estimate_g": grams_from_tonnes_text(estimate) if estimate else None,
        "estimate_by_assumptions": bool(typed["assumed"]),
        "measures": [name.removeprefix("measure_") for name in typed if name.startswith("measure_")],
        "offsets": {unit: grams_from_tonnes_text(text) for unit, text in amounts.items() if text},
        "target_date": read_date(typed["target_date"]) if typed["target_date"] else None,
    }
    return decoded(values, NewPlan)


@post("/organize/events/{event_id:uuid}/plan/publication", status_code=200)
async def publish_plan(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Publish the version that the form names."""
    typed = await typed_in(request)

    async def publish(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        new = decoded({"number": count_from_text(typed["number"]), "surplus": typed["surplus"]}, NewPublication)
        await plans.publish(connection, request.user, event, new, datetime.now(UTC))
        return f"/organize/events/{event_id}/readiness"

    return await done_or_said(request, event_id, pool, typed, publish, keep=False)


async def done_or_said(
    request: Request[Caller, Any, Any], event_id: UUID, pool: asyncpg.Pool, typed: Typed, do: Any, keep: bool = True
) -> Response[Any]:
    """Do what a form asks, or show the page with what is wrong, and with what was typed where that is the plan's."""
    try:
        return see_other(await done_once(request, pool, typed, do))
    except CarbonRefusal as refusal:
        return await plan_page(request, event_id, pool, typed if keep else None, carbon_refusal(refusal))
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        return await plan_page(request, event_id, pool, typed if keep else None, refusal)


@get("/events/{event_id:uuid}/plan")
async def show_published_plan(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """The plan as published, for everyone."""
    async with pool.acquire() as connection:
        event = await events.find(connection, event_id)
        plan = await published_plans.of_event(connection, event)
    return page(request, "published_plan", event=event, plan=plan, stages=STAGES, scopes=SCOPES, surplus=SURPLUS)


routes = [show_plan, save_plan, publish_plan, show_published_plan]
