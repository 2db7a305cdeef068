"""A report as a workbook, to work on. Every text is written as a text: none is ever a formula or a link."""

from __future__ import annotations

import io

import xlsxwriter

from scenarios.meeting.reports import Report
from service.i18n import Language, translate
from service.report_document import document
from service.report_words import SHEETS, Document, Section, Table

LARGEST_NUMBER = 10**15
"""A cell's number has fifteen digits: what is larger is written as a text, to the digit."""


def write(report: Report, language: Language) -> bytes:
    """The workbook: totals, activity data, check-ins, factors, versions. The same bytes for the same report."""
    told = document(report, language)
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        book.set_properties({"title": told.title, "created": report.version.made_at.replace(tzinfo=None)})
        for key, name in SHEETS.items():
            fill(book, translate(language, name), key, told)
    return content.getvalue()


def fill(book: xlsxwriter.Workbook, name: str, key: str, told: Document) -> None:
    """One sheet: the tables that belong on it, each under its heading."""
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True, "font_name": "Noto Sans CJK SC"})
    plain = book.add_format({"font_name": "Noto Sans CJK SC", "text_wrap": True, "valign": "top"})
    row = 0
    for section, table in tables(told, key):
        sheet.write_string(row, 0, section.heading, bold)
        row += 1
        for column, text in enumerate(table.columns):
            sheet.write_string(row, column, text, bold)
            sheet.set_column(column, column, max(14, table.widths[column]))
        for cells in table.rows:
            row += 1
            for column, cell in enumerate(cells):
                if isinstance(cell, int) and abs(cell) < LARGEST_NUMBER:
                    sheet.write_number(row, column, cell, plain)
                else:
                    sheet.write_string(row, column, str(cell), plain)
        row += 2


def tables(told: Document, key: str) -> list[tuple[Section, Table]]:
    """The tables of one sheet, with their sections."""
    return [(s, block) for s in told.sections for block in s.blocks if isinstance(block, Table) and block.sheet == key]
