"""What a trial did and found, for a terminal."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.faults.trial import Outcome, Trial

SHOWN = 20
CLAIM = "What this shows is about processes that crash. It says nothing of power cuts, disks or machines that fail."


def tell(console: Console, trial: Trial, outcome: Outcome) -> None:
    """Print all of it."""
    console.print(
        f"seed {trial.seed}: {len(outcome.falls)} × kill -9 in {outcome.under_load_s:.0f} s under load, "
        f"{trial.clients} clients, {trial.processes} HTTP process(es)"
    )
    console.print(falls_table(outcome))
    console.print(f"`up` gave up and was started again by hand: {outcome.up_gave_up}")
    console.print(f"clean stop under load (SIGTERM): {outcome.stopped_s:.2f} s")
    console.print(f"requests: {listed(outcome.asked)}")
    console.print(f"tries: {listed(outcome.seen)}")
    console.print(f"sent in whole by clients that went away: {listed(outcome.left)}")
    console.print(f"findings: {len(outcome.findings)}")
    for finding in outcome.findings[:SHOWN]:
        console.print(f"  {finding}")
    console.print(CLAIM)


def falls_table(outcome: Outcome) -> Table:
    """A line for each kind of victim: how often, and the seconds until it answered again."""
    table = Table(box=None, pad_edge=False)
    for heading in ("killed", "times", "processes", "back p50 s", "back max s"):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "killed" else "right")
    took_s = defaultdict[str, list[float]](list)
    processes = defaultdict[str, int](int)
    for fall in outcome.falls:
        for name in (fall.victim, "all"):
            took_s[name].append(fall.back_s)
            processes[name] += fall.processes
    for name in sorted(took_s, key=lambda each: (each == "all", each)):
        took = took_s[name]
        table.add_row(name, str(len(took)), str(processes[name]), f"{median(took):.2f}", f"{max(took):.2f}")
    return table


def listed(counts: dict[str, int]) -> str:
    """Counts by name."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
