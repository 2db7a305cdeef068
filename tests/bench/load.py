"""The load, in a process of its own: keep-alive connections that send the next request when the last is answered.

    python -m tests.bench.load < plan > result        both msgpack

Lean on purpose: what it costs is taken from the same cores that the server runs on. `ceiling.py` says how much it
could send at most.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator

import httptools
import msgspec
import uvloop


class Plan(msgspec.Struct, kw_only=True):
    """What to send to 127.0.0.1. `repeat` starts again when the requests are used up; else the load ends early.

    With `per_s` requests leave at that rate, whatever becomes of those before (an open loop), each on the
    connection longest free, as long as there is one. Times before `warm_up_s` are not counted.
    """

    port: int
    requests: list[bytes]
    seconds: float
    connections: int = 64
    warm_up_s: float = 1.0
    repeat: bool = False
    per_s: float | None = None


class Result(msgspec.Struct, kw_only=True):
    """What came back after the warm-up: how many a second, by status, and how long each took (ms).

    `answered_at` (the machine's monotonic clock, s) has every answer in order of arrival, the warm-up's too.
    """

    per_s: float
    answers: int
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float
    answered_at: list[float] = []
    strange: str | None = None


class Load:
    """One load under way."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.requests: Iterator[bytes] = itertools.cycle(plan.requests) if plan.repeat else iter(plan.requests)
        self.answered: list[tuple[float, float, int]] = []
        self.strange: str | None = None
        self.free: deque[Connection] = deque()
        self.waiting = 0
        self.owed = 0
        self.done = asyncio.Event()

    async def run(self) -> Result:
        """Send until the time or the requests are used up."""
        loop = asyncio.get_running_loop()
        opened = [
            (await loop.create_connection(lambda: Connection(self), "127.0.0.1", self.plan.port))[1]
            for _ in range(self.plan.connections)
        ]
        began = time.monotonic()
        ends = began + self.plan.warm_up_s + self.plan.seconds
        if self.plan.per_s is None:
            for connection in opened:
                self.next(connection)
        else:
            self.free.extend(opened)
            self.pace(began, self.plan.per_s, itertools.count())
        loop.call_later(ends - began, self.done.set)
        await self.done.wait()
        return self.result(began + self.plan.warm_up_s, min(ends, time.monotonic()))

    def next(self, connection: Connection) -> None:
        """Send the next request on a connection, if there is one."""
        request = next(self.requests, None)
        if request is not None:
            self.waiting += 1
            connection.send(request)
        elif not self.waiting:
            self.done.set()

    def pace(self, began: float, per_s: float, numbers: Iterator[int]) -> None:
        """Send what is due by now, and come back when the next is."""
        loop = asyncio.get_running_loop()
        for number in numbers:
            due = began + number / per_s
            if (wait := due - time.monotonic()) > 0:
                loop.call_later(wait, self.pace, began, per_s, itertools.chain([number], numbers))
                return
            if self.done.is_set():
                return
            if self.free:
                self.next(self.free.popleft())
            else:
                self.owed += 1

    def answer(self, connection: Connection, status: int, body: Callable[[], str]) -> None:
        """Note an answer; go on."""
        self.waiting -= 1
        self.answered.append((time.monotonic(), connection.sent_at, status))
        if status >= 300 and self.strange is None:
            self.strange = body()
        if self.plan.per_s is not None and not self.owed:
            self.free.append(connection)
            return
        self.owed = max(0, self.owed - 1)
        self.next(connection)

    def result(self, since: float, until: float) -> Result:
        """What was measured between two instants."""
        counted = [each for each in self.answered if since <= each[0] < until]
        took = sorted(at - sent_at for at, sent_at, _ in counted) or [float("nan")]
        return Result(
            per_s=len(counted) / (until - since),
            answers=len(counted),
            statuses=dict(Counter(status for _, _, status in counted)),
            p50_ms=took[len(took) // 2] * 1000,
            p99_ms=took[len(took) * 99 // 100] * 1000,
            answered_at=[at for at, _, _ in self.answered] if self.plan.per_s else [],
            strange=self.strange,
        )


class Connection(asyncio.Protocol):
    """A keep-alive connection with at most one request under way."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.sent_at = 0.0
        self.parser = httptools.HttpResponseParser(self)
        self.body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.write = transport.write  # type: ignore[attr-defined]

    def send(self, request: bytes) -> None:
        """Send a request."""
        self.sent_at = time.monotonic()
        self.write(request)

    def data_received(self, data: bytes) -> None:
        """Part of an answer, or all of it."""
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Part of an answer's body."""
        self.body.append(body)

    def on_message_complete(self) -> None:
        """An answer is whole."""
        body, self.body = self.body, []
        self.load.answer(self, self.parser.get_status_code(), lambda: b"".join(body).decode())

    def connection_lost(self, error: Exception | None) -> None:
        """The server closed the connection: it is not to, while there is load."""
        if not self.load.done.is_set():
            self.load.strange = f"a connection was lost: {error!r}"
            self.load.done.set()


async def main(plan: Plan) -> Result:
    """Run a plan."""
    return await Load(plan).run()


if __name__ == "__main__":
    given = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Plan)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(msgspec.msgpack.encode(runner.run(main(given))))
