"""The load: clients that ask for whatever comes to them, and ask again, under the same key, until it is decided."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import get_args
from uuid import UUID

from service.config import Config
from tests.bench.world import World
from tests.faults import asking
from tests.faults.asking import Asked, Kind, is_decided
from tests.faults.wire import Answer, Line, Lost

REGULARS = 40
"""Members who act and give again and again, so that requests meet at the same accounts."""
LONGEST_S = 180.0
"""How long after the load's end a client still tries. Whoever has no verdict then is a finding."""


class Crowd:
    """Clients of a service with two events. `journal` is all that was asked, `seen` counts what came of each try."""

    def __init__(self, worlds: Sequence[World], members: Sequence[UUID], seed: int, pause_s: float) -> None:
        self.worlds, self.pause_s, self.seed = worlds, pause_s, seed
        self.regulars = members[:REGULARS]
        self.newcomers: Iterator[UUID] = iter(members[REGULARS:])
        self.journal: list[Asked] = []
        self.seen: Counter[str] = Counter()
        self.strange: list[str] = []
        self.given_up_at = float("inf")
        self.stopping = False

    @property
    def config(self) -> Config:
        """The service's settings."""
        return self.worlds[0].stand.config

    def line(self) -> Line:
        """A new client's connection."""
        return Line(self.worlds[0].stand.port)

    async def ask_all_kinds(self) -> None:
        """Return when one of each kind has been accepted. Raises TimeoutError."""
        async with asyncio.timeout(LONGEST_S):
            while {each.kind for each in self.journal if each.accepted} < set(get_args(Kind)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    def stop(self) -> None:
        """Ask nothing new; what is asked may yet be answered."""
        self.stopping = True
        self.given_up_at = time.monotonic() + LONGEST_S

    async def visit(self, number: int) -> None:
        """Be one client until told to stop."""
        random, line, mine = Random(f"{self.seed}/{number}"), self.line(), list[Asked]()
        while not self.stopping:
            asked = self.next_request(random, mine)
            self.journal.append(asked)
            if random.random() < 0.04:
                await self.pull_plug(line, asked, random)
            if asked.part is None:
                await self.insist(line, asked)
            if asked.kind == "check_in" and asked.accepted:
                mine.append(asked)
            await asyncio.sleep(random.uniform(0, 2 * self.pause_s))
        line.drop()

    def next_request(self, random: Random, mine: list[Asked]) -> Asked:
        """What a client wants next."""
        world, dice = random.choice(self.worlds), random.random()
        if dice < 0.12 and mine:
            return asking.undo(random, mine.pop(random.randrange(len(mine))))
        if dice < 0.20 and (travelled := [each.member for each in mine if each.member]):
            return asking.donation(world, random, random.choice(travelled), 3_000)
        if dice < 0.40:
            return asking.donation(world, random, random.choice(self.regulars))
        if dice < 0.60:
            return asking.action(random, random.choice(self.regulars))
        if dice < 0.62:
            return asking.organization(random, random.choice(self.regulars))
        member = next(self.newcomers, None) if dice < 0.80 else None
        return asking.check_in(world, random, member, forged=random.random() < 0.05)

    async def pull_plug(self, line: Line, asked: Asked, random: Random) -> None:
        """Send a request, or half of it, and go away without an answer: for good, or to ask again."""
        request = asked.on_the_wire(self.config)
        half, for_good = random.random() < 0.5, random.random() < 0.5
        part = request[: random.randrange(1, len(request))] if half else request
        self.seen["cut off half way" if half else "gone before the answer"] += 1
        try:
            await line.cut(part, random.uniform(0, 0.02))
        except Lost:
            self.seen["lost"] += 1
        if for_good:
            asked.part = "half" if half else "whole"

    async def insist(self, line: Line, asked: Asked) -> None:
        """Ask until there is a verdict, or until it is too late."""
        for tries in range(1, 100_000):
            answer = await self.try_once(line, asked)
            if answer is not None and is_decided(answer):
                asked.answer = answer
                self.seen["decided at the first try" if tries == 1 else "decided when asked again"] += 1
                return
            if time.monotonic() > self.given_up_at:
                return
            await asyncio.sleep(0.02)

    async def try_once(self, line: Line, asked: Asked) -> Answer | None:
        """Ask once; None when the connection is lost."""
        try:
            answer = await line.ask(asked.on_the_wire(self.config))
        except Lost as lost:
            self.seen["no answer in time" if isinstance(lost.__cause__, TimeoutError) else "lost"] += 1
            return None
        if not is_decided(answer):
            self.seen[f"answered {answer.status}"] += 1
        if answer.status >= 500 and answer.status != 503:
            self.strange.append(f"{asked.kind} {asked.key} was answered {answer.status}: {answer.body[:200]!r}")
        return answer

    async def sign_of_life(self) -> Asked:
        """A new check-in, acknowledged: asked again until it is. Raises TimeoutError."""
        asked, line = asking.check_in(self.worlds[0], Random(time.monotonic_ns())), self.line()
        self.journal.append(asked)
        async with asyncio.timeout(LONGEST_S):
            await self.insist(line, asked)
        line.drop()
        return asked
