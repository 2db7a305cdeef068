"""A report's files: all that it says stands in them, the same bytes each time, and nothing that people typed is run."""

from __future__ import annotations

import io
import re
import zipfile

import docx
import openpyxl
import pytest
from msgspec.structs import replace

from scenarios.meeting.report_building import build
from scenarios.meeting.reports import Report
from service import report_docx, report_pdf, report_xlsx
from service.i18n import LANGUAGES, Language
from service.report_document import document
from service.report_words import Table, Text
from tests.reporting import accounted

HOSTILE = "=1+1 #panic() \\end{x} <w:p/> @SUM(A1) http://a.b/c"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def report() -> Report:
    return build(accounted())


def hostile() -> Report:
    """One whose names are traps."""
    found = accounted()
    return build(found._replace(event=replace(found.event, name=HOSTILE, organizer=HOSTILE)))


def test_files_are_the_same_each_time(report: Report) -> None:
    for write in (report_pdf.draw, report_xlsx.write, report_docx.write):
        for language in LANGUAGES:
            assert write(report, language) == write(report, language)


def test_pages_are_drawn_with_chinese_type_and_what_was_typed_is_never_run() -> None:
    page = report_pdf.draw(hostile(), "zh")
    assert page.startswith(b"%PDF-")
    assert b"NotoSansCJKsc" in page
    assert page.count(b"/Type /Page\n") + page.count(b"/Type/Page/") >= 3


def test_the_workbook_has_its_sheets_and_no_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(report_xlsx.write(hostile(), "zh")))
    assert book.sheetnames == ["总表", "活动数据", "报到汇总", "排放因子", "版本"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert [cell.value for cell in cells if cell.value == HOSTILE]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert not [cell for cell in cells if cell.hyperlink]
    lines = book["活动数据"]
    emitted = [row[-1] for row in lines.iter_rows(min_row=3, values_only=True)]
    assert sum(emitted) == build(accounted()).result.lines_g


def test_the_document_has_headings_tables_and_chinese_fonts(report: Report) -> None:
    content = report_docx.write(hostile(), "zh")
    word = docx.Document(io.BytesIO(content))
    headings = [each.text for each in word.paragraphs if each.style and each.style.name == "Heading 1"]
    assert headings[:5] == ["一、基本情况", "二、减排情况", "三、核算过程", "四、排放量", "五、所需抵销量"]
    assert HOSTILE in [cell.text for cell in word.tables[0].columns[1].cells]
    assert 'w:eastAsia="黑体"' in zipfile.ZipFile(io.BytesIO(content)).read("word/styles.xml").decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_factor_stands_in_the_table_with_its_citation(report: Report, language: Language) -> None:
    tables = [
        block for each in document(report, language).sections for block in each.blocks if isinstance(block, Table)
    ]
    (factors,) = [each for each in tables if each.sheet == "factors"]
    assert [row[-1] for row in factors.rows] == [each.citation for each in report.factors]
    assert all(row[-1] for row in factors.rows)


def test_english_says_everything_in_english(report: Report) -> None:
    found = document(report, "en")
    own = [found.title, found.page_of, *(each.heading for each in found.sections)]
    own += [
        text for each in found.sections for block in each.blocks if isinstance(block, Table) for text in block.columns
    ]
    own += [b.text for s in found.sections[2:] for b in s.blocks if isinstance(b, Text) and "《" not in b.text]
    assert [each for each in own if CHINESE.search(each)] == []
