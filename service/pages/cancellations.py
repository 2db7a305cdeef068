"""Cancelling an event: told beforehand that it is for good, and what becomes of what was given."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from service import cancellations, retirable
from service.access import Caller
from service.api.given import Pool
from service.cancellations import NewCancellation
from service.db import Connection, new_id
from service.errors import Refusal
from service.pages.organize import decoded, done_or_again, own_event
from service.pages.rendering import Typed, page, typed_in


@get("/organize/events/{event_id:uuid}/cancel")
async def ask_cancellation(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Why, and whether one is sure."""
    return await cancel_page(request, event_id, pool, Typed())


async def cancel_page(
    request: Request[Caller, Any, Any],
    event_id: UUID,
    pool: asyncpg.Pool,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The form, with what the event was given and has not retired."""
    async with pool.acquire() as connection:
        event = await own_event(connection, request.user, event_id)
        held = await retirable.held_by_event(connection, event_id)
    return page(
        request,
        "cancel",
        typed=typed,
        refusal=refusal,
        fields={},
        event=event,
        held_g=retirable.total_g(held),
        id=str(new_id()),
    )


@post("/organize/events/{event_id:uuid}/cancel", status_code=200)
async def cancel(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Cancel. Sent twice, it is done once."""
    typed = await typed_in(request)

    async def do(connection: Connection) -> str:
        new = decoded({"because": typed["because"]}, NewCancellation)
        await cancellations.cancel(connection, request.user, event_id, new.because.strip())
        return f"/events/{event_id}"

    return await done_or_again(request, pool, typed, do, partial(cancel_page, request, event_id, pool))


routes = [ask_cancellation, cancel]
