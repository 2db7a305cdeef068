"""Reviewers decide what held acts are worth; citizens see what was decided, and may appeal once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from service import appeals, review_queue, reviews
from service.access import Caller
from service.api.given import Config, Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.appeals import NewAppeal
from service.review_queue import Queue
from service.reviews import NewReview, Outcome
from service.statements import CursorUnknown

Cursor = Annotated[
    str | None, QueryParameter(min_length=1, max_length=400, description="`next_cursor` of the page before.")
]
PageSize = Annotated[int, QueryParameter(ge=1, le=200)]


@get("/reviews", responses=refuses(CursorUnknown))
async def show_queue(
    request: Request[Caller, Any, Any], pool: Pool, config: Config, cursor: Cursor = None, limit: PageSize = 50
) -> Queue:
    """Acts of the caller's regions that wait for a decision, what to look at first first. Nobody sees their own."""
    async with pool.acquire() as connection:
        return await review_queue.read(connection, config, request.user.member, datetime.now(UTC), cursor, limit)


@post(
    "/actions/{action_id:uuid}/reviews",
    status_code=201,
    responses=refuses(
        *WRITES,
        reviews.AlreadyReviewed,
        reviews.NotInReview,
        reviews.OwnAct,
        reviews.SameReviewer,
        reviews.NothingProves,
    ),
)
async def decide(
    request: Request[Caller, Any, Any], action_id: FromPath[UUID], data: JSONBody[NewReview], key: Key, pool: Pool
) -> Response[Outcome]:
    """Say what an act is worth, and why; its credits are issued at once, or not. Nothing takes a decision back."""
    reviewer, now = request.user.member, datetime.now(UTC)
    return await answer_once(request, pool, key, data, lambda c: reviews.decide(c, reviewer, action_id, data, now))


@get("/actions/{action_id:uuid}/reviews", responses=refuses())
async def show_outcome(request: Request[Caller, Any, Any], action_id: FromPath[UUID], pool: Pool) -> Outcome:
    """What was decided about an act of one's own, or of one's region, and why; not by whom."""
    async with pool.acquire() as connection:
        return await reviews.outcome_for(connection, request.user.member, action_id, datetime.now(UTC))


@post(
    "/actions/{action_id:uuid}/appeals",
    status_code=201,
    responses=refuses(
        *WRITES,
        appeals.NothingToAppeal,
        appeals.AlreadyAppealed,
        appeals.AppealTooLate,
        appeals.AppealOvertaken,
    ),
)
async def appeal(
    request: Request[Caller, Any, Any], action_id: FromPath[UUID], data: JSONBody[NewAppeal], key: Key, pool: Pool
) -> Response[Outcome]:
    """Ask that one's refused act be looked at again, by somebody else: once, and within the operator's days."""
    member, now = request.user.member, datetime.now(UTC)
    return await answer_once(request, pool, key, data, lambda c: appeals.appeal(c, member, action_id, data, now))


routes = [show_queue, decide, show_outcome, appeal]
