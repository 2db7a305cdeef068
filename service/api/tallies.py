"""An event's tally: read once, or watched as it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from service import tallies
from service.access import READERS, Caller
from service.api.given import Pool, Streams
from service.api.problems import refuses
from service.organizations import require
from service.tallies import Tally

RETRY_MS = 1_000

LastSeen = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID", max_length=40, description="The sequence last seen: only what differs is sent."
    ),
]


@get("/events/{event_id:uuid}/tally", responses=refuses())
async def read_tally(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Tally:
    """The event's sums as last folded."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
        return await tallies.read(connection, event_id)


@get(
    "/events/{event_id:uuid}/tally/stream",
    media_type="text/event-stream",
    responses={**refuses(), 200: ResponseSpec(str, media_type="text/event-stream", generate_examples=False)},
)
async def stream_tally(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    pool: Pool,
    streams: Streams,
    last_seen: LastSeen = None,
) -> ServerSentEvent:
    """Server-sent events: `tally` with the sums at once and at each change, `heartbeat` when nothing changes.

    The id is the sequence. The stream ends after fifteen minutes; come back with `Last-Event-ID`.
    """
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, *READERS)
    return tally_events(streams, event_id, last_seen)


def tally_events(streams: Streams, event_id: UUID, last_seen: str | None) -> ServerSentEvent:
    """The stream of an event's tally, for a caller who may see it."""
    seen = int(last_seen) if last_seen and last_seen.isascii() and last_seen.isdigit() else None
    return ServerSentEvent(messages(streams, event_id, seen), retry_duration=RETRY_MS)


async def messages(streams: Streams, event_id: UUID, seen: int | None) -> AsyncIterator[ServerSentEventMessage]:
    """What a viewer is sent, as server-sent events."""
    async with aclosing(streams.watch(event_id, seen)) as newest:
        async for message in newest:
            yield ServerSentEventMessage(data=message.data, event=message.event, id=message.sequence)


routes = [read_tally, stream_tally]
