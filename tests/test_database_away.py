"""The database goes away and comes back: we say so, do nothing by halves, and go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import asyncpg
import httpx
import msgspec
import pytest

from service.config import Config
from tests.conftest import serving
from tests.people import WANG, Headers, key, sign_in

MINE = "/v1/organizations"


class Line:
    """A line to the database that can be cut: what a client connects to instead."""

    def __init__(self, database_url: str) -> None:
        self.url = urlsplit(database_url)
        self.cut_before = b""
        self.writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The true server."""
        if folder := parse_qs(self.url.query).get("host"):
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.5432")
        return await asyncio.open_connection(self.url.hostname, self.url.port or 5432)

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes both ways until an end closes or the line is cut."""
        there, back = await self.connect()
        self.writers += [writer, back]
        await asyncio.gather(self.pump(reader, back, self.watch), self.pump(there, writer, lambda _: None))

    def watch(self, data: bytes) -> None:
        """Cut the line before what is not to arrive."""
        if self.cut_before and self.cut_before in data:
            self.cut()
            raise ConnectionError

    async def pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: Callable[[bytes], None]
    ) -> None:
        """Carry bytes one way."""
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                watch(data)
                writer.write(data)
        writer.close()

    def cut(self) -> None:
        """End every connection."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    @asynccontextmanager
    async def open(self, folder: Path) -> AsyncIterator[None]:
        """Take connections in a folder, as PostgreSQL does."""
        server = await asyncio.start_unix_server(self.relay, folder / ".s.PGSQL.5432")
        try:
            yield
        finally:
            server.close()
            self.cut()
            (folder / ".s.PGSQL.5432").unlink(missing_ok=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket."""
    with TemporaryDirectory(prefix="th-") as name:
        yield Path(name)


def through(config: Config, folder: Path) -> Config:
    """Settings that lead to the database by the line."""
    url = urlsplit(config.database_url)
    user = f"{url.netloc.rpartition('@')[0]}@" if "@" in url.netloc else ""
    by_line = urlunsplit(url._replace(netloc=user, query=urlencode({"host": str(folder)})))
    return msgspec.structs.replace(config, database_url=by_line)


async def found(client: httpx.AsyncClient, headers: Headers) -> httpx.Response:
    """Found an organization."""
    return await client.post(MINE, json={"name": "碳惠会务"}, headers=headers)


def check_not_ready(answer: httpx.Response) -> None:
    """Assert that it says to come back soon."""
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready"), answer.text
    assert answer.headers["retry-after"] == "2"


async def test_while_the_database_is_away_we_say_so_and_then_go_on(
    config: Config, database: asyncpg.Pool, folder: Path
) -> None:
    line = Line(config.database_url)
    async with line.open(folder), serving(through(config, folder)) as client:
        headers = await sign_in(client, WANG) | key()
        (folder / ".s.PGSQL.5432").rename(folder / "hidden")
        line.cut()
        for _ in range(3):
            check_not_ready(await found(client, headers))
        assert (await client.get("/healthz")).status_code == 200
        (folder / "hidden").rename(folder / ".s.PGSQL.5432")
        assert (await found(client, headers)).status_code == 201
    assert await database.fetchval("SELECT count(*) FROM organizations") == 1


@pytest.mark.parametrize("moment", [b"INSERT INTO organizations", b"UPDATE idempotent_requests", b"COMMIT"])
async def test_a_request_cut_off_in_the_middle_is_not_half_done_and_its_repeat_is_done_once(
    config: Config, database: asyncpg.Pool, folder: Path, moment: bytes
) -> None:
    line = Line(config.database_url)
    async with line.open(folder), serving(through(config, folder)) as client:
        headers = await sign_in(client, WANG) | key()
        line.cut_before = moment
        check_not_ready(await found(client, headers))
        line.cut_before = b""
        assert await database.fetchval("SELECT count(*) FROM organizations") == 0
        assert await database.fetchval("SELECT count(*) FROM idempotent_requests") == 0
        answers = [await found(client, headers) for _ in range(2)]
        assert [each.status_code for each in answers] == [201, 201]
    assert await database.fetchval("SELECT count(*) FROM organizations") == 1
    assert await database.fetchval("SELECT count(*) FROM organization_members") == 1
