"""One trial: a service under load, blows, a clean stop, and the account of it all."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from service.db import new_id, transaction
from tests.bench.stand import connected
from tests.bench.world import World, make_world
from tests.faults import accounting, resting
from tests.faults.asking import Asked
from tests.faults.killing import Fall, kill_on, plan
from tests.faults.load import REGULARS, Crowd
from tests.faults.repeating import ask_all_again, never_decided
from tests.faults.running import Service, running

NEWCOMERS_A_KILL = 300


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. `longest_pause_s` is between blows; each client pauses `pause_s` between requests on average."""

    kills: int
    seed: int
    clients: int = 24
    processes: int = 1
    pause_s: float = 0.03
    longest_pause_s: float = 2.5


class Outcome(msgspec.Struct, kw_only=True):
    """What was done, and what was found: `findings` is empty, one hopes.

    `seen` counts what came of tries, `asked` requests by their verdict, `left` those whose client had gone for good
    (sent in whole: done or not). `stopped_s` is how long `up` took to end after SIGTERM under load.
    """

    falls: list[Fall]
    findings: list[str]
    seen: dict[str, int]
    asked: dict[str, int]
    left: dict[str, int]
    stopped_s: float
    up_gave_up: int
    under_load_s: float


async def run(scratch: Path, trial: Trial) -> Outcome:
    """Run a trial in a scratch folder. Raises NotRunning where the service does not start, stop or come back."""
    async with running(scratch / "data", trial.processes) as service:
        crowd = await gather(service, trial)
        began = time.monotonic()
        async with loading(crowd, trial.clients):
            falls = await kill_on(service, crowd, plan(trial.seed, trial.kills, trial.longest_pause_s))
            await crowd.ask_all_kinds()
            stopped_s = await service.stop()
            await service.start()
            await crowd.sign_of_life()
        outcome = Outcome(
            falls=falls,
            findings=crowd.strange,
            seen=dict(crowd.seen),
            asked={},
            left={},
            stopped_s=stopped_s,
            up_gave_up=service.given_up,
            under_load_s=time.monotonic() - began,
        )
        await account(crowd, outcome, trial.clients)
        return outcome


async def gather(service: Service, trial: Trial) -> Crowd:
    """Two events and enough members."""
    stand = service.stand()
    async with connected(stand.config) as pool:
        worlds: list[World] = [await make_world(pool, stand) for _ in range(2)]
        members = await make_members(pool, REGULARS + NEWCOMERS_A_KILL * trial.kills)
    return Crowd(worlds, members, trial.seed, trial.pause_s)


async def make_members(pool: asyncpg.Pool, count: int) -> Sequence[UUID]:
    """Members with accounts and nothing in them."""
    ids = [new_id() for _ in range(count)]
    async with transaction(pool) as connection:
        await connection.execute(
            """
            INSERT INTO members (id, phone_digest, phone_hint)
            SELECT id, sha256(uuid_send(id)), 'faults' FROM unnest($1::uuid[]) AS id
            """,
            ids,
        )
        await connection.execute(
            "INSERT INTO accounts (id, kind) SELECT id, 'member' FROM unnest($1::uuid[]) AS id", ids
        )
    return ids


@asynccontextmanager
async def loading(crowd: Crowd, clients: int) -> AsyncIterator[None]:
    """Clients that ask for the length of the block; at its end each waits for its last verdict."""
    visits = asyncio.gather(*(crowd.visit(number) for number in range(clients)))
    try:
        yield
    except BaseException:
        visits.cancel()
        await asyncio.gather(visits, return_exceptions=True)
        raise
    crowd.stop()
    await visits


async def account(crowd: Crowd, outcome: Outcome, clients: int) -> None:
    """Account for everything: before all is asked again, and after."""
    outcome.findings += await resting.come_to_rest(crowd.config)
    books = await read(crowd)
    outcome.findings += accounting.lost(crowd.journal, books)
    outcome.left = dict(Counter(fates(crowd.journal, books)))
    await ask_all_again(crowd, clients)
    outcome.findings += await resting.come_to_rest(crowd.config)
    books = await read(crowd)
    outcome.findings += never_decided(crowd.journal)
    outcome.findings += accounting.lost(crowd.journal, books)
    outcome.findings += accounting.doubled(crowd.journal, books)
    outcome.findings += (finding for asked in crowd.journal if asked.answer for finding in accounting.changed(asked))
    outcome.findings += await resting.find_faults(crowd.config)
    outcome.asked = dict(Counter(f"{each.kind} {'accepted' if each.accepted else 'refused'}" for each in crowd.journal))


async def read(crowd: Crowd) -> accounting.Books:
    """The books as they are."""
    async with resting.connection_to(crowd.config) as connection:
        return await accounting.read_books(connection)


def fates(journal: Sequence[Asked], books: accounting.Books) -> Iterator[str]:
    """What became of each request that was sent and left before there was an answer."""
    for asked in journal:
        if asked.part == "whole" and asked.kind != "undo":
            yield "done" if accounting.traces(asked.key, books) else "not done, or refused"
