"""An event's accounting in pages: the result with its weak spots, its settings, its versions and what lies between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.labels import MODE_LABELS
from scenarios.meeting.items import items
from scenarios.quantities import amount_text, grams_from_tonnes_text
from service import accountings, inventories
from service.access import Caller
from service.accountings import NewAbsence, NewSettings
from service.api.given import Pool
from service.api.problems import language_of
from service.charts import by_source, source_names
from service.db import Connection, new_id
from service.errors import Refusal
from service.i18n import Language, mark, translate
from service.import_columns import RANKS, STAGES
from service.inventories import Draft, NewVersion
from service.pages.organize import decoded, done_or_again, own_event, seen_event
from service.pages.rendering import Typed, page, typed_in

SHOWN = 10
ALL_RANKS = {**RANKS, "extrapolated": mark("没有作答，推算的")}
STATES = {"submitted": mark("已提交"), "restated": mark("重述"), "verified": mark("已核查")}
KINDS = {"line": mark("活动数据"), "check_ins": mark("报到"), "extrapolated": mark("没有作答，推算的")}
WEAKNESSES = {
    "default_value": mark("用了缺省值：有实测或申报的数量就更正这一条"),
    "placeholder_factor": mark("排放因子是暂代值：有当地或更好的因子就在录入时填写"),
    "unverified_factor": mark("排放因子待核实：核对它的出处"),
    "out_of_scale": mark("数量偏大：核对数量和单位"),
    "said_twice": mark("报到时也说了同样的：核对是否重复计算"),
}
FIELDS = {
    "area_impossible": "area_m2",
    "baseline_g": "baseline_t",
    "baseline_unexplained": "baseline_because",
    "number_unreadable": "baseline_t",
    "restatement_unexplained": "because",
}


@get("/organize/events/{event_id:uuid}/accounting")
async def show_result(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """The result of this moment."""
    return await result_page(request, event_id, pool, None)


async def result_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed | None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed into one of its forms."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        event, writes = await seen_event(connection, request.user, event_id)
        found = await inventories.draft(connection, event_id, datetime.now(UTC))
    language = language_of(request)
    return page(
        request,
        "accounting",
        typed=as_typed(found) if typed is None else typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        writes=writes,
        found=found,
        result=found.result,
        chart=by_source(found.result.by_source, language),
        names=names(language),
        source_names=source_names(language),
        ranks=ALL_RANKS,
        stages=STAGES,
        weaknesses=WEAKNESSES,
        most=SHOWN,
        id=str(new_id()),
    )


def as_typed(found: Draft) -> Typed:
    """The settings in force, as the form shows them."""
    own = found.settings
    baseline = "" if own.baseline_g is None else amount_text(own.baseline_g, 10**6)
    area = "" if own.area_m2 is None else f"{own.area_m2:f}"
    return Typed(ambition=own.ambition, area_m2=area, baseline_t=baseline, baseline_because=own.baseline_because or "")


def names(language: Language) -> Mapping[str, str]:
    """Items, modes, and those who did not answer, as people read them."""
    things = {key: each.label_zh if language == "zh" else each.label_en for key, each in items().items()}
    modes = {key: translate(language, label) for key, label in MODE_LABELS.items()}
    return {**things, **modes, "extrapolated": translate(language, mark("没有作答的人"))}


@post("/organize/events/{event_id:uuid}/accounting/settings", status_code=200)
async def set_settings(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Put settings in force."""
    typed = await typed_in(request)

    async def do(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        await accountings.settle(connection, request.user, event, settings_in(typed), datetime.now(UTC))
        return f"/organize/events/{event_id}/accounting"

    return await done_or_again(request, pool, typed, do, partial(result_page, request, event_id, pool))


def settings_in(typed: Typed) -> NewSettings:
    """The form's fields. Raises Unreadable, and CarbonRefusal for a baseline that is no number."""
    baseline = typed["baseline_t"].strip()
    values = {
        "ambition": typed["ambition"],
        "area_m2": typed["area_m2"].strip() or None,
        "baseline_g": grams_from_tonnes_text(baseline) if baseline else None,
        "baseline_because": typed["baseline_because"].strip() or None,
    }
    return decoded(values, NewSettings)


@post("/organize/events/{event_id:uuid}/accounting/absent", status_code=200)
async def say_absent(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Say that the event has nothing of a source, or take it back."""
    typed = await typed_in(request)

    async def do(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        values = {"source": typed["source"], "because": typed["why"].strip(), "absent": typed["absent"] != "no"}
        await accountings.declare(connection, request.user, event, decoded(values, NewAbsence), datetime.now(UTC))
        return f"/organize/events/{event_id}/accounting"

    return await done_or_again(request, pool, typed, do, partial(result_page, request, event_id, pool))


@get("/organize/events/{event_id:uuid}/inventories")
async def show_versions(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """The versions that were submitted, and the form to submit one."""
    return await versions_page(request, event_id, pool, Typed())


async def versions_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        versions = await inventories.of_event(connection, event_id)
    return page(
        request,
        "inventories",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        writes=writes,
        versions=versions,
        states=STATES,
        id=str(new_id()),
    )


@post("/organize/events/{event_id:uuid}/inventories", status_code=200)
async def submit(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Keep the inventory as it is now, for good."""
    typed = await typed_in(request)

    async def do(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        new = decoded({"because": typed["because"].strip() or None}, NewVersion)
        await inventories.submit(connection, request.user, event, new.because, datetime.now(UTC))
        return f"/organize/events/{event_id}/inventories"

    return await done_or_again(request, pool, typed, do, partial(versions_page, request, event_id, pool))


@get("/organize/events/{event_id:uuid}/inventories/{before:int}/differences/{after:int}")
async def show_differences(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    before: FromPath[int],
    after: FromPath[int],
    pool: Pool,
) -> Response[Any]:
    """What lies between two versions, line by line."""
    async with pool.acquire() as connection:
        event, _ = await seen_event(connection, request.user, event_id)
        found = await inventories.between(connection, event_id, before, after)
        versions = {each.number: each for each in await inventories.of_event(connection, event_id)}
    return page(
        request,
        "differences",
        event=event,
        found=found,
        before=versions[before],
        after=versions[after],
        names=names(language_of(request)),
        kinds=KINDS,
    )


routes = [show_result, set_settings, say_absent, show_versions, submit, show_differences]
