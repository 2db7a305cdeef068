"""A tally as it climbs: on the organizer's phone, and read only for the authority."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage

from service import events, operators, organizations, tallies
from service.access import READERS, Caller, Role
from service.api.given import Pool, Streams
from service.api.problems import language_of
from service.api.tallies import RETRY_MS
from service.i18n import Language
from service.pages.rendering import fragment, page
from service.streams import Heartbeat, Message
from service.tallies import Tally


@get("/events/{event_id:uuid}/tally/stream", media_type="text/event-stream")
async def stream_tally(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool, streams: Streams
) -> ServerSentEvent:
    """The tally as pieces of the page, at each change; between changes, how fresh it is."""
    async with pool.acquire() as connection:
        await organizations.require(connection, request.user, event_id, *READERS)
    return ServerSentEvent(pieces(streams, event_id, language_of(request)), retry_duration=RETRY_MS)


async def pieces(streams: Streams, event_id: UUID, language: Language) -> AsyncIterator[ServerSentEventMessage]:
    """What a page is sent."""
    zone = ""
    async for message in streams.watch(event_id):
        if message.event == "tally":
            zone = msgspec.json.decode(message.data, type=Tally).time_zone
        yield ServerSentEventMessage(piece(message, language, zone), event=message.event, id=message.sequence)


@lru_cache(maxsize=256)
def piece(message: Message, language: Language, zone: str) -> str:
    """A message as HTML: made once for all who watch."""
    if message.event == "tally":
        return fragment("tally", language, tally=msgspec.json.decode(message.data, type=Tally))
    sign = msgspec.json.decode(message.data, type=Heartbeat)
    return fragment("freshness", language, as_of=sign.as_of, behind_s=sign.behind_s, time_zone=zone)


@get("/authority")
async def show_authority(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """The events of one's region, with their figures."""
    async with pool.acquire() as connection:
        seen = await events.of_caller(connection, request.user)
        found = [e for e in seen if Role.AUTHORITY in await organizations.roles_at(connection, request.user, e.id)]
        figures = {each.id: await tallies.read(connection, each.id) for each in found}
        officer = await operators.of_caller(connection, request.user)
    return page(request, "authority", events=found, tallies=figures, officer=officer, offices=operators.OFFICES)


@get("/authority/events/{event_id:uuid}")
async def watch_event(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """One event of the region, as it climbs."""
    async with pool.acquire() as connection:
        await organizations.require(connection, request.user, event_id, Role.AUTHORITY)
        event = await events.find(connection, event_id)
        tally = await tallies.read(connection, event_id)
    return page(request, "authority_event", event=event, tally=tally, kinds=events.KINDS)


routes = [stream_tally, show_authority, watch_event]
