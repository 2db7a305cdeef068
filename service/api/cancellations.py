"""Organizers cancel events."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.params import FromPath, JSONBody

from service import cancellations
from service.access import Caller
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.cancellations import AlreadyCancelled, Cancellation, EventConfirmed, EventSettled, NewCancellation


@post(
    "/events/{event_id:uuid}/cancellation",
    status_code=201,
    responses=refuses(*WRITES, AlreadyCancelled, EventSettled, EventConfirmed),
)
async def cancel(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewCancellation],
    key: Key,
    pool: Pool,
) -> Response[Cancellation]:
    """Cancel an event, for good. What was given to it and not retired goes back to its donors, soon after."""
    return await answer_once(
        request, pool, key, data, lambda c: cancellations.cancel(c, request.user, event_id, data.because.strip())
    )


routes = [cancel]
