"""A gate's code, for paper and for a screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath

from service import events, posters
from service.access import Caller, Role
from service.api.given import Config, Pool
from service.api.problems import refuses
from service.organizations import require
from service.posters import MEDIA_TYPES, Form, ScreenCode

PICTURE = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))


@dataclass
class Pictures(Operation):
    """A route that answers with pictures of several kinds."""

    def __post_init__(self) -> None:
        assert self.responses is not None
        self.responses["200"] = OpenAPIResponse(
            description="The poster", content=dict.fromkeys(MEDIA_TYPES.values(), PICTURE)
        )


@get(
    "/events/{event_id:uuid}/gates/{gate_id:int}/poster/{form:str}",
    operation_class=Pictures,
    responses=refuses(),
    cache_control=CacheControlHeader(private=True, max_age=300),
)
async def show_poster(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    gate_id: FromPath[int],
    form: FromPath[Form],
    pool: Pool,
    config: Config,
) -> Response[bytes]:
    """The gate's code for paper: the QR alone as PNG or SVG, or an A4 page to print."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.VIEWER)
        event = await events.find(connection, event_id)
    gate = event.gate(gate_id)
    return Response(
        await posters.poster(config, event, gate, form),
        media_type=MEDIA_TYPES[form],
        headers={"content-disposition": f'inline; filename="{gate.short_code}.{form}"'},
    )


@get(
    "/events/{event_id:uuid}/gates/{gate_id:int}/screen-code",
    responses=refuses(),
    cache_control=CacheControlHeader(no_store=True),
)
async def show_screen_code(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], gate_id: FromPath[int], pool: Pool, config: Config
) -> ScreenCode:
    """The gate's code for a screen, new every minute: whoever scans it in time stood there."""
    async with pool.acquire() as connection:
        await require(connection, request.user, event_id, Role.ORGANIZER, Role.GATE)
        event = await events.find(connection, event_id)
    return posters.screen(config, event.gate(gate_id), datetime.now(UTC))


routes = [show_poster, show_screen_code]
