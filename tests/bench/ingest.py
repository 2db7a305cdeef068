"""`ingest_bulk`: a partner's acts a second through HTTP, against `COPY` of the same rows; `ingest_memory_mb`.

Two feeds at once, as a process takes: each act is read, quantified, capped, de-duplicated and issued, in sets with a
transaction each. The rows are then copied, by the same sets, into tables of the same columns with primary keys only.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import NamedTuple

import asyncpg
import psutil

from service.action_rows import Action
from service.db import transaction
from service.partner_feed import AT_ONCE, SET
from service.partner_reports import LONGEST_LINE, verdict_of
from tests.bench.checkin import settle
from tests.bench.donations import run
from tests.bench.figures import RUNS, Figure, median_ratio
from tests.bench.reporters import Reporter, headers_of, make_reporter, rides
from tests.bench.stand import Stand, connected, stand

CITIZENS = 20_000
LINES = 10_000
FEEDS = 4
FIRST_LINES = 2_000
LARGE_BYTES = 50_000_000
ISSUED = b'"verdict":"issued"'


class Table(NamedTuple):
    """A table's rows to be copied, and its primary key."""

    name: str
    key: str
    columns: Sequence[str]
    rows: Sequence[asyncpg.Record]


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(service: Stand, citizens: int = CITIZENS, lines: int = LINES, runs: int = RUNS) -> list[Figure]:
    """Alternate feeds and copies of what they made; then a large body."""
    reporter = run(new_reporter(service, citizens))
    acts = rides(reporter)
    feed_all(reporter, bodies_of(acts, min(lines, FIRST_LINES), 1))
    extra_mb = memory_of_a_feed(reporter, acts, lines)
    per_s = defaultdict[str, list[float]](list)
    for _ in range(runs):
        run(settle(service))
        bodies = bodies_of(acts, lines, FEEDS)
        began_at = run(clock_of(service))
        per_s["ingest"].append(lines * FEEDS / feed_all(reporter, bodies))
        run(settle(service))
        per_s["copy"].append(run(copied_per_s(service, began_at, lines * FEEDS)))
    return [*figures(per_s), memory_figure(extra_mb)]


async def new_reporter(service: Stand, citizens: int) -> Reporter:
    """A partner and its citizens."""
    async with connected(service.config) as pool:
        return await make_reporter(pool, service, citizens)


async def clock_of(service: Stand) -> object:
    """What the database's clock says."""
    async with connected(service.config) as pool:
        return await pool.fetchval("SELECT clock_timestamp()")


def bodies_of(acts: Iterator[bytes], lines: int, feeds: int, width: int = 0) -> list[bytes]:
    """So many bodies of the next lines, each padded to a width."""
    return [b"\n".join(each.ljust(width) for each in itertools.islice(acts, lines)) for _ in range(feeds)]


def feed_all(reporter: Reporter, bodies: Sequence[bytes]) -> float:
    """Send bodies, as many at once as a process takes; return how long that took (s)."""
    asked = [(reporter, body, headers_of(reporter, body)) for body in bodies]
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as senders:
        for _ in senders.map(lambda each: feed(*each), asked):
            pass
    return time.perf_counter() - began


def feed(reporter: Reporter, body: bytes, headers: dict[str, str]) -> None:
    """Send a body; raises RuntimeError unless every line of it was issued."""
    connection = HTTPConnection("127.0.0.1", reporter.stand.port, timeout=300)
    connection.request("POST", reporter.path, body, headers)
    said = connection.getresponse().read()
    connection.close()
    if said.count(ISSUED) != body.count(b"\n") + 1:
        raise RuntimeError(next((each for each in said.splitlines() if ISSUED not in each), said)[:500].decode())


def require_issued(became: Sequence[object]) -> None:
    """Raises RuntimeError with the first that was not credited."""
    for each in became:
        if not (isinstance(each, Action) and verdict_of(each) == "issued"):
            raise RuntimeError(repr(each))


async def copied_per_s(service: Stand, since: object, acts: int) -> float:
    """Copy what was stored since then into bare tables, by sets; how many acts a second."""
    async with connected(service.config) as pool:
        tables = await stored(pool, since)
        if len(tables[0].rows) != acts:
            raise RuntimeError(f"{len(tables[0].rows)} acts stored")
        for each in tables:
            await pool.execute(f"DROP TABLE IF EXISTS bench_{each.name}")
            await pool.execute(
                f"CREATE TABLE bench_{each.name} (LIKE {each.name} INCLUDING DEFAULTS, PRIMARY KEY ({each.key}))"
            )
        began = time.perf_counter()
        for start in range(0, acts, SET):
            async with transaction(pool) as connection:
                for each in tables:
                    await connection.copy_records_to_table(
                        f"bench_{each.name}", records=each.rows[start : start + SET], columns=each.columns
                    )
        return acts / (time.perf_counter() - began)


async def stored(pool: asyncpg.Pool, since: object) -> list[Table]:
    """The acts told since then and what was issued for them, as their rows are."""
    acts = await pool.fetch("SELECT * FROM actions WHERE logged_at >= $1 ORDER BY logged_at, id", since)
    issued = await pool.fetch(
        "SELECT transfers.* FROM transfers JOIN actions USING (id) WHERE logged_at >= $1 ORDER BY logged_at, id", since
    )
    return [
        Table("actions", "id", list(acts[0].keys()), acts),
        Table("transfers", "id, ordinal", list(issued[0].keys()), issued),
    ]


def memory_of_a_feed(reporter: Reporter, acts: Iterator[bytes], lines: int) -> float:
    """What the serving process grows by while it takes one large body (MB): its most, less what it had before."""
    (body,) = bodies_of(acts, lines, 1, min(LARGE_BYTES // lines, LONGEST_LINE))
    server = process_at(reporter.stand.port)
    before = most = server.memory_info().rss
    headers = headers_of(reporter, body)
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(feed, reporter, body, headers)
        while not sending.done():
            most = max(most, server.memory_info().rss)
            time.sleep(0.005)
        sending.result()
    return (most - before) / 1e6


def process_at(port: int) -> psutil.Process:
    """The process that listens on a port."""
    listening = (each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN)
    return psutil.Process(next(each.pid for each in listening if each.laddr and each.laddr.port == port))


def figures(per_s: dict[str, list[float]]) -> list[Figure]:
    """Medians, and ratios within each run."""
    ingested = round(median(per_s["ingest"]))
    return [
        Figure(
            name="ingest_bulk",
            value=ingested,
            unit="1/s",
            ratio=round(median_ratio(per_s["ingest"], per_s["copy"]), 3),
            of="copy_acts",
            limit=0.06,
            bound="least",
            note=f"{AT_ONCE} feeds at once of {LINES} lines, sets of {SET}; worker and sender on the same cores",
        ),
        Figure(name="ingest_per_s", value=ingested, unit="1/s", limit=6_000, bound="least", note="the same"),
        Figure(
            name="copy_acts", value=round(median(per_s["copy"])), unit="1/s", note="the same rows, by the same sets"
        ),
    ]


def memory_figure(extra_mb: float) -> Figure:
    """What one large body takes."""
    return Figure(
        name="ingest_memory_mb",
        value=round(extra_mb, 1),
        unit="MB",
        limit=50,
        bound="most",
        note=f"one body of {LARGE_BYTES // 1_000_000} MB",
    )
