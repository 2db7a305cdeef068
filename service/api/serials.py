"""Serials, in both directions: of a gram, for everyone; of an act, for whose it is."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, PathParameter

from service import serials
from service.access import Caller
from service.api.given import Pool
from service.api.problems import refuses
from service.serials import ActSerials, PublicSerial
from service.transfer_log import NotSealedYet

ClassId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
Serial = Annotated[int, PathParameter(ge=1, le=2**53)]


@get("/serials/{class_id:int}/{serial:int}", responses=refuses(NotSealedYet))
async def read_serial(class_id: ClassId, serial: Serial, pool: Pool) -> PublicSerial:
    """The act that earned a gram, its place in the log, and what became of the gram. It names no person."""
    async with pool.acquire() as connection:
        return await serials.find(connection, class_id, serial)


@get("/acts/{transfer_id:uuid}/serials", responses=refuses(NotSealedYet))
async def read_act_serials(request: Request[Caller, Any, Any], transfer_id: FromPath[UUID], pool: Pool) -> ActSerials:
    """The serials of what one's own act earned, by the act's id, and which of them have left circulation."""
    async with pool.acquire() as connection:
        return await serials.of_act(connection, request.user.member, transfer_id)


routes = [read_serial, read_act_serials]
