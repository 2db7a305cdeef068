"""Lines of activity data as a report tells them, and back again."""

from __future__ import annotations

from typing import Any

from scenarios.meeting.lines import Line
from scenarios.meeting.report_cells import FactorTable
from scenarios.meeting.reports import LineSaid, Report

TOLD = frozenset(LineSaid.__struct_fields__) - {"factor"}
UNTOLD: dict[str, Any] = dict.fromkeys(set(Line.__struct_fields__) - TOLD - {"factor"})


def line_said(line: Line, table: FactorTable) -> LineSaid:
    """The line as it is told in full."""
    return LineSaid(factor=table.place(line.factor), **{name: getattr(line, name) for name in TOLD})


def lines_of(report: Report) -> list[Line]:
    """The lines that a report tells, as the accounting reads them."""
    lines = []
    for each in report.lines:
        told = {name: getattr(each, name) for name in TOLD}
        lines.append(Line(factor=report.factors[each.factor], **told, **UNTOLD))
    return lines
