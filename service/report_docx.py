"""A report as a document to edit."""

from __future__ import annotations

import io
import zipfile

import docx
from docx.document import Document as Word
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from scenarios.meeting.reports import Report
from service.i18n import Language
from service.report_document import document
from service.report_words import Picture, Table, Text

FONTS = {"Normal": "宋体", "Title": "黑体", "Heading 1": "黑体", "Heading 2": "黑体", "Table Grid": "宋体"}
FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def write(report: Report, language: Language) -> bytes:
    """Headings, paragraphs and tables, as the PDF has them. The same bytes for the same report."""
    told = document(report, language)
    word = docx.Document()
    set_fonts(word)
    word.core_properties.title = told.title
    word.core_properties.author = ""
    word.core_properties.created = word.core_properties.modified = report.version.made_at.replace(tzinfo=None)
    for text, style in ((told.title, "Title"), (told.subtitle, "Normal"), (told.status, "Normal")):
        word.add_paragraph(text, style).alignment = WD_ALIGN_PARAGRAPH.CENTER
    for section in told.sections:
        word.add_heading(section.heading, section.level)
        for block in section.blocks:
            put(word, block)
    content = io.BytesIO()
    word.save(content)
    return undated(content.getvalue())


def set_fonts(word: Word) -> None:
    """Chinese fonts that every editor has or replaces; black headings."""
    for name, font in FONTS.items():
        style = word.styles[name]
        style.font.name = "Times New Roman"
        style.font.color.rgb = RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        fonts.set(qn("w:eastAsia"), font)
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
    word.styles["Normal"].font.size = Pt(10.5)


def put(word: Word, block: Table | Text | Picture) -> None:
    """A paragraph or a table; what a picture shows stands in the table beside it."""
    if isinstance(block, Text):
        word.add_paragraph(block.text)
    if not isinstance(block, Table):
        return
    rows = [block.columns, *[[f"{each:,}" if isinstance(each, int) else each for each in row] for row in block.rows]]
    table = word.add_table(rows=len(rows), cols=len(block.columns), style="Table Grid")
    cells = table._cells
    for index, text in enumerate(text for row in rows for text in row):
        paragraph = cells[index].paragraphs[0]
        run = paragraph.add_run(storable(text))
        run.font.size = Pt(9)
        run.bold = index < len(block.columns)
        if block.align[index % len(block.columns)] == "right":
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def storable(text: str) -> str:
    """The text without what XML cannot hold."""
    return "".join(each for each in text if each >= " " or each in "\t\n")


def undated(content: bytes) -> bytes:
    """The same archive without the hour that it was written at."""
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.infolist():
            new.writestr(zipfile.ZipInfo(each.filename, FIRST_DAY), old.read(each), zipfile.ZIP_DEFLATED)
    return again.getvalue()
