"""One client's keep-alive connection: asked over it, cut off half way, opened anew when it is lost."""

from __future__ import annotations

import asyncio
import re

import msgspec

PATIENCE_S = 20.0
"""How long a client waits for an answer before it asks again on another connection."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Answer(msgspec.Struct, frozen=True):
    """What came back, whole."""

    status: int
    body: bytes


class Lost(Exception):
    """No answer: the connection was refused, closed or silent. What was asked may be done or not."""


class Line:
    """A connection to a port of this machine with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and read its answer. Raises Lost."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await self.open()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                return Answer(int(head[9:12]), await reader.readexactly(int(length[1]) if length else 0))
        except (OSError, EOFError, TimeoutError) as lost:
            self.drop()
            raise Lost from lost

    async def cut(self, part: bytes, after_s: float) -> None:
        """Send so much of a request and go, without waiting for an answer."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                _, writer = await self.open()
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(after_s)
        except (OSError, TimeoutError) as lost:
            raise Lost from lost
        finally:
            self.drop()

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection as it is, or a new one."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        return self.streams

    def drop(self) -> None:
        """Let the connection go at once."""
        if self.streams is not None:
            self.streams[1].transport.abort()
            self.streams = None
