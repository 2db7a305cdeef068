"""What every test stands on: real servers, a fresh copy of the migrated database, no way out of this machine."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import httpx
import pytest
import redis
from hypothesis import Phase, settings
from litestar import Litestar

from service import ledger, transfer_log
from service.app import create_app
from service.config import Config
from service.db import open_pool, transaction
from service.events import Event
from service.limits import Limits
from tests.browsing import open_event
from tests.machines import Machines, clone_database, drop_database, machines

SERVERS = pytest.StashKey[Machines]()
STARTED = pytest.StashKey[ExitStack]()
SPARE: dict[Config, list[Litestar]] = {}
"""Applications that have served a test and may serve another of the same settings."""
settings.register_profile("long", max_examples=1_000, stateful_step_count=60, deadline=None)
settings.register_profile(
    "unshrunk", max_examples=40, stateful_step_count=40, deadline=None, database=None, phases=[Phase.generate]
)


gc.disable()  # while modules are read, which leaves no garbage: to look for it takes a fifth of that time


def pytest_collection_finish() -> None:
    """All modules are read, and will stay: nobody need look through them again."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """With several processes the first one starts the servers, before the others ask for them."""
    config.stash[SERVERS] = start_servers(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process where the servers are."""
    servers = node.config.stash[SERVERS]
    node.workerinput["servers"] = [servers.database_url, servers.redis_url, servers.template]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    if STARTED in config.stash:
        config.stash[STARTED].close()


def start_servers(config: pytest.Config) -> Machines:
    """Start them; they run to the end of the run."""
    config.stash[STARTED] = ExitStack()
    return config.stash[STARTED].enter_context(machines())


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Machines:
    """PostgreSQL and Valkey, one of each for all processes of the run, started when first asked for."""
    if found := getattr(request.config, "workerinput", {}).get("servers"):
        return Machines(*found)
    return start_servers(request.config)


@pytest.fixture(scope="session")
def own_redis_url(servers: Machines, request: pytest.FixtureRequest) -> str:
    """This process's own database of Valkey. Refuses one that holds something, since tests empty it."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    url = f"{servers.redis_url.partition('?')[0]}?db={worker[2:]}"
    with redis.from_url(url) as client:
        if client.dbsize():
            pytest.exit(f"{url} is not empty: name a server for tests in TANHUI_TEST_REDIS_URL", returncode=3)
    return url


@pytest.fixture
def redis_url(own_redis_url: str) -> Iterator[str]:
    """An empty database of Valkey."""
    yield own_redis_url
    with redis.from_url(own_redis_url) as client:
        client.flushdb()


@pytest.fixture(scope="session")
def database_name(servers: Machines) -> Iterator[str]:
    """The name of this process's databases, one after the other."""
    name = f"{servers.template}_{os.getpid()}"
    yield name
    asyncio.run(drop_database(servers.database_url, name))


@pytest.fixture
async def database_url(servers: Machines, database_name: str) -> str:
    """A fresh, migrated database of the test's own: the last test's is dropped."""
    return await clone_database(servers, database_name)


@pytest.fixture
def config(database_url: str, redis_url: str) -> Config:
    """Settings that lead to the test's own servers."""
    return Config(database_url=database_url, redis_url=redis_url, secret=b"test" * 8, local=True, pool_size=5)


@pytest.fixture
async def database(config: Config) -> AsyncIterator[asyncpg.Pool]:
    """A pool on the test's own database."""
    async with audited(config) as pool:
        yield pool


@asynccontextmanager
async def audited(config: Config) -> AsyncIterator[asyncpg.Pool]:
    """A pool on a database. Afterwards the books must be in order, and so when the log is sealed."""
    pool = await open_pool(config)
    yield pool
    async with transaction(pool) as connection:
        assert await ledger.audit(connection) == []
        if await transfer_log.seal(connection, config):
            assert await ledger.audit(connection) == []
    await pool.close()


@pytest.fixture
async def client(config: Config, database: asyncpg.Pool) -> AsyncIterator[httpx.AsyncClient]:
    """The application over HTTP, in this process and event loop, so that requests can truly overlap."""
    async with serving(config) as client:
        yield client


@pytest.fixture
async def event(database: asyncpg.Pool, config: Config) -> Event:
    """An event that is open, of 王芳's organization."""
    return await open_event(database, config)


@asynccontextmanager
async def serving(config: Config) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with these settings. A fault of our own is raised, not answered 500."""
    with application(config) as app:
        async with client_of(app) as client:
            yield client


@contextmanager
def application(config: Config) -> Iterator[Litestar]:
    """An application with these settings that remembers nobody.

    To build one takes three times as long as the rest of a short test. What it holds while it serves is made at its
    start; beside that it only counts.
    """
    spare = SPARE.setdefault(config, [])
    app = spare.pop() if spare else create_app(config)
    app.state.limits = Limits(config)
    yield app
    spare.append(app)


@asynccontextmanager
async def client_of(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that serves meanwhile."""
    started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()

    async def live() -> None:
        """Hold the application's resources, from beginning to end in one task (a fixture's two halves are in two)."""
        async with app.lifespan():
            started.set_result(None)
            await stop.wait()

    living = asyncio.create_task(live())
    await asyncio.wait({living, started}, return_when=asyncio.FIRST_COMPLETED)
    try:
        transport = httpx.ASGITransport(app)
        if started.done():
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver.local") as client:
                yield client
    finally:
        stop.set()
        await living


def stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise at the first attempt to reach another machine, by address or by name."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not is_here(host):
        raise RuntimeError(f"a test reaches for {host}: only this machine is allowed")


def is_here(host: str | bytes | None) -> bool:
    """Whether a host is this machine by loopback."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost", "testserver.local"}:
        return True
    try:
        address = ipaddress.ip_address(name or "")
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


sys.addaudithook(stay_on_this_machine)
