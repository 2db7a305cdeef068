"""The public log of transfers, and what became of any gram: for anyone who wants to check."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from service import serials, transfer_log
from service.access import Caller
from service.api.given import Config, Pool
from service.api.serials import ClassId, Serial
from service.certificates import SerialsUnreadable, read_serials
from service.checkpoints import Checkpoint, public_key
from service.db import Connection
from service.errors import Refusal
from service.pages.rendering import Typed, page, see_other
from service.transfer_log import NoCheckpoint


@get("/log")
async def show_log(request: Request[Caller, Any, Any], pool: Pool, config: Config) -> Response[Any]:
    """The latest signed root, the key to check it by, and how."""
    return await log_page(request, pool, config, Typed())


async def log_page(
    request: Request[Caller, Any, Any], pool: Pool, config: Config, typed: Typed, refusal: Refusal | None = None
) -> Response[Any]:
    """The page, with a serial that could not be read where one was typed."""
    async with pool.acquire() as connection:
        checkpoint = await latest(connection)
    return page(
        request,
        "log",
        typed=typed,
        refusal=refusal,
        fields={"serials_unreadable": "serials"},
        checkpoint=checkpoint,
        root=b64encode(checkpoint.root).decode() if checkpoint else "",
        key=public_key(config),
    )


async def latest(connection: Connection) -> Checkpoint | None:
    """The latest checkpoint; None while nothing is sealed."""
    try:
        return (await transfer_log.published(connection)).checkpoint
    except NoCheckpoint:
        return None


@get("/serials")
async def find_serials(
    request: Request[Caller, Any, Any], pool: Pool, config: Config, serials: FromQuery[str] = ""
) -> Response[Any]:
    """To the first gram of a block, as certificates write it."""
    try:
        found = read_serials(serials[:300])
    except SerialsUnreadable as refusal:
        return await log_page(request, pool, config, Typed(serials=serials[:300]), refusal)
    return see_other(f"/serials/{found.class_id}/{found.first}")


@get("/serials/{class_id:int}/{serial:int}")
async def show_serial(
    request: Request[Caller, Any, Any], class_id: ClassId, serial: Serial, pool: Pool
) -> Response[Any]:
    """The act that earned a gram, and what became of the gram."""
    async with pool.acquire() as connection:
        found = await serials.find(connection, class_id, serial)
    return page(request, "serial", found=found)


@get("/me/transfers/{transfer_id:uuid}/proof")
async def keep_proof(
    request: Request[Caller, Any, Any], transfer_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[bytes]:
    """What a party of a transfer keeps as its proof, as a file."""
    async with pool.acquire() as connection:
        bundle = await transfer_log.inclusion(connection, config, request.user, transfer_id)
    return Response(
        msgspec.json.encode(bundle),
        media_type="application/json",
        headers={
            "content-disposition": f'attachment; filename="tanhui-{transfer_id}.json"',
            "cache-control": "no-store",
        },
    )


routes = [show_log, find_serials, show_serial, keep_proof]
