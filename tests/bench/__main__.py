"""`python -m tests.bench [--full] [--out FILE] [FIGURE…]`: measure, print a table, write bench.json.

Without names, the quick figures: about ten minutes. It ends well also when a limit is not met: the table says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from tests.bench import (
    accounting,
    action_http,
    certificate_page,
    checkin,
    donation_http,
    donations,
    fill_plan,
    freshness,
    growth,
    import_rows,
    ingest,
    ingest_growth,
    ledger_growth,
    page,
    readiness,
    report_pdf,
    stand,
    starting,
    transfers,
)
from tests.bench.figures import Figure

Measure = Callable[[Path], list[Figure]]
QUICK: dict[str, Measure] = {
    "checkin_http": checkin.measure,
    "donation_http": donation_http.measure,
    "donation_hot": donations.measure,
    "post_bulk": transfers.measure,
    "ingest_bulk": ingest.measure,
    "action_http": action_http.measure,
    "account_100k": accounting.measure,
    "tally_fresh_p99_ms": freshness.measure,
    "checkin_page_bytes": page.measure,
    "up_seconds": starting.measure,
    "import_rows": import_rows.measure,
    "report_pdf": report_pdf.measure,
    "certificate_page_p99_ms": certificate_page.measure,
    "readiness_p99_ms": readiness.measure,
}
WIDTH = 180
LONG: dict[str, Measure] = {
    "tally_growth": growth.measure,
    "ledger_growth": ledger_growth.measure,
    "ingest_growth": ingest_growth.measure,
    "account_growth": accounting.measure_growth,
    "fill_plan_ms": fill_plan.measure,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*QUICK, *LONG]), metavar="[FIGURE]…")
@click.option("--full", is_flag=True, help="Also the long ones.")
@click.option("--out", default="bench.json", show_default=True, type=click.Path(path_type=Path))
def main(names: Sequence[str], *, full: bool, out: Path) -> None:
    """Measure: the quick figures, or those named."""
    wanted = names or [*QUICK, *(LONG if full else ())]
    console = Console(width=WIDTH, highlight=False)
    figures = facts()
    for name in wanted:
        with console.status(name), stand.folder() as scratch:
            figures += (QUICK | LONG)[name](scratch)
    show(console, figures)
    out.write_bytes(msgspec.json.format(msgspec.json.encode([as_line(each) for each in figures])))


def facts() -> list[Figure]:
    """The machine, the versions, and how durable the database says it is."""
    with stand.folder() as scratch, stand.stand(scratch) as service:
        found = stand.facts(scratch, service.config)
    return [Figure(name=name, value=value) for name, value in found.items()]


def as_line(figure: Figure) -> dict[str, object]:
    """A figure as bench.json has it."""
    return {**msgspec.structs.asdict(figure), "met": figure.met}


def show(console: Console, figures: Sequence[Figure]) -> None:
    """The figures as a table, and below it what they were measured on."""
    console.print(as_table([each for each in figures if each.unit]))
    console.print(" · ".join(f"{each.name} {each.value}" for each in figures if not each.unit))


def as_table(figures: Sequence[Figure]) -> Table:
    """One line a figure, however narrow the terminal is."""
    table = Table(box=None, pad_edge=False)
    for heading in ("figure", "value", "ratio", "limit", "", ""):
        table.add_column(heading, no_wrap=True)
    for each in figures:
        ratio = "" if each.ratio is None else f"{each.ratio:g} of {each.of}"
        limit = "" if each.limit is None else f"{'≥' if each.bound == 'least' else '≤'} {each.limit:g}"
        verdict = {True: "met", False: "not met", None: ""}[each.met]
        table.add_row(each.name, f"{each.value} {each.unit}", ratio, limit, verdict, each.note or "")
    return table


if __name__ == "__main__":
    main()
