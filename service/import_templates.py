"""Tables to fill in, as XLSX with lists to choose from, and as CSV."""

from __future__ import annotations

import codecs
import csv
import io
from functools import cache

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from scenarios.labels import MEASURE_LABELS
from scenarios.meeting.items import items, sources
from service.i18n import Language, mark, translate
from service.import_columns import CABINS, COLUMNS, RANKS, SHEET, STAGES, TRUTHS, Column, unit_names
from service.workbooks import MOST_ROWS, letters_of

LISTS, NOTES = mark("可选的值"), mark("填写说明")
WIDTHS = {"item": 28, "label": 30, "file": 24, "certificate": 20, "own_document": 24, "own_file": 24}
GUIDE = (
    mark("在“活动数据”工作表中一行填一条，不要改动第一行的标题。"),
    mark("数量填数值，不要填公式，不要合并单元格；最多 50 000 行。"),
    mark("出行填数量（人公里或车公里），或填人数和单程公里，两者只填一种。"),
    mark("数据来源：有计量或发票的为实测值，无计量的为申报值，按人均等推算的为缺省值。"),
    mark("凭证文件先上传到活动，再填它的名称。绿色电力须填绿证编号和凭证文件。"),
    mark("用自己的排放因子时，填它的数值、单位、依据、发布者和日期，并把依据先上传到活动，再填文件的名称。"),
    mark("任何一格有错，整张表都不导入，并逐格指出错在哪里。"),
)


@cache
def csv_template(language: Language) -> bytes:
    """The headings alone, with the mark by which spreadsheets know UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerow([translate(language, each.title) for each in COLUMNS])
    return codecs.BOM_UTF8 + out.getvalue().encode()


@cache
def xlsx_template(language: Language) -> bytes:
    """A workbook with the headings, lists of items, units and the rest, and what to know."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"title": translate(language, SHEET)})
        strong = book.add_format({"bold": True, "bg_color": "#E3F1E9", "border": 1, "text_wrap": True})
        data = book.add_worksheet(translate(language, SHEET))
        ranges = write_lists(book.add_worksheet(translate(language, LISTS)), language)
        write_notes(book, language)
        for index, column in enumerate(COLUMNS):
            heading(data, index, column, language, strong)
            if column.key in ranges:
                data.data_validation(1, index, MOST_ROWS - 1, index, {"validate": "list", "source": ranges[column.key]})
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        for index, column in enumerate(COLUMNS):
            data.set_column(index, index, WIDTHS.get(column.key, 12), days if column.key.endswith("_on") else None)
        data.freeze_panes(1, 1)
    return out.getvalue()


def heading(sheet: Worksheet, index: int, column: Column, language: Language, strong: object) -> None:
    """A column's title, with its hint beside."""
    star = " *" if column.key == "item" else ""
    sheet.write_string(0, index, translate(language, column.title) + star, strong)
    sheet.write_comment(0, index, translate(language, column.hint))


def write_lists(sheet: Worksheet, language: Language) -> dict[str, str]:
    """Write what may be chosen, a column each; return the range of each."""
    lists = {
        "item": [each.label_zh if language == "zh" else each.label_en for each in items().values()],
        "unit": unit_names(),
        **{
            key: [translate(language, label) for label in labels.values()]
            for key, labels in (("stage", STAGES), ("rank", RANKS), ("cabin", CABINS), ("round_trip", TRUTHS))
        },
    }
    ranges = {}
    for index, (key, values) in enumerate(lists.items()):
        sheet.write_column(1, index, values)
        column = letters_of(index)
        ranges[key] = f"='{translate(language, LISTS)}'!${column}$2:${column}${len(values) + 1}"
    return ranges


def write_notes(book: xlsxwriter.Workbook, language: Language) -> None:
    """What to know, and every item with its source and units."""
    sheet = book.add_worksheet(translate(language, NOTES))
    sheet.set_column(0, 2, 36)
    for number, text in enumerate(GUIDE):
        sheet.write_string(number, 0, translate(language, text))
    for number, each in enumerate(items().values(), len(GUIDE) + 1):
        source = sources()[each.source]
        units = [f"{unit} {translate(language, MEASURE_LABELS.get(unit, ''))}".strip() for unit in each.units]
        sheet.write_string(number, 0, each.label_zh if language == "zh" else each.label_en)
        sheet.write_string(number, 1, source.label_zh if language == "zh" else source.label_en)
        sheet.write_string(number, 2, "、".join(units))
