"""Tallies as they change, for whoever watches: one notification, one read, however many viewers.

A process listens on one connection. Each event that somebody watches is read when a fold is announced, at most ten
times a second, and every ten seconds in any case, so that viewers see that we live and how far behind we are. A
viewer gets the newest, whatever it missed: nothing queues.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from service.db import AWAY
from service.tallies import CHANNEL, Tally, read

HEARTBEAT_S = 10.0
READ_PAUSE_S = 0.1
LIFE_S = 900.0
"""A stream ends after as long as an access token lives: its viewer comes back and is asked again who it is."""
LONGEST_PAUSE_S = 5.0

log = logging.getLogger(__name__)


class Heartbeat(msgspec.Struct, frozen=True):
    """Nothing new: the tally is still that of `sequence`, as read at `as_of`."""

    sequence: int
    folded_at: datetime | None
    behind_s: int
    as_of: datetime


class Message(NamedTuple):
    """What a viewer is sent: `tally` with the Tally, or `heartbeat` with a Heartbeat, as JSON."""

    event: str
    sequence: int
    data: bytes


class Watched:
    """One event's newest tally, and who waits for the next."""

    def __init__(self, event_id: UUID) -> None:
        self.event_id = event_id
        self.viewers = 0
        self.changed = asyncio.Event()
        self.turn = asyncio.Event()
        self.newest: Message | None = None
        self.heartbeat: Message | None = None
        self.reading: asyncio.Task[None] | None = None

    def show(self, tally: Tally) -> None:
        """Take a tally as the newest."""
        sign = Heartbeat(tally.sequence, tally.folded_at, tally.behind_s, tally.as_of)
        self.newest = Message("tally", tally.sequence, msgspec.json.encode(tally))
        self.heartbeat = Message("heartbeat", tally.sequence, msgspec.json.encode(sign))

    def wake_viewers(self) -> None:
        """Let everyone who waits look."""
        turn, self.turn = self.turn, asyncio.Event()
        turn.set()


class Streams:
    """The viewers of one process."""

    def __init__(
        self, pool: asyncpg.Pool, database_url: str, *, heartbeat_s: float = HEARTBEAT_S, life_s: float = LIFE_S
    ) -> None:
        self._pool = pool
        self._database_url = database_url
        self._heartbeat_s = heartbeat_s
        self._life_s = life_s
        self._watched: dict[UUID, Watched] = {}
        self._closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Streams]:
        """Listen for the length of the block; at its end every stream ends."""
        listening = asyncio.create_task(self._listen())
        try:
            yield self
        finally:
            self._closed = True
            tasks = [listening, *(each.reading for each in self._watched.values() if each.reading)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for each in self._watched.values():
                each.wake_viewers()

    def viewers(self) -> int:
        """How many watch at the moment."""
        return sum(each.viewers for each in self._watched.values())

    async def watch(self, event_id: UUID, seen: int | None = None) -> AsyncGenerator[Message, None]:
        """The newest tally at once, then whenever it changes, and heartbeats between. `seen` is the last one known."""
        clock = asyncio.get_running_loop().time
        until = clock() + self._life_s
        watched = self._join(event_id)
        try:
            while not self._closed and clock() < until:
                turn = watched.turn
                if watched.newest and watched.heartbeat:
                    message = watched.heartbeat if watched.newest.sequence == seen else watched.newest
                    seen = message.sequence
                    yield message
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await turn.wait()
        finally:
            self._leave(watched)

    def _join(self, event_id: UUID) -> Watched:
        watched = self._watched.setdefault(event_id, Watched(event_id))
        watched.viewers += 1
        if watched.reading is None:
            watched.reading = asyncio.create_task(self._read_on(watched))
        return watched

    def _leave(self, watched: Watched) -> None:
        watched.viewers -= 1
        if not watched.viewers and watched.reading:
            watched.reading.cancel()
            self._watched.pop(watched.event_id, None)

    async def _read_on(self, watched: Watched) -> None:
        """Read whenever something changed, not too often, and now and then in any case."""
        while True:
            watched.changed.clear()
            try:
                async with self._pool.acquire() as connection:
                    watched.show(await read(connection, watched.event_id))
            except Exception as fault:  # noqa: BLE001 - whatever it is, viewers are told how old their tally is
                log.warning("the tally of event %s cannot be read: %r", watched.event_id, fault)
            watched.wake_viewers()
            await asyncio.sleep(READ_PAUSE_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat_s):
                    await watched.changed.wait()

    async def _listen(self) -> None:
        """Stay connected, come what may. After each new connection everything is read anew."""
        pause_s = READ_PAUSE_S
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._listen_once()
            except (asyncpg.PostgresError, *AWAY) as away:
                log.warning("no connection to listen for tallies: %r", away)
            lasted_s = asyncio.get_running_loop().time() - began
            pause_s = READ_PAUSE_S if lasted_s > LONGEST_PAUSE_S else min(pause_s * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - spreads processes, hides nothing

    async def _listen_once(self) -> None:
        """Connect and pass on what is announced, until the connection is gone."""
        gone = asyncio.Event()
        connection = await asyncpg.connect(
            self._database_url, timeout=5, command_timeout=5, server_settings={"application_name": "tanhui tallies"}
        )
        try:
            connection.add_termination_listener(lambda _: gone.set())
            await connection.add_listener(CHANNEL, self._hear)
            for watched in self._watched.values():
                watched.changed.set()
            while not gone.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._heartbeat_s):
                        await gone.wait()
                if not gone.is_set():
                    await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    def _hear(self, _connection: Any, _pid: int, _channel: str, event_id: object) -> None:
        """A fold was committed."""
        if watched := self._watched.get(UUID(str(event_id))):
            watched.changed.set()
