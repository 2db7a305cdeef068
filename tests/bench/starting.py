"""`up_seconds`: from `deploy/up`, installed, to the first page; on a new data folder and on one with data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.bench.figures import RUNS, Figure
from tests.bench.stand import up


def measure(scratch: Path, command: Sequence[str] = ("deploy/up",), runs: int = RUNS) -> list[Figure]:
    """Start on new data, stop, start on the same data; so many times."""
    new, existing = [], []
    for number in range(runs):
        data = scratch / f"data{number}"
        new.append(start_s(command, data))
        existing.append(start_s(command, data))
    slowest = max(median(new), median(existing))
    return [
        Figure(
            name="up_seconds",
            value=round(slowest, 2),
            unit="s",
            limit=10,
            bound="most",
            note=f"new data {median(new):.2f}, existing data {median(existing):.2f}",
        )
    ]


def start_s(command: Sequence[str], data: Path) -> float:
    """How long one start takes until the home page is served."""
    began = time.monotonic()
    with up(command, data, "/"):
        return time.monotonic() - began
