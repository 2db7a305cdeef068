"""Every route, tried with what the OpenAPI document allows and with what it forbids: it answers as documented.

Against a server of its own on this machine, so that requests go the whole way.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    ignored_auth,
    positive_data_acceptance,
    unsupported_method,
)

from service.access import ACCESS, Role
from service.app import create_app
from service.config import Config
from tests.conftest import application
from tests.people import WANG, found_organization

NOWHERE = Config(database_url="postgresql://nowhere", redis_url="redis://nowhere", secret=b"test" * 8, local=True)
DOCUMENT = create_app(NOWHERE).openapi_schema.to_schema()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that need none: to read the world's takes each of them 25 ms."""


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


@pytest.fixture
async def live(config: Config, database: asyncpg.Pool) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """A server's address, and the header of an organizer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with application(config) as app:
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            async with httpx.AsyncClient(base_url=url, verify=NO_AUTHORITIES) as client:
                while not server.started and thread.is_alive():  # noqa: ASYNC110 - it starts in another thread
                    await asyncio.sleep(0.01)
                headers, _ = await found_organization(client, WANG)
            yield url, headers
        finally:
            server.should_exit = True
            thread.join()


@SCHEMA.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
def test_a_route_answers_as_documented(case: schemathesis.Case, live: tuple[str, dict[str, str]]) -> None:
    url, organizer = live
    public = Role.PUBLIC in ACCESS[f"{case.operation.method.upper()} {case.operation.path}"]
    excluded = [*EXCLUDED, *([ignored_auth] if public else [])]
    case.call_and_validate(base_url=url, headers=None if public else organizer, excluded_checks=excluded)
