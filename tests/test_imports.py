"""Tables of activity data: all lines or none, each wrong cell named, nothing that runs, links or unfolds."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import asyncpg
import httpx
import msgspec
import openpyxl
import pytest
import xlsxwriter

from service import imports, jobs, tables, workbooks
from service.config import Config
from service.errors import Refusal
from service.import_columns import COLUMNS
from service.import_reading import Reader
from service.import_templates import csv_template, xlsx_template
from service.line_inputs import NewLine
from tests.people import Headers, key
from tests.test_activity_data import an_event
from tests.test_event_files import PDF
from workers import working

TITLES = [each.title for each in COLUMNS]
HEAD = "项目,数量,单位,人数,单程公里,说明\n"


def workbook(*rows: list[Any], name: str = "活动数据") -> bytes:
    """A workbook of one sheet."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return out.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """The workbook with a part more, or with another in its place."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.namelist():
            if each != name:
                new.writestr(each, old.read(each))
        new.writestr(name, part)
    return out.getvalue()


async def bring(client: httpx.AsyncClient, who: Headers, event: Any, content: bytes | str) -> httpx.Response:
    """Import a table."""
    sent = content.encode() if isinstance(content, str) else content
    url = f"/v1/events/{event.id}/imports?name=table"
    return await client.post(url, content=sent, headers=who | key() | {"content-type": "text/csv"})


async def test_a_line_brings_its_own_factor_with_its_document(client: httpx.AsyncClient) -> None:
    organizer, event = await an_event(client)
    url = f"/v1/events/{event.id}/files"
    kept = await client.post(f"{url}?name=证明.pdf&purpose=factor", content=PDF, headers=organizer | key())
    head = "项目,数量,单位,自有因子,因子单位,因子依据,因子发布者,因子发布日期,因子条款,因子文件\n"
    own = "外购电力,1000,kWh,0.41,kgCO2/kWh,电力碳足迹证明,供电公司,2026-10-01,第 2 页,证明.pdf\n"
    done = await bring(client, organizer, event, head + own + "外购电力,1000,kWh,,,,,,,\n")
    assert done.status_code == 201, done.text
    lines = (await client.get(f"/v1/events/{event.id}/activity-data", headers=organizer)).json()
    (line,) = [each for each in lines if each["factor"]["pack"] == "own"]
    assert (line["emissions_g"], line["co2_only"], line["factor_file_id"]) == (410_000, True, kept.json()["id"])
    assert "《电力碳足迹证明》 第 2 页（供电公司，2026-10-01）" in line["factor"]["citation"]
    for broken, cells in (
        (own.replace("kgCO2/kWh", "kgCO2/kg"), {"E2": "unit_contradicts"}),
        (own.replace("证明.pdf", "别的.pdf"), {"J2": "file_name_unknown"}),
        ("外购电力,1000,kWh,0.41,,,,,,\n", dict.fromkeys(["E2", "F2", "G2", "H2", "J2"], "cell_empty")),
    ):
        refused = await bring(client, organizer, event, head + broken)
        told = {each["cell"]: each["code"] for each in refused.json()["values"]["errors"]}
        assert (refused.status_code, told) == (422, cells)


