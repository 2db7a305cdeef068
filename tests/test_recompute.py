"""A report is computed again from itself alone; any number changed in it is found, and named where arithmetic can."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scenarios.meeting.recompute import recompute
from scenarios.meeting.report_building import build
from scenarios.meeting.reports import Report, ReportUnreadable, decode, digests_of, encode, whole_digest
from service.cli import main
from tests.reporting import accounted

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(/[0-9]+)?")


@pytest.fixture(scope="module", params=["full", "public"])
def report(request: pytest.FixtureRequest) -> Report:
    return build(accounted(), request.param)


def numbers(content: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every number of a piece of JSON: its path, what holds it, and its key there."""
    for key, each in content.items() if isinstance(content, dict) else enumerate(content):
        here = f"{path}[{key}]" if isinstance(content, list) else f"{path}.{key}".lstrip(".")
        if isinstance(each, dict | list):
            yield from numbers(each, here)
        elif isinstance(each, int) or (isinstance(each, str) and NUMBER.fullmatch(each)):
            yield here, content, key


def changed(value: Any) -> Any:
    """Another number of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value[:-1] + ("1" if value[-1] != "1" else "2")


def found_in(content: bytes) -> list[str]:
    """The paths that come out otherwise; of an unreadable report why."""
    try:
        return [each.path for each in recompute(decode(content))]
    except ReportUnreadable as wrong:
        return [str(wrong)]


def test_a_report_comes_out_as_it_says(report: Report) -> None:
    assert recompute(report) == []
    again = decode(encode(report))
    assert (recompute(again), encode(again)) == ([], encode(report))


def test_every_changed_number_is_found(report: Report) -> None:
    plain = json.loads(encode(report))
    paths = [path for path, _, _ in numbers(plain)]
    assert len(paths) > 200
    for path, holder, key in numbers(plain):
        before = holder[key]
        holder[key] = changed(before)
        assert found_in(json.dumps(plain).encode()), path
        holder[key] = before


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("cells[0].grams_each", "cells[0].grams_each"),
        ("cells[0].count", "cells[0].grams"),
        ("cells[0].legs[0].distance_m", "cells[0].legs[0].emissions_g"),
        ("lines[1].quantity", "lines[1].emissions_g"),
        ("lines[0].emissions_g", "lines[0].emissions_g"),
        ("factors[0].value", "digests[factors[0]]"),
        ("result.full_g", "result.full_g"),
        ("result.by_source[0].share_permille", "result.by_source[0].share_permille"),
        ("result.extrapolated[0].emissions_g", "result.extrapolated[0].emissions_g"),
        ("offset_needed.full_g", "offset_needed.full_g"),
        ("facts.people", "result.per.head_g"),
        ("groups[0].head_count", "digests[groups]"),
    ],
)
def test_a_changed_number_is_named_also_where_the_digests_were_made_anew(path: str, named: str) -> None:
    plain = json.loads(encode(build(accounted())))
    holder, key = next((holder, key) for here, holder, key in numbers(plain) if here == path)
    holder[key] = holder[key] * 2 if path.endswith("_m") else changed(holder[key])
    assert named in found_in(json.dumps(plain).encode())
    plain["digests"] = dict(digests_of(plain))
    plain["sha256"] = whole_digest(plain)
    again = found_in(json.dumps(plain).encode())
    assert again
    assert named in again or named.startswith("digests")


def test_what_is_no_report_is_refused() -> None:
    plain = json.loads(encode(build(accounted())))
    for content in (b"", b"{}", b"[1]", b"\xff", json.dumps(plain | {"more": 1}).encode(), b"[" * 100_000):
        with pytest.raises(ReportUnreadable):
            decode(content)


def test_the_command_line_says_the_totals_or_what_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    report = build(accounted())
    file = tmp_path / "report.json"
    file.write_bytes(encode(report))
    right = CliRunner().invoke(main, ["recompute", str(file)])
    assert (right.exit_code, f"{report.result.full_g:,}" in right.output) == (0, True), right.output
    file.write_bytes(encode(report).replace(b'"count":40', b'"count":41'))
    wrong = CliRunner().invoke(main, ["recompute", str(file)])
    assert (wrong.exit_code, "cells[0].grams" in wrong.output) == (1, True), wrong.output
    file.write_bytes(b"{")
    assert CliRunner().invoke(main, ["recompute", str(file)]).exit_code == 1


def test_digests_are_of_json_that_any_language_writes_alike() -> None:
    plain = json.loads(encode(build(accounted())))
    seal = plain.pop("sha256")
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(canonical).hexdigest() == seal
