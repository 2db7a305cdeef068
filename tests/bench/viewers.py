"""Those who watch a tally, in a process of their own: `python -m tests.bench.viewers < plan > seen`, both msgpack.

It writes one line when every viewer has seen the tally, and what all of them saw when the plan's time is over.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time

import httptools
import msgspec
import uvloop

TALLY = re.compile(rb"event: tally\r?\ndata: (.+?)\r?\n\r?\n", re.DOTALL)


class Watch(msgspec.Struct, kw_only=True):
    """Who watches what for how long: `request` opens a stream."""

    port: int
    request: bytes
    viewers: int
    seconds: float


class Seen(msgspec.Struct, array_like=True):
    """One event of a stream: when it came (the machine's monotonic clock, s), and the check-ins that it counts."""

    at: float
    check_ins: int


class Counted(msgspec.Struct):
    """The part of a tally that is looked at."""

    check_ins: int


class Viewer(asyncio.Protocol):
    """One stream."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.parser = httptools.HttpResponseParser(self)
        self.buffer = b""
        self.seen: list[Seen] = []
        self.began = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Part of the stream."""
        self.parser.feed_data(data)

    def on_headers_complete(self) -> None:
        """The answer began. Anything but a stream ends us all."""
        assert self.parser.get_status_code() == 200, self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """Note the events that are whole."""
        now = time.monotonic()
        self.buffer += body
        end = 0
        for found in TALLY.finditer(self.buffer):
            self.seen.append(Seen(now, msgspec.json.decode(found[1], type=Counted).check_ins))
            end = found.end()
        self.buffer = self.buffer[end:]
        if self.seen:
            self.began.set()


async def main(watch: Watch) -> list[list[Seen]]:
    """Watch until the time is over."""
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(lambda: Viewer(watch.request), "127.0.0.1", watch.port))[1]
        for _ in range(watch.viewers)
    ]
    async with asyncio.timeout(20):
        for each in opened:
            await each.began.wait()
    sys.stdout.buffer.write(b"ready\n")
    sys.stdout.buffer.flush()
    await asyncio.sleep(watch.seconds)
    return [each.seen for each in opened]


if __name__ == "__main__":
    given = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Watch)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(msgspec.msgpack.encode(runner.run(main(given))))