async def test_a_table_comes_in_whole_and_is_let_go_whole(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    organizer, event = await an_event(client)
    rows = [["地铁", "", "", 12, 10.5, "会务组"], ["火车", 1000.5, "pkm"], ["外购电力", "1 200", "度"]]
    rows[1][0], rows[2][1] = "train", 1200
    done = await bring(
        client, organizer, event, workbook(["项目 *", "数量", "单位", "人数", "单程公里", "说明"], *rows)
    )
    assert done.status_code == 201, done.text
    lines = (await client.get(f"/v1/events/{event.id}/activity-data", headers=organizer)).json()
    assert sorted((each["item"], each["quantity"], each["unit"]) for each in lines) == [
        ("electricity", "1200", "kWh"),
        ("metro", "252", "pkm"),
        ("train", "1000.5", "pkm"),
    ]
    assert sum(each["emissions_g"] for each in lines) == done.json()["emissions_g"] > 0
    (known,) = (await client.get(f"/v1/events/{event.id}/imports", headers=organizer)).json()
    assert (known["lines"], known["live"], known["id"]) == (3, 3, done.json()["import_id"])
    ending = f"/v1/events/{event.id}/imports/{known['id']}/ending"
    assert (await client.post(ending, json={"because": "重了"}, headers=organizer | key())).status_code == 201
    assert (await client.get(f"/v1/events/{event.id}/activity-data", headers=organizer)).json() == []
    assert await database.fetchval("SELECT count(*) FROM activity_data WHERE ended_because = '重了'") == 3


async def test_each_wrong_cell_is_named_and_nothing_comes_in(client: httpx.AsyncClient, database: asyncpg.Pool) -> None:
    organizer, event = await an_event(client)
    rows = "外购电力,12,度,,,\n外购电力,一些,kWh,,,\n外购电力,3,kg,,,\n扫帚,3,kg,,,\n地铁,,,5,,\n"
    rows += ",3,kWh,,,\n外购电力,,,,,,多余\n"
    answer = await bring(client, organizer, event, HEAD + rows)
    assert (answer.status_code, answer.json()["code"]) == (422, "import_refused")
    errors = answer.json()["values"]["errors"]
    assert sorted((each["cell"], each["column"], each["code"]) for each in errors) == [
        ("A5", "项目", "unknown_item"),
        ("A7", "项目", "cell_empty"),
        ("B3", "数量", "number_unreadable"),
        ("C4", "单位", "unit_contradicts"),
        ("E6", "单程公里", "cell_empty"),
        ("G8", "", "cell_outside"),
    ]
    assert [await database.fetchval(f"SELECT count(*) FROM {each}") for each in ("activity_data", "imports")] == [0, 0]
    for heading, cell, code in (
        ("项目,数目\n", "B1", "heading_unknown"),
        ("数量,单位\n", "A1", "heading_missing"),
        ("项目,数量,数量\n", "C1", "heading_repeats"),
    ):
        told = (await bring(client, organizer, event, heading + "a,1,1\n")).json()["values"]["errors"]
        assert (told[0]["cell"], told[0]["code"]) == (cell, code)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_the_encodings_that_spreadsheets_write(encoding: str) -> None:
    table = tables.read((HEAD + "外购电力,12,度\n").encode(encoding), "活动数据")
    line = Reader(table, {}).line(table.rows[0])
    assert isinstance(line, NewLine)
    assert (line.item, line.quantity, line.unit) == ("electricity", "12", "度")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("项目;数量\n外购电力;3\n".encode(), "wrong_separator"),
        (b"\x00\x01\x02", "not_a_table"),
        (b"%PDF-1.7 \xff\xfe\xff", "not_a_table"),
        (b"", "not_a_table"),
        (b'\xe9\xa1\xb9\xe7\x9b\xae,a\n"x"y,1\n', "text_unreadable"),
        (b"PK\x03\x04 nothing", "workbook_unreadable"),
        (with_part(workbook(["项目"]), "xl/vbaProject.bin", b"x"), "workbook_has_macros"),
        (with_part(workbook(["项目"]), "xl/externalLinks/externalLink1.xml", b"x"), "workbook_linked"),
        (with_part(workbook(["项目"]), "xl/media/a.bin", b"\0" * (workbooks.MOST_UNPACKED + 1)), "workbook_unfolds"),
        (with_part(workbook(["项目"]), "xl/worksheets/sheet1.xml", b"<!DOCTYPE a><a/>"), "workbook_unreadable"),
    ],
)
def test_what_is_no_harmless_table_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        tables.read(content, "活动数据")
    assert refused.value.code == code


