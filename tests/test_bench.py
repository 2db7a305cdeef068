"""The bench measures: a tiny run of each figure. No time that it measures decides anything here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.bench import checkin, freshness, growth, page, stand, starting
from tests.bench.__main__ import as_line, as_table
from tests.bench.figures import Figure, median_ratio
from tests.bench.stand import Stand
from tests.bench.viewers import Seen

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A folder on a disk."""
    with stand.folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def service(scratch: Path) -> Iterator[Stand]:
    """All of it, running."""
    with stand.stand(scratch) as running:
        yield running


def by_name(figures: Sequence[Figure]) -> dict[str, Figure]:
    return {each.name: each for each in figures}


def test_check_ins_are_held_against_the_echo_and_the_echo_against_the_bare_application(service: Stand) -> None:
    found = by_name(checkin.measure_on(service, seconds=0.3, warm_up_s=0.2, runs=1))
    assert found["checkin_http"].of == "echo_http"
    assert found["echo_http"].of == "bare_http"
    assert found["checkin_http"].limit == 0.2
    assert found["echo_http"].limit == 0.8
    assert all(float(each.value) > 0 for each in found.values())


def test_every_viewer_sees_every_receipt_in_the_tally(service: Stand) -> None:
    found = by_name(freshness.measure_on(service, seconds=1, per_s=40, viewers=3, after_s=3))
    assert float(found["tally_fresh_p99_ms"].value) > 0


def test_the_page_weighs_what_a_browser_says(service: Stand) -> None:
    found = by_name(page.measure_on(service))
    browser = found.get("checkin_page_bytes_in_chromium", found["checkin_page_bytes"])
    # two visits have different tickets, which compress a little differently
    assert float(browser.value) == pytest.approx(float(found["checkin_page_bytes"].value), abs=100)


def test_growth_compares_a_few_with_many(service: Stand) -> None:
    figure = growth.measure_on(service, service, few=5, many=20, seconds=0.3, runs=1)[0]
    assert figure.ratio
    assert figure.bound == "most"


def test_a_start_is_measured_on_new_and_on_existing_data(scratch: Path) -> None:
    (figure,) = starting.measure(scratch, stand.UP, runs=1)
    assert "new data" in str(figure.note)
    assert float(figure.value) > 0


def test_durability_is_read_from_the_server(service: Stand, scratch: Path) -> None:
    found = stand.facts(scratch, service.config)
    assert [found[name] for name in stand.DURABLE] == ["on", "on", "on"]
    assert found["data_filesystem"] not in {"tmpfs", "ramfs"}


def test_data_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand, "filesystem_of", lambda path: "tmpfs")
    with pytest.raises(RuntimeError, match="in memory"), stand.folder():
        pass


def test_a_limit_is_met_or_not_and_says_so() -> None:
    slow = Figure(name="a", value=100, unit="1/s", ratio=0.19, of="b", limit=0.2, bound="least")
    quick = Figure(name="c", value=9, unit="ms", limit=10, bound="most")
    fact = Figure(name="cores", value=2)
    assert [slow.met, quick.met, fact.met] == [False, True, None]
    assert {"name", "value", "unit", "limit", "ratio"} <= as_line(slow).keys()
    assert as_table([slow, quick, fact]).row_count == 3
    assert msgspec.json.encode([as_line(slow)])


def test_ratios_are_taken_within_a_run() -> None:
    assert median_ratio([1, 20, 300], [2, 10, 100]) == 2


def test_a_receipt_counts_when_the_tally_counts_as_many() -> None:
    streams = [[Seen(1.0, freshness.BEFORE), Seen(2.5, freshness.BEFORE + 2)]]
    assert list(freshness.delays_ms([2.2, 2.0], streams)) == [500, pytest.approx(300)]
    with pytest.raises(RuntimeError, match="not in the tally"):
        list(freshness.delays_ms([2.0] * 3, streams))


def test_a_load_that_is_refused_is_no_measurement(service: Stand) -> None:
    world = asyncio.run(checkin.prepare(service))
    forged = [checkin.check_in_requests(world, 1)[0].replace(b'"code":"', b'"code":"0')]
    with pytest.raises(RuntimeError, match="400"):
        checkin.run_load(checkin.Plan(port=service.port, requests=forged, seconds=1, warm_up_s=0))
