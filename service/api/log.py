"""The public log of transfers: its signed checkpoints, and proofs for those whose transfers it holds."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, QueryParameter

from service import transfer_log
from service.access import Caller
from service.api.given import Config, Pool
from service.api.problems import refuses
from service.log_bundles import Bundle
from service.transfer_log import NoCheckpoint, NotSealedYet

Size = Annotated[
    int, QueryParameter(name="from", ge=1, le=2**53, description="The size of the checkpoint kept before.")
]
To = Annotated[
    int | None, QueryParameter(name="to", ge=1, le=2**53, description="A checkpoint's size; else the latest.")
]
Since = Annotated[
    int | None,
    QueryParameter(
        name="since", ge=1, le=2**53, description="The size of a checkpoint kept before: that the log only grew."
    ),
]


@get("/log", responses=refuses(NoCheckpoint))
async def read_log(pool: Pool, config: Config) -> Bundle:
    """The latest signed checkpoint and the log's public key. Keep the key: everything else is checked by it."""
    async with pool.acquire() as connection:
        return await transfer_log.checkpoint(connection, config)


@get("/log/consistency", responses=refuses(NoCheckpoint))
async def read_consistency(pool: Pool, config: Config, size: Size, to: To = None) -> Bundle:
    """A checkpoint, and the proof that it grew from an earlier one without changing any of it."""
    async with pool.acquire() as connection:
        return await transfer_log.consistency(connection, config, size, to)


@get("/transfers/{transfer_id:uuid}/proof", responses=refuses(NotSealedYet, NoCheckpoint))
async def read_proof(
    request: Request[Caller, Any, Any], transfer_id: FromPath[UUID], pool: Pool, config: Config, since: Since = None
) -> Bundle:
    """What a party of a transfer keeps as its proof: `python -m service.cli check-log` checks it offline."""
    async with pool.acquire() as connection:
        return await transfer_log.inclusion(connection, config, request.user, transfer_id, since)


routes = [read_log, read_consistency, read_proof]
