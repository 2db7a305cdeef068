"""The way to PostgreSQL: one pool a process, one transaction a request or job."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
import msgspec
import uuid_utils.compat
from asyncpg.pool import PoolConnectionProxy

from service.config import Config

Connection: TypeAlias = "asyncpg.Connection | PoolConnectionProxy"
new_id = uuid_utils.compat.uuid7
"""A time-ordered id (RFC 9562 version 7) as the standard library's `UUID`."""


async def set_up_connection(connection: Connection) -> None:
    """Teach a connection our types: jsonb columns carry msgspec-encoded bytes, untouched."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda encoded: b"\x01" + encoded,
        decoder=lambda stored: bytes(stored[1:]),
    )


SETTINGS = {"timezone": "UTC", "application_name": "tanhui", "jit": "off"}
PLANNED_EACH_TIME = {"plan_cache_mode": "force_custom_plan"}
"""A plan kept from when a table was small reads all of it when it has grown."""
PLANNED_ONCE = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""For hot writes, whose one right plan is to look each row up by an index, however large the tables are."""


async def open_pool(config: Config, *, hot: bool = False) -> asyncpg.Pool:
    """Connect; `hot` for the writes that committers gather. Raises what asyncpg raises when the server is away."""
    return await asyncpg.create_pool(
        config.database_url,
        min_size=1,
        max_size=config.pool_size,
        init=set_up_connection,
        command_timeout=30,
        server_settings=SETTINGS | (PLANNED_ONCE if hot else PLANNED_EACH_TIME),
        reset=leave_as_it_is if hot else None,
    )


async def leave_as_it_is(_: asyncpg.Connection) -> None:
    """Give a hot connection back without asking the server to reset it: what is done there leaves nothing behind."""


@asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """A connection in a transaction: committed when the block ends well, rolled back when it raises."""
    async with pool.acquire() as connection, connection.transaction():
        yield connection


AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What is raised when PostgreSQL does not answer, starts or stops. The driver raises its internal error for what is
asked on a connection that the server has just ended."""
encode_json = msgspec.json.Encoder(decimal_format="string").encode
"""What goes into a jsonb column."""
