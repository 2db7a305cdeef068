"""Reviewers look at acts and their photos and decide; a citizen appeals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from scenarios.actions.reductions import Reduction
from service import actions, appeals, review_queue, reviews
from service.access import Caller
from service.api.evidence import shown
from service.api.given import Config, Pool
from service.appeals import NewAppeal
from service.config import Config as Settings
from service.db import Connection, new_id
from service.errors import NotAllowed, NotFound, Refusal
from service.pages.organize import decoded, done_once
from service.pages.rendering import Typed, page, see_other, typed_in
from service.reviews import NewReview

PAGE = 30
read_reduction = msgspec.json.Decoder(Reduction).decode


@get("/photos/{digest:str}")
async def show_photo(request: Request[Caller, Any, Any], digest: FromPath[str], pool: Pool) -> Response[bytes]:
    """A photo, for a page that shows it."""
    return await shown(request, pool, digest)


@get("/authority/reviews")
async def show_queue(
    request: Request[Caller, Any, Any], pool: Pool, config: Config, cursor: FromQuery[str] = ""
) -> Response[Any]:
    """What to look at, what first."""
    async with pool.acquire() as connection:
        queue = await review_queue.read(
            connection, config, request.user.member, datetime.now(UTC), cursor or None, PAGE
        )
    return page(request, "reviews", queue=queue)


@get("/authority/reviews/{action_id:uuid}")
async def show_act(
    request: Request[Caller, Any, Any], action_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """One act: its photos, what is claimed, what the rule said; and the decision asked for."""
    return await act_page(request, action_id, pool, config, Typed())


async def act_page(
    request: Request[Caller, Any, Any],
    action_id: UUID,
    pool: asyncpg.Pool,
    config: Settings,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed and what is wrong with it."""
    async with pool.acquire() as connection:
        act, outcome = await review_queue.find(connection, config, request.user.member, action_id, datetime.now(UTC))
    return page(
        request,
        "review",
        typed=typed,
        refusal=refusal,
        fields={},
        act=act,
        outcome=outcome,
        reduction=read_reduction(act.trace),
        id=str(new_id()),
    )


@post("/authority/reviews/{action_id:uuid}", status_code=200)
async def decide(
    request: Request[Caller, Any, Any], action_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """Decide, and go on with the next."""
    typed = await typed_in(request)

    async def do(connection: Connection) -> str:
        new = decoded(
            {
                "decision": typed["decision"],
                "because": in_one_line(typed["because"]),
                "round": 2 if typed["round"] == "2" else 1,
            },
            NewReview,
        )
        await reviews.decide(connection, request.user.member, action_id, new, datetime.now(UTC))
        return "/authority/reviews"

    try:
        return see_other(await done_once(request, pool, typed, do))
    except NotFound:
        raise
    except Refusal as refusal:
        return await act_page(request, action_id, pool, config, typed, refusal)


def in_one_line(text: str) -> str:
    """Words as typed, without line breaks."""
    return " ".join(text.split())


@get("/me/actions/{action_id:uuid}/appeal")
async def ask_appeal(request: Request[Caller, Any, Any], action_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Why the act should be looked at again."""
    return await appeal_page(request, action_id, pool, Typed())


async def appeal_page(
    request: Request[Caller, Any, Any],
    action_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The form, with what was decided so far."""
    async with pool.acquire() as connection:
        act = await actions.find_own(connection, request.user.member, action_id)
        outcome = await reviews.outcome(connection, action_id, datetime.now(UTC))
    return page(
        request, "appeal", typed=typed, refusal=refusal, fields={}, action=act, outcome=outcome, id=str(new_id())
    )


@post("/me/actions/{action_id:uuid}/appeal", status_code=200)
async def appeal(request: Request[Caller, Any, Any], action_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Appeal, once."""
    typed = await typed_in(request)

    async def do(connection: Connection) -> str:
        new = decoded({"because": in_one_line(typed["because"])}, NewAppeal)
        await appeals.appeal(connection, request.user.member, action_id, new, datetime.now(UTC))
        return f"/me/actions/{action_id}"

    try:
        return see_other(await done_once(request, pool, typed, do))
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        return await appeal_page(request, action_id, pool, typed, refusal)


routes = [show_photo, show_queue, show_act, decide, ask_appeal, appeal]
