"""Many requests, one transaction, a verdict each.

Requests that arrive while a set is being committed form the next set, so that a lone request waits for nobody and a
crowd shares its commits. A set that fails as a whole is done again one by one: a bad row refuses only itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from typing import Generic, TypeVar

import asyncpg

from service.db import AWAY, Connection
from service.errors import NotReady, Refusal

Request = TypeVar("Request")
Verdict = TypeVar("Verdict")
Work = Callable[[Connection, Sequence[Request]], Awaitable[Sequence[Verdict | Refusal]]]
Waiting = tuple[Request, "asyncio.Future[Verdict]"]


class GroupCommitter(Generic[Request, Verdict]):
    """Hands requests to `work` in sets, each set in a transaction of its own, unless `work` sees to that.

    `work(connection, requests)` returns one verdict or Refusal a request, in order. The first lane serves
    whoever comes; others, up to `lanes` sets at once, open only for a `crowd`, since small sets cost as much as large
    ones. Beyond `queue_limit` waiting requests, `submit` raises NotReady.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        work: Work[Request, Verdict],
        *,
        set_limit: int = 128,
        queue_limit: int = 4_096,
        lanes: int = 2,
        crowd: int = 16,
        in_transaction: bool = True,
    ) -> None:
        self._pool = pool
        self._work = work
        self._set_limit = set_limit
        self._queue_limit = queue_limit
        self._lanes = lanes
        self._crowd = crowd
        self._in_transaction = in_transaction
        self._waiting: deque[Waiting[Request, Verdict]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    async def submit(self, request: Request) -> Verdict:
        """The verdict on a request, once it is committed. Raises its Refusal, or NotReady.

        A caller who is cancelled may find the request done or not: its id tells, when it is sent again.
        """
        if self._closed or len(self._waiting) >= self._queue_limit:
            raise NotReady
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, verdict))
        self._start_lane()
        return await verdict

    def _start_lane(self) -> None:
        """Begin a lane if one is wanted. A lane ends without an await between finding nothing to do and leaving."""
        crowded = len(self._waiting) >= self._crowd
        if not self._running or (crowded and len(self._running) < self._lanes):
            lane = asyncio.get_running_loop().create_task(self._drain())
            self._running.add(lane)
            lane.add_done_callback(self._running.discard)

    async def _drain(self) -> None:
        """Decide sets on one connection as long as there are any. Giving it back takes time: then look again."""
        while self._is_wanted():
            try:
                async with self._pool.acquire() as connection:
                    while (waiting := self._take()) and await self._decide(connection, waiting):
                        pass
            except Exception as fault:  # noqa: BLE001 - whoever waits is told, whatever keeps us from a connection
                tell_all(self._take(), fault)
        lane = asyncio.current_task()
        assert lane
        self._running.discard(lane)

    def _is_wanted(self) -> bool:
        """Whether this lane has something to do. Without a crowd all is left to the other lane."""
        return len(self._waiting) >= (self._crowd if len(self._running) > 1 else 1)

    def _take(self) -> list[Waiting[Request, Verdict]]:
        """The next set: the oldest that still have someone waiting."""
        taken: list[Waiting[Request, Verdict]] = []
        wanted = self._set_limit if self._is_wanted() else 0
        while self._waiting and len(taken) < wanted:
            request, verdict = self._waiting.popleft()
            if not verdict.cancelled():
                taken.append((request, verdict))
        return taken

    async def _decide(self, connection: Connection, waiting: Sequence[Waiting[Request, Verdict]]) -> bool:
        """Commit a set and tell everyone in it. What fails as a set is tried one by one, unless we are offline.

        Returns whether the connection can be used for another.
        """
        try:
            verdicts = await self._commit(connection, [request for request, _ in waiting])
        except Exception as fault:  # noqa: BLE001 - whatever it is belongs to those who wait, not to this lane
            if isinstance(fault, AWAY) and not isinstance(fault, asyncpg.DataError):
                tell_all(waiting, fault)
                return False
            if len(waiting) > 1:
                return all([await self._decide(connection, [one]) for one in waiting])
            tell_all(waiting, fault)
        except BaseException:
            tell_all(waiting, NotReady())
            raise
        else:
            for (_, future), verdict in zip(waiting, verdicts, strict=True):
                tell(future, verdict)
        return True

    async def _commit(self, connection: Connection, requests: Sequence[Request]) -> Sequence[Verdict | Refusal]:
        async with connection.transaction() if self._in_transaction else nullcontext():
            verdicts = await self._work(connection, requests)
        assert len(verdicts) == len(requests)
        return verdicts

    async def close(self) -> None:
        """Take no more, finish what waits."""
        self._closed = True
        while self._running:
            await asyncio.wait(set(self._running))


def tell(future: asyncio.Future[Verdict], verdict: Verdict | Refusal) -> None:
    """Give one caller the verdict, unless they have gone."""
    if future.done():
        return
    if isinstance(verdict, Refusal):
        future.set_exception(verdict)
    else:
        future.set_result(verdict)


def tell_all(waiting: Sequence[Waiting[Request, Verdict]], fault: BaseException) -> None:
    """Give everyone in a set the same fault."""
    for _, future in waiting:
        if not future.done():
            future.set_exception(fault)
