"""`tally_fresh_p99_ms`: from a receipt to the tally that counts it, on every viewer's stream, at a steady pace."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.bench.checkin import prepare
from tests.bench.figures import Figure
from tests.bench.load import Plan
from tests.bench.processes import CHECKOUT, run_load
from tests.bench.stand import Stand, stand
from tests.bench.viewers import Seen, Watch
from tests.bench.world import World, check_in_requests

BEFORE = 200


def measure(scratch: Path) -> list[Figure]:
    """Measure on a service of our own."""
    with stand(scratch) as service:
        return measure_on(service)


def measure_on(
    service: Stand, seconds: float = 30, per_s: float = 200, viewers: int = 50, after_s: float = 5
) -> list[Figure]:
    """Check people in at a pace while viewers watch."""
    world = asyncio.run(prepare(service))
    run_load(Plan(port=service.port, requests=check_in_requests(world, BEFORE), seconds=10, warm_up_s=0))
    requests = check_in_requests(world, int(seconds * per_s))
    paced = Plan(port=service.port, requests=requests, seconds=seconds + 0.5, warm_up_s=0, per_s=per_s)
    with watching(world, viewers, seconds + after_s) as watch:
        loaded = run_load(paced)
        seen = msgspec.msgpack.decode(watch.communicate()[0], type=list[list[Seen]])
    late_ms = sorted(delays_ms(loaded.answered_at, seen))
    asked = f"{per_s:g} check-ins a second for {seconds:g} s, each receipt on each of {viewers} streams"
    return [
        Figure(
            name="tally_fresh_p99_ms",
            value=round(late_ms[len(late_ms) * 99 // 100]),
            unit="ms",
            limit=1000,
            bound="most",
            note=asked,
        ),
        Figure(name="tally_fresh_p50_ms", value=round(late_ms[len(late_ms) // 2]), unit="ms"),
        Figure(name="paced_checkin_p99_ms", value=round(loaded.p99_ms, 1), unit="ms", note="at that pace"),
    ]


@contextmanager
def watching(world: World, viewers: int, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """The viewers' process, once all of them see the tally."""
    head = [
        f"GET /v1/events/{world.event.id}/tally/stream HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {world.organizer}",
    ]
    request = "\r\n".join([*head, "", ""]).encode()
    plan = Watch(port=world.stand.port, request=request, viewers=viewers, seconds=seconds)
    command = [sys.executable, "-m", "tests.bench.viewers"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(msgspec.msgpack.encode(plan))
        process.stdin.close()
        assert process.stdout.readline() == b"ready\n"
        process.stdin = None
        yield process


def delays_ms(answered_at: Sequence[float], streams: Sequence[Sequence[Seen]]) -> Iterator[float]:
    """How long after each receipt each stream's tally counted as many. Raises RuntimeError where one never did.

    The tally says how many it counts, not whom: the n-th receipt is held to be in it when it counts n.
    """
    for stream in streams:
        events = iter(stream)
        event = next(events, None)
        for number, answered in enumerate(sorted(answered_at), start=BEFORE + 1):
            while event and event.check_ins < number:
                event = next(events, None)
            if event is None:
                raise RuntimeError(f"check-in {number} is not in the tally some seconds after the last")
            yield max(0.0, event.at - answered) * 1000
