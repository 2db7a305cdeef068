"""The servers that the tests run against: started once, or those that the environment names."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from service.local_data import open_folder
from service.local_postgres import postgres
from service.local_valkey import valkey
from service.migrate import migrate


@dataclass(frozen=True)
class Machines:
    """`database_url` is any database of the server, `template` the migrated one that each test gets a copy of."""

    database_url: str
    redis_url: str
    template: str


MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2_000_000_000


@contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder with a short path that the servers' user may pass through; gone at the end.

    What killed runs left is cleared away first: a folder whose lock nobody holds.
    """
    clear_abandoned(parent or Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix="th-", dir=parent))
    with (folder / "held").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            folder.chmod(0o711)
            yield folder
        finally:
            shutil.rmtree(folder)


def clear_abandoned(parent: Path) -> None:
    """Remove our own scratch folders of over a minute that no process holds."""
    for lock in parent.glob("th-*/held"):
        with suppress(OSError), lock.open("r+") as held:
            if time.time() - lock.stat().st_mtime > 60 and lock.stat().st_uid == os.geteuid():
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent)


@contextmanager
def machines() -> Iterator[Machines]:
    """Servers for a test run. Those of `TANHUI_TEST_DATABASE_URL` and `TANHUI_TEST_REDIS_URL` (else `DATABASE_URL`
    and `REDIS_URL`) if set, else embedded ones that need not survive a power cut."""
    with ExitStack() as stack:
        database_url, redis_url = named("DATABASE_URL"), named("REDIS_URL")
        if not database_url or not redis_url:
            data = open_folder(stack.enter_context(scratch_folder(in_memory())) / "data")
            database_url = database_url or stack.enter_context(postgres(data, durable=False))
            redis_url = redis_url or stack.enter_context(valkey(data))
        template = f"tanhui_test_{os.getpid()}"
        asyncio.run(make_template(database_url, template))
        try:
            yield Machines(database_url, redis_url, template)
        finally:
            asyncio.run(drop_database(database_url, template))


def in_memory() -> Path | None:
    """Where files are made and deleted fastest, if there is room. A copy of the database takes 10 ms there; on ext4,
    which is slow to reuse inodes it has just freed, 30 ms at first and 300 ms after a hundred copies."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES
    return MEMORY if roomy else None


def named(name: str) -> str | None:
    """A server's address from the environment."""
    return os.environ.get(f"TANHUI_TEST_{name}") or os.environ.get(name)


async def make_template(server_url: str, template: str) -> None:
    """A database with every migration applied and nobody connected, ready to be copied."""
    await drop_database(server_url, template)
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f'CREATE DATABASE "{template}"')
    finally:
        await connection.close()
    await migrate(with_database(server_url, template))


async def clone_database(servers: Machines, name: str) -> str:
    """Copy the template, in place of what has that name; returns the copy's URL.

    As files, which takes half of what going through the server's memory and log does.
    """
    connection = await asyncpg.connect(servers.database_url)
    try:
        await drop(connection, name)
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{servers.template}" STRATEGY FILE_COPY')
    finally:
        await connection.close()
    return with_database(servers.database_url, name)


async def drop_database(server_url: str, name: str) -> None:
    """Drop it, whoever is connected."""
    connection = await asyncpg.connect(server_url)
    try:
        await drop(connection, name)
    finally:
        await connection.close()


async def drop(connection: asyncpg.Connection, name: str) -> None:
    """Drop a database, if there is one. While the server itself is vacuuming it we may not, so we try again."""
    for pause_s in (0.1, 0.5, 2, 5, None):
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return
        except asyncpg.InsufficientPrivilegeError:
            if pause_s is None:
                raise
            await asyncio.sleep(pause_s)


def with_database(url: str, name: str) -> str:
    """The same server's other database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
