"""Every route, tried with what the OpenAPI document allows and with what it forbids: it answers as documented.

Against a server of its own on this machine, so that requests go the whole way. All routes that one process tries share
the server and its database; each is called by an organizer of its own.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
import redis
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from litestar import Litestar
from msgspec import structs
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    ignored_auth,
    positive_data_acceptance,
    unsupported_method,
)

from service import members, organizations, sessions
from service.access import ACCESS, Role
from service.app import create_app
from service.config import Config
from service.db import transaction
from service.limits import Limits
from tests.conftest import application, audited
from tests.machines import Machines, clone_database, drop_database
from tests.people import Headers, bearer

NOWHERE = Config(database_url="postgresql://nowhere", redis_url="redis://nowhere", secret=b"test" * 8, local=True)
SCHEMA = schemathesis.openapi.from_dict(create_app(NOWHERE).openapi_schema.to_schema())
ROUTES = [f"{method.upper()} {path}" for path, methods in SCHEMA.raw_schema["paths"].items() for method in methods]
"""As the rows of service.access name them."""
NUMBERS = count()


@schemathesis.serializer(
    "application/x-ndjson",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
def as_it_is(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """Lines that a partner sends, and files, are what they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


# Left out, with the reason:
EXCLUDED: list[Any] = [
    unsupported_method,  # OPTIONS is answered on every route (RFC 9110, 9.3.7), documented on none
    allow_header_conformance,  # the framework's OPTIONS names the methods of one of a path's handlers only
    positive_data_acceptance,  # what the schema allows may still name an event or a code that is not there
]


@dataclass(frozen=True)
class Live:
    """A server that all routes share, and how to talk to it."""

    url: str
    session: requests.Session
    app: Litestar
    config: Config
    pool: asyncpg.Pool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(servers: Machines, database_name: str, own_redis_url: str) -> AsyncIterator[Live]:
    """The server, on a database of its own whose books must be in order when all is tried."""
    url = await clone_database(servers, f"{database_name}_routes")
    config = structs.replace(NOWHERE, database_url=url, redis_url=own_redis_url, pool_size=5)
    async with audited(config) as pool:
        with application(config) as app, serving(app) as address, requests.Session() as session:
            session.trust_env = False
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            yield Live(address, session, app, config, pool)
    await drop_database(servers.database_url, f"{database_name}_routes")
    with redis.from_url(own_redis_url) as client:
        client.flushdb()


@contextmanager
def serving(app: Litestar) -> Iterator[str]:
    """Serve in another thread; the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest_asyncio.fixture(loop_scope="module")
async def organizer(live: Live) -> Headers:
    """The header of somebody new who has founded an organization, whatever became of those before; nobody has asked
    anything yet."""
    live.app.state.limits = Limits(live.config)
    now = datetime.now(UTC)
    async with transaction(live.pool) as connection:
        member = await members.member_by_phone(connection, live.config, f"139{next(NUMBERS):08}")
        await organizations.found(connection, member, organizations.NewOrganization(name="碳惠会务"))
        session = await sessions.open_session(connection, member, "app", str(uuid4()), now)
        tokens = await sessions.issue_tokens(connection, live.config, session, now)
    return bearer({"access_token": tokens.access_token})


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_answers_as_documented(route: str, live: Live, organizer: Headers) -> None:
    public = Role.PUBLIC in ACCESS[route]
    headers = None if public else organizer
    excluded = [*EXCLUDED, *([ignored_auth] if public else [])]

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    def answers_as_documented(case: schemathesis.Case) -> None:
        case.call_and_validate(base_url=live.url, session=live.session, headers=headers, excluded_checks=excluded)

    method, path = route.split()
    test = build_operation_test(
        config=SCHEMA.config,
        operation=SCHEMA[path][method],
        test_func=answers_as_documented,
        given_kwargs={},
        feedback=FeedbackSources(),
    )
    test()
