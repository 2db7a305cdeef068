"""Blows: whom to kill with SIGKILL, when, and how long it takes until the service answers again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from random import Random, sample
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
import psutil
from redis.exceptions import RedisError

from service.config import Config
from service.db import AWAY
from service.nudges import open_queue
from tests.faults.load import Crowd
from tests.faults.running import NotRunning, Service

Victim = Literal["api", "worker", "postmaster", "postgresql", "backend", "valkey", "everything"]
ROUND: tuple[Victim, ...] = ("api", "worker", "postmaster", "api", "postgresql", "valkey", "backend", "everything")
"""In each eight blows, in random order: PostgreSQL falls by its first process alone, by one that serves, and whole."""
NEVER_S = 180.0


class Blow(msgspec.Struct, frozen=True):
    """One blow, so long after the one before; `hasty` ones do not wait until that is recovered from."""

    victim: Victim
    after_s: float
    hasty: bool


class Fall(msgspec.Struct):
    """What a blow did: how many processes fell, and the seconds until its part answered again."""

    victim: Victim
    processes: int
    back_s: float


def plan(seed: int, kills: int, longest_s: float) -> Iterator[Blow]:
    """The blows of a seed: the same victims in the same order, after the same pauses."""
    random = Random(seed)
    deck: list[Victim] = []
    for _ in range(kills):
        deck = deck or random.sample(ROUND, len(ROUND))
        yield Blow(deck.pop(), random.uniform(0.05, longest_s), random.random() < 0.25)


def victims(service: Service, victim: Victim) -> list[psutil.Process]:
    """The processes that a blow kills, as far as they run now. Parents come first."""
    if victim == "everything":
        return service.everybody()
    servers = service.parts("postgresql" if victim in {"postmaster", "backend"} else victim)
    if victim in {"api", "worker", "valkey", "postmaster"}:
        return servers[:1]
    with contextlib.suppress(psutil.Error):
        children = [child for each in servers for child in each.children(recursive=True)]
        return [*servers, *children] if victim == "postgresql" else sample(children, 1)
    return []


def kill(processes: list[psutil.Process]) -> int:
    """SIGKILL to each; how many there were to kill."""
    fallen = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
            fallen += 1
    return fallen


async def strike(service: Service, victim: Victim) -> int:
    """Kill as soon as there is someone to kill; how many fell. Raises TimeoutError."""
    async with asyncio.timeout(NEVER_S):
        while True:
            with contextlib.suppress(ValueError):  # PostgreSQL has no children at this moment
                if fallen := kill(victims(service, victim)):
                    return fallen
            await asyncio.sleep(0.05)


async def kill_on(service: Service, crowd: Crowd, blows: Iterator[Blow]) -> list[Fall]:
    """All blows, one after another. Raises NotRunning, naming what did not come back."""
    falls: list[Fall] = []
    recovering: set[asyncio.Task[None]] = set()
    for blow in blows:
        if recovering and not blow.hasty:
            await asyncio.gather(*recovering)
        await asyncio.sleep(blow.after_s)
        fall = Fall(blow.victim, await strike(service, blow.victim), float("nan"))
        falls.append(fall)
        recovering = {each for each in recovering if not each.done() or each.exception()}
        recovering.add(asyncio.create_task(measure(crowd, fall)))
    await asyncio.gather(*recovering)
    return falls


async def measure(crowd: Crowd, fall: Fall) -> None:
    """Note the seconds until what fell answers again."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(NEVER_S):
            await BACK.get(fall.victim, written)(crowd)
    except TimeoutError:
        raise NotRunning(f"{fall.victim} was killed and did not answer for {NEVER_S:g} s") from None
    fall.back_s = time.monotonic() - began


async def written(crowd: Crowd) -> None:
    """A check-in of now is acknowledged."""
    await crowd.sign_of_life()


async def folded(crowd: Crowd) -> None:
    """A check-in of now is in the tally: a worker has folded it."""
    asked = await crowd.sign_of_life()
    while not await is_folded(crowd.config, asked.key):  # noqa: ASYNC110 - it happens in another process
        await asyncio.sleep(0.02)


async def is_folded(config: Config, check_in_id: UUID) -> bool:
    """Whether a recorded check-in no longer waits to be folded; False too while the database is away."""
    with contextlib.suppress(asyncpg.PostgresError, *AWAY):
        connection = await asyncpg.connect(config.database_url)
        try:
            waits = await connection.fetchval(
                "SELECT EXISTS (SELECT FROM tally_changes WHERE $1 = ANY (check_ins))", check_in_id
            )
            return not waits
        finally:
            connection.terminate()
    return False


async def pinged(crowd: Crowd) -> None:
    """Valkey answers."""
    while True:
        with contextlib.suppress(RedisError, OSError):
            async with open_queue(crowd.config.redis_url) as client:
                await client.ping()
                return
        await asyncio.sleep(0.02)


BACK: Mapping[Victim, Callable[[Crowd], Awaitable[None]]] = {"worker": folded, "valkey": pinged}
"""How a part shows that it is back; the others, by a write that is acknowledged."""
