"""The bench measures: a tiny run of each figure. No time that it measures decides anything here."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from service import events, ledger
from service import readiness as ready
from service.config import Config
from service.db import new_id, transaction
from service.donations import DonationRequest, donate_many
from tests.bench import (
    accounting,
    action_http,
    certificate_page,
    checkin,
    donation_http,
    donations,
    fill_plan,
    freshness,
    growth,
    ingest,
    ingest_growth,
    ledger_growth,
    page,
    plain,
    readiness,
    stand,
    starting,
    transfers,
)
from tests.bench.__main__ import as_line, as_table
from tests.bench.donors import gifts, make_donors
from tests.bench.figures import Figure, median_ratio
from tests.bench.ready_events import make_event, multiply
from tests.bench.stand import Stand
from tests.bench.viewers import Seen
from tests.books import event_account, rich_member

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
    assert found["checkin_http"].limit == 0.4
    assert found["echo_http"].limit == 0.8
    assert all(float(each.value) > 0 for each in found.values())


def test_grouped_donations_are_held_against_one_transaction_each(service: Stand) -> None:
    found = by_name(donations.measure_on(service, seconds=0.3, warm_up_s=0.1, runs=1, donors=500))
    limits = {"donation_hot": 2.5, "donation_vs_hot_row": 6, "donation_hot_p99_ms": 15, "donation_lone_p50": 1.15}
    assert {name: found[name].limit for name in limits} == limits
    assert (found["donation_hot"].of, found["donation_vs_hot_row"].of) == ("donation_plain", "donation_hot_row")
    assert all(float(each.value) > 0 for each in found.values())


def test_donations_over_http_are_held_against_their_echo(service: Stand) -> None:
    found = by_name(donation_http.measure_on(service, seconds=0.3, warm_up_s=0.1, runs=1, donors=200))
    assert (found["donation_http"].of, found["donation_http"].limit) == ("echo_donation_http", 0.4)
    assert all(float(each.value) > 0 for each in found.values())


def test_acts_over_http_are_held_against_their_echo(service: Stand) -> None:
    found = by_name(action_http.measure_on(service, seconds=0.3, warm_up_s=0.1, runs=1, citizens=500))
    assert (found["action_http"].of, found["action_http"].limit) == ("echo_action_http", 0.4)
    assert all(float(each.value) > 0 for each in found.values())


def test_a_partners_acts_are_held_against_copies_of_their_rows(service: Stand) -> None:
    found = by_name(ingest.measure_on(service, citizens=400, lines=200, runs=1))
    assert (found["ingest_bulk"].of, found["ingest_bulk"].limit) == ("copy_acts", 0.06)
    assert (found["ingest_per_s"].limit, found["ingest_memory_mb"].limit) == (6_000, 50)
    assert all(float(each.value) >= 0 for each in found.values())


def test_feeds_among_many_acts_are_held_against_feeds_among_none(service: Stand) -> None:
    found = by_name(ingest_growth.measure_on(service, service, many=1_000, citizens=200, lines=50, runs=1))
    assert (found["ingest_growth"].bound, found["ingest_growth"].limit) == ("least", 0.8)
    assert all(float(each.value) > 0 for each in found.values())


@pytest.mark.parametrize("shape", plain.SHAPES)
async def test_every_baseline_writes_the_rows_that_the_service_writes(
    database: asyncpg.Pool, config: Config, shape: str
) -> None:
    event_id = await event_account(database)
    await plain.set_up(config, [event_id])
    donors = await make_donors(database, 4)
    asked = list(itertools.islice(gifts(donors, event_id), 4 * 9))
    async with plain.givers(config, plain.SHAPES[shape], 1) as (give,):
        for each in asked:
            await give(each)
    written = await rows_of(database, donors)
    again, other_event = await make_donors(database, 4), await event_account(database)
    await committed(database, list(itertools.islice(gifts(again, other_event), 4 * 9)))
    assert written == await rows_of(database, again)


@pytest.mark.parametrize("shape", ["function", "statement", "function_counted"])
async def test_every_baseline_guards_the_donor_and_the_id(database: asyncpg.Pool, config: Config, shape: str) -> None:
    event_id, donor = await event_account(database), await rich_member(database, 1_000)
    await plain.set_up(config, [event_id])
    first = DonationRequest(new_id(), donor, event_id, 100)
    async with plain.givers(config, plain.SHAPES[shape], 20) as gives:
        drain = [first, *(DonationRequest(new_id(), donor, event_id, 100) for _ in gives[1:])]
        said = await asyncio.gather(
            *(give(each) for give, each in zip(gives, drain, strict=True)), return_exceptions=True
        )
        with pytest.raises(RuntimeError):
            await gives[0](first)
    assert said.count(None) == 10
    async with database.acquire() as connection:
        assert await ledger.balance_g(connection, donor) == 0


async def rows_of(database: asyncpg.Pool, donors: Sequence[UUID]) -> list[tuple[object, ...]]:
    """What was written for donors, without ids and times: transfers in order, and what they hold."""
    transfers = await database.fetch(
        """
        SELECT array_position($1::uuid[], source) AS donor, ordinal, class_id, transfers.grams, donations.grams AS asked
        FROM transfers JOIN donations USING (id) WHERE source = ANY ($1::uuid[]) ORDER BY 1, id, ordinal
        """,
        donors,
    )
    held = await database.fetch(
        "SELECT array_position($1::uuid[], account_id), class_id, grams FROM balances "
        "WHERE account_id = ANY ($1::uuid[]) ORDER BY 1, 2",
        donors,
    )
    return [tuple(each) for each in [*transfers, *held]]


async def committed(database: asyncpg.Pool, asked: Sequence[DonationRequest]) -> None:
    """Donate as the service does, in sets of seven."""
    for start in range(0, len(asked), 7):
        async with transaction(database) as connection:
            await donate_many(connection, asked[start : start + 7])


def test_bulk_posting_is_held_against_copy(service: Stand) -> None:
    found = by_name(transfers.measure_on(service, transfers=4_000, runs=1))
    assert (found["post_bulk"].of, found["post_bulk"].limit) == ("copy_bulk", 0.2)
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


def test_an_accounting_is_measured_and_held_against_a_smaller_one(service: Stand) -> None:
    (figure,) = accounting.measure_on(service, check_ins=60, lines=3, runs=1)
    assert (figure.name, figure.limit, figure.met) == ("account_100k", 2, True)
    (growth,) = accounting.measure_growth_on(service, service, few=20, many=60, runs=1)
    assert (growth.name, growth.limit, growth.ratio is not None) == ("account_growth", 1.1, True)


async def test_every_event_of_the_place_is_as_far_as_the_one_that_was_told(
    database: asyncpg.Pool, config: Config
) -> None:
    async with transaction(database) as connection:
        caller, told = await make_event(connection, config)
        ids = await multiply(connection, told, caller, 3)
        found = [
            await ready.of_event(connection, await events.find(connection, each), datetime.now(UTC))
            for each in (told.id, *ids)
        ]
    told_of = ("facts", "plan", "publish_plan", "measures", "account")
    states = [[each.state for each in one.steps if each.key in told_of] for one in found]
    assert states == [["done"] * len(told_of)] * 4


def test_checklists_are_asked_among_many_events(service: Stand) -> None:
    found = by_name(readiness.measure_on(service, count=20, seconds=0.5, runs=1))
    assert float(found["readiness_p99_ms"].value) > 0


def test_certificates_are_opened_among_many(service: Stand) -> None:
    found = by_name(certificate_page.measure_on(service, count=20, seconds=0.5, runs=1))
    assert float(found["certificate_page_p99_ms"].value) > 0


def test_a_fill_plan_is_asked_of_what_was_given(service: Stand) -> None:
    figure = fill_plan.measure_on(service, given=200, classes=20, donors=40)[0]
    assert (figure.name, figure.limit, figure.bound) == ("fill_plan_ms", 100, "most")


def test_the_ledgers_growth_compares_none_with_many(service: Stand) -> None:
    figure = ledger_growth.measure_on(service, service, many=2_000, seconds=0.3, warm_up_s=0.1, runs=1, donors=100)[0]
    assert (figure.name, figure.limit, figure.bound) == ("ledger_growth", 0.85, "least")
    assert figure.ratio
    assert "2000" in str(figure.note)


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
