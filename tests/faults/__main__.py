"""`python -m tests.faults [--kills 100] [--seed N]`: kill, restart, account for every answer.

Ends non-zero on a finding.
"""

from __future__ import annotations

import asyncio
import sys

import rich_click as click
from rich.console import Console

from tests.bench import stand
from tests.faults.telling import tell
from tests.faults.trial import Trial, run


@click.command()
@click.option("--kills", default=100, show_default=True, type=click.IntRange(1), help="Blows in all.")
@click.option("--seed", default=1, show_default=True, help="Names the blows and what clients ask.")
@click.option("--clients", default=24, show_default=True, type=click.IntRange(1), help="At once.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Serving HTTP.")
def main(kills: int, seed: int, clients: int, processes: int) -> None:
    """Kill processes of a service under load, and account for every request."""
    console = Console(width=160, highlight=False)
    trial = Trial(kills=kills, seed=seed, clients=clients, processes=processes)
    with console.status("tests.faults"), stand.folder() as scratch:
        outcome = asyncio.run(run(scratch, trial))
    tell(console, trial, outcome)
    sys.exit(bool(outcome.findings))


if __name__ == "__main__":
    main()
