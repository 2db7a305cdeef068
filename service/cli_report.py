"""`recompute`: does a report come out as it says? Offline, from the report alone."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from scenarios.meeting.recompute import Difference, recompute
from scenarios.meeting.reports import Report, ReportUnreadable, decode
from service.cli_saying import in_languages, tell
from service.i18n import mark

COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
MOST_SHOWN = 100


@click.command("recompute")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def recompute_command(file: Path) -> None:
    """Compute a report.json again, without network or database; end non-zero where a number is not what it says."""
    try:
        report = decode(file.read_bytes())
        found = with_progress(report)
    except ReportUnreadable as reason:
        tell(mark("{file} 不是可以核算的报告：{reason}"), file=file.name, reason=str(reason)[:500])
        sys.exit(1)
    for each in found[:MOST_SHOWN]:
        tell(mark("{path}：报告为 {told}，重算为 {computed}"), path=each.path, told=each.told, computed=each.computed)
    if found:
        tell(mark("有 {count} 处与报告不符。"), count=len(found))
        sys.exit(1)
    tell_totals(report)


def with_progress(report: Report) -> list[Difference]:
    """What differs; meanwhile a bar on the error stream shows how far it is."""
    with Progress(*COLUMNS, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(in_languages(mark("正在重算")), total=len(report.cells))
        return recompute(report, lambda done, total: progress.update(task, completed=done, total=total))


def tell_totals(report: Report) -> None:
    """What it comes to."""
    result = report.result
    tell(mark("与报告一致。"))
    tell(mark("排放总量 {full} 克，其中基本范围 {basic} 克。"), full=f"{result.full_g:,}", basic=f"{result.basic_g:,}")
    for share in result.by_source:
        click.echo(f"  {share.source}  {share.emissions_g:,} g")