def test_a_part_that_unfolds_to_more_than_it_says_is_refused() -> None:
    lying = bytearray(with_part(workbook(["项目"]), "xl/worksheets/sheet1.xml", b" " * 10**6 + b"<a/>"))
    true = (10**6 + 4).to_bytes(4, "little")
    while (place := lying.find(true)) >= 0:
        lying[place : place + 4] = (50).to_bytes(4, "little")
    with pytest.raises(workbooks.WorkbookUnreadable):
        tables.read(bytes(lying), "活动数据")


def test_formulas_merged_cells_and_far_cells_are_named() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet("数").write_formula("C7", "=1+1")
    with pytest.raises(workbooks.CellIsFormula) as formula:
        tables.read(out.getvalue(), "")
    assert formula.value.values == {"sheet": "数", "cell": "C7"}
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet("数").merge_range("B2:C3", "x")
    with pytest.raises(workbooks.CellsMerged) as merged:
        tables.read(out.getvalue(), "")
    assert merged.value.values["cell"] == "B2:C3"
    far = b'<worksheet><sheetData><row r="1"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    with pytest.raises(workbooks.SheetTooLarge) as large:
        tables.read(with_part(workbook(["项目"]), "xl/worksheets/sheet1.xml", far), "")
    assert large.value.values["cell"] == "XFD1048576"


async def test_the_template_filled_in_comes_back(client: httpx.AsyncClient) -> None:
    organizer, event = await an_event(client)
    got = await client.get("/v1/activity-data-template/xlsx", headers=organizer)
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    book = openpyxl.load_workbook(io.BytesIO(xlsx_template("zh")))
    sheet = book["活动数据"]
    assert [cell.value.rstrip(" *") for cell in sheet[1]] == TITLES
    assert sum("可选的值" in (each.formula1 or "") for each in sheet.data_validations.dataValidation) == 6
    sheet.append(["牛肉餐", 30, "meal"])
    filled = io.BytesIO()
    book.save(filled)
    table = tables.read(filled.getvalue(), "活动数据")
    line = Reader(table, {}).line(table.rows[0])
    assert isinstance(line, NewLine)
    assert (line.item, line.quantity) == ("meal_beef", "30")
    assert csv_template("zh").startswith(b"\xef\xbb\xbf")
    empty = await bring(client, organizer, event, csv_template("en"))
    assert empty.json()["values"]["errors"][0]["cell"] == "A2"


async def test_a_long_table_is_a_job_that_brings_in_all_or_nothing(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    organizer, event = await an_event(client)
    monkeypatch.setattr(imports, "AT_ONCE", 3)
    monkeypatch.setattr(imports, "CHUNK", 2)
    good, bad = HEAD + "外购电力,12,度\n" * 5, HEAD + "外购电力,12,度\n" * 4 + "外购电力,12,人\n"
    started = [(await bring(client, organizer, event, each)).json()["job_id"] for each in (good, bad)]
    await working.do_waiting(database, config)
    states = [(await client.get(f"/v1/jobs/{each}", headers=organizer)).json() for each in started]
    assert [each["state"] for each in states] == ["done", "failed"]
    assert states[0]["result"]["lines"] == 5
    assert states[1]["refusal"]["values"]["errors"][0]["cell"] == "C6"
    assert await database.fetchval("SELECT count(*) FROM activity_data") == 5
    assert imports.KIND in jobs.HANDLERS
    assert msgspec.json.encode(states[0])


async def test_two_hundred_megabytes_are_refused_while_they_come(client: httpx.AsyncClient) -> None:
    organizer, event = await an_event(client)
    sent = 0

    async def pieces() -> Any:
        nonlocal sent
        for _ in range(200):
            sent += 2**20
            yield b"," * 2**20

    url = f"/v1/events/{event.id}/imports"
    answer = await client.post(url, content=pieces(), headers=organizer | key() | {"content-type": "text/csv"})
    assert answer.status_code == 413
