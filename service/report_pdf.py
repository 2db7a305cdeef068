"""A report as PDF."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typst

from scenarios.meeting.reports import Report
from service import posters
from service.i18n import Language
from service.report_document import document

TEMPLATE = Path(__file__).parent / "report.typ"


def draw(report: Report, language: Language) -> bytes:
    """A4 pages: the same bytes for the same report. What people wrote stays data: the template never evaluates it."""
    pages: bytes = typst.compile(
        TEMPLATE.read_bytes(),
        font_paths=posters.fonts(),
        sys_inputs={"content": msgspec.json.encode(document(report, language)).decode()},
        format="pdf",
        timestamp=0,
    )
    return pages
