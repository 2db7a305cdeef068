"""Long work as facts in PostgreSQL: begun by a request, done by a worker, watched while it goes on.

A kind of work is a handler, put into HANDLERS by `handles`. It is given the transaction in which the job also ends:
all its effects come with the end, once, or not at all. Whoever runs a job holds an advisory lock on it, which is free
again the moment that its worker dies; progress is written past that transaction, so that others see it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from service.access import Caller, Role
from service.config import Config
from service.db import AWAY, Connection, encode_json, new_id, transaction
from service.errors import Conflict, NotFound, Refusal
from service.organizations import roles_at

State = Literal["waiting", "running", "done", "failed"]
MOST_ATTEMPTS = 3
"""A job that ends its worker, or fails by a fault, is tried so often."""
TOLD_EVERY_S = 0.2
LOOK_EVERY_S = 0.5
WATCHED_S = 900.0
"""As long as an access token lives: who watches comes back and is asked again who it is."""

log = logging.getLogger(__name__)


class JobIdTaken(Conflict):
    """这个编号已经用于另一项任务。"""

    code = "job_id_taken"


class JobFault(Refusal):
    """系统出错，任务没有完成，什么也没有改动。错误已经记下，请稍后再试。"""

    status = 500
    code = "job_fault"


class Job(msgspec.Struct, frozen=True):
    """A job as it stands: `done` of `total` steps (0 of 0 before it knows), as `percent` (100 only when it is done).

    `result` is what it ended with, `refusal` the problem document (RFC 9457) of one that failed.
    """

    id: UUID
    kind: str
    event_id: UUID
    started_by: UUID
    state: State
    done: int
    total: int
    made_at: datetime
    ended_at: datetime | None
    result: Any
    refusal: dict[str, Any] | None
    percent: int

    @property
    def is_over(self) -> bool:
        """Whether nothing more will change."""
        return self.state in ("done", "failed")


Progress: TypeAlias = Callable[[int, int], Awaitable[None]]
"""`await progress(done, total)`: how far it is, as often as one likes."""


class Work(NamedTuple):
    """What a handler is given. `connection` is in the transaction that ends the job; `payload` is JSON."""

    connection: Connection
    config: Config
    job: Job
    payload: bytes
    progress: Progress


Handler: TypeAlias = Callable[[Work], Awaitable[Any]]
"""Does the work, setting by setting; what it returns is the job's result, as JSON. A refusal undoes all of it."""
HANDLERS: dict[str, Handler] = {}


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Decorator: this function does that kind of work. `workers/working.py` imports the modules that have some."""

    def put(handler: Handler) -> Handler:
        HANDLERS[kind] = handler
        return handler

    return put


async def start(
    connection: Connection, kind: str, event_id: UUID, caller: Caller, payload: Any, job_id: UUID | None = None
) -> Job:
    """Note a job; workers see it within a second of the commit. Whether the caller may is for who calls this.

    With the `job_id` of an earlier job of the same event, kind and caller that one is answered, and nothing begun
    anew. Raises JobIdTaken.
    """
    row = await connection.fetchrow(
        """
        INSERT INTO jobs (id, kind, event_id, started_by, payload) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE SET id = excluded.id
        RETURNING id, kind, event_id, started_by, state, done, total, made_at, ended_at, result, refusal
        """,
        job_id or new_id(),
        kind,
        event_id,
        caller.member,
        encode_json(payload),
    )
    job = of_row(row)
    if (job.kind, job.event_id, job.started_by) != (kind, event_id, caller.member):
        raise JobIdTaken
    return job


def of_row(row: Any) -> Job:
    """A job from its row."""
    values = dict(row)
    for name in ("result", "refusal"):
        values[name] = values[name] and msgspec.json.decode(values[name])
    return Job(**values, percent=percent(row["state"], row["done"], row["total"]))


def percent(state: State, done: int, total: int) -> int:
    """How far a job is; 100 only when it is done."""
    if state == "done":
        return 100
    return min(99, done * 100 // total) if total else 0


async def find(connection: Connection, caller: Caller, job_id: UUID) -> Job:
    """A job, for who started it and the event's organizers. Raises NotFound for everyone else."""
    job = await read(connection, job_id)
    if job.started_by != caller.member_id and Role.VIEWER not in await roles_at(connection, caller, job.event_id):
        raise NotFound
    return job


async def read(connection: Connection, job_id: UUID) -> Job:
    """A job. Raises NotFound."""
    row = await connection.fetchrow(
        """
        SELECT id, kind, event_id, started_by, state, done, total, made_at, ended_at, result, refusal
        FROM jobs WHERE id = $1
        """,
        job_id,
    )
    if row is None:
        raise NotFound
    return of_row(row)


async def watch(pool: asyncpg.Pool, job_id: UUID) -> AsyncGenerator[Job, None]:
    """The job at once and whenever it has moved, until it is over, a quarter of an hour at most. Raises NotFound."""
    until = time.monotonic() + WATCHED_S
    seen: Job | None = None
    while time.monotonic() < until and not (seen and seen.is_over):
        async with pool.acquire() as connection:
            job = await read(connection, job_id)
        if job != seen:
            seen = job
            yield job
        if not job.is_over:
            await asyncio.sleep(LOOK_EVERY_S)


async def ended(pool: asyncpg.Pool, job_id: UUID) -> Job:
    """The job once it is over. Raises NotFound, and TimeoutError after a quarter of an hour."""
    async with aclosing(watch(pool, job_id)) as moving:
        async for job in moving:
            if job.is_over:
                return job
    raise TimeoutError


async def to_do(connection: Connection) -> list[UUID]:
    """Jobs that are not over, the oldest first, running ones among them."""
    rows = await connection.fetch("SELECT id FROM jobs WHERE state IN ('waiting', 'running') ORDER BY made_at, id")
    return [row["id"] for row in rows]


async def run(pool: asyncpg.Pool, config: Config, job_id: UUID) -> bool:
    """Do a job that nobody is doing; False when somebody is, or it is over. Raises one of AWAY; its effects are undone.

    A refusal ends the job; a fault is logged and ends it after MOST_ATTEMPTS.
    """
    async with transaction(pool) as connection:
        if not await take(connection, job_id):
            return False
        attempt, work = await begin(pool, connection, config, job_id)
        try:
            if attempt > MOST_ATTEMPTS:
                raise JobFault
            async with connection.transaction():
                result = await HANDLERS[work.job.kind](work)
            await finish(connection, job_id, encode_json(result))
        except Refusal as refusal:
            await fail(connection, job_id, refusal)
        except AWAY:
            raise
        except Exception:
            log.exception("job %s (%s) failed, attempt %s", job_id, work.job.kind, attempt)
            if attempt >= MOST_ATTEMPTS:
                await fail(connection, job_id, JobFault())
    return True


async def take(connection: Connection, job_id: UUID) -> bool:
    """Lock the job until the transaction ends; False when another has it, or it is over."""
    mine = await connection.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", f"job {job_id}")
    if not mine:
        return False
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM jobs WHERE id = $1 AND state IN ('waiting', 'running'))", job_id
        )
    )


async def begin(pool: asyncpg.Pool, connection: Connection, config: Config, job_id: UUID) -> tuple[int, Work]:
    """Say, for all to see, that it runs: which attempt it is, and what its handler needs."""
    async with pool.acquire() as aside:
        row = await aside.fetchrow(
            """
            UPDATE jobs SET state = 'running', attempts = attempts + 1, done = 0, total = 0,
                began_at = coalesce(began_at, now())
            WHERE id = $1 RETURNING attempts, payload
            """,
            job_id,
        )
    job = await read(connection, job_id)
    return row["attempts"], Work(connection, config, job, row["payload"], telling(pool, job_id))


def telling(pool: asyncpg.Pool, job_id: UUID) -> Progress:
    """What a handler tells its progress to: written five times a second at most."""
    told = 0.0

    async def tell(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told < TOLD_EVERY_S:
            return
        async with pool.acquire() as aside:
            await aside.execute("UPDATE jobs SET done = $2, total = $3 WHERE id = $1", job_id, done, total)
        told = time.monotonic()

    return tell


async def finish(connection: Connection, job_id: UUID, result: bytes) -> None:
    """It is done, in the transaction of its effects."""
    await connection.execute(
        "UPDATE jobs SET state = 'done', done = total, result = $2, ended_at = now() WHERE id = $1", job_id, result
    )


async def fail(connection: Connection, job_id: UUID, refusal: Refusal) -> None:
    """It is refused: why, as a problem document with the text in every language."""
    problem = msgspec.json.encode(refusal.document("zh"), enc_hook=str)
    await connection.execute(
        "UPDATE jobs SET state = 'failed', refusal = $2, ended_at = now() WHERE id = $1", job_id, problem
    )
