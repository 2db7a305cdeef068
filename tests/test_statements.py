"""A member's statement and balance: every gram's coming and going once, in order, explained, and for nobody else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
import pytest

from service import ledger, reservations, retirements, statements
from service.config import Config
from service.db import new_id, transaction
from service.donations import Donation, DonationRequest, donate_many
from service.retirements import NewRetirement
from service.schedules import DaysReversed
from service.statement_lines import Line
from service.statements import CursorUnknown, Wanted
from tests.books import issue, rich_member
from tests.tallied import hall

LATER = datetime(2099, 1, 1, tzinfo=UTC)


async def give(pool: asyncpg.Pool, member: UUID, event: UUID, grams: int) -> UUID:
    """Donate, committed."""
    async with transaction(pool) as connection:
        (given,) = await donate_many(connection, [DonationRequest(new_id(), member, event, grams)])
    assert isinstance(given, Donation)
    return given.donation_id


async def whole(
    pool: asyncpg.Pool, config: Config, member: UUID, wanted: Wanted = statements.EVERYTHING, limit: int = 3
) -> list[Line]:
    """All pages, one after the other."""
    lines: list[Line] = []
    cursor = None
    while True:
        async with pool.acquire() as connection:
            page = await statements.read(connection, config, member, wanted, cursor, limit)
        assert len(page.lines) <= limit
        lines += page.lines
        if page.next_cursor is None:
            return lines
        cursor = page.next_cursor


def assert_adds_up(lines: list[Line]) -> None:
    """Each line's parts make its grams, and its grams lead from the balance before to that after."""
    held = 0
    for line in reversed(lines):
        assert sum(part.grams for part in line.parts) == abs(line.grams)
        held += line.grams
        assert line.balance_g == held


async def busy_member(pool: asyncpg.Pool, events: tuple[UUID, ...], rounds: int = 4) -> UUID:
    """A member with something of most kinds in their statement."""
    member = await rich_member(pool, 1000, 2000, 3000)
    for number in range(rounds):
        await give(pool, member, events[number % len(events)], 700 + number)
        async with transaction(pool) as connection:
            await ledger.lock_accounts(connection, [member])
            await issue(connection, member, [50, 60])
            own = NewRetirement(grams=10 + number, beneficiary="李雷", purpose="出差")
            await retirements.retire_own(connection, new_id(), member, own)
            reservation = new_id()
            await reservations.reserve(connection, reservation, member, events[0], 40, LATER)
            if number % 2:
                await reservations.void(connection, reservation, new_id())
    return member


async def test_pages_put_together_are_the_whole_statement_and_add_up_to_the_balance(
    database: asyncpg.Pool, config: Config
) -> None:
    events = ((await hall(database)).id, (await hall(database)).id)
    member = await busy_member(database, events)
    rows = await database.fetch("SELECT DISTINCT id FROM transfers WHERE $1 IN (source, destination)", member)
    for limit in (1, 2, 3, 200):
        lines = await whole(database, config, member, limit=limit)
        assert len(lines) == len({line.id for line in lines})
        assert {line.id for line in lines} == {row["id"] for row in rows}
        assert_adds_up(lines)
    assert [line.made_at for line in lines] == sorted((line.made_at for line in lines), reverse=True)
    async with database.acquire() as connection:
        assert lines[0].balance_g == await ledger.balance_g(connection, member)


async def test_what_arrives_while_one_reads_neither_repeats_nor_hides_a_line(
    database: asyncpg.Pool, config: Config
) -> None:
    event = (await hall(database)).id
    member = await busy_member(database, (event,), rounds=3)
    before = await whole(database, config, member)
    async with database.acquire() as connection:
        first = await statements.read(connection, config, member, limit=2)
    read, cursor = first.lines, first.next_cursor
    while cursor:
        await give(database, member, event, 1)
        async with database.acquire() as connection:
            page = await statements.read(connection, config, member, cursor=cursor, limit=2)
        read, cursor = read + page.lines, page.next_cursor
    assert [(line.id, line.balance_g) for line in read] == [(line.id, line.balance_g) for line in before]


async def test_another_members_cursor_or_a_changed_one_is_refused(database: asyncpg.Pool, config: Config) -> None:
    event = (await hall(database)).id
    member, other = await busy_member(database, (event,), 2), await busy_member(database, (event,), 2)
    async with database.acquire() as connection:
        cursor = (await statements.read(connection, config, member, limit=1)).next_cursor
        assert cursor
        changed = cursor[:20] + ("B" if cursor[20] == "A" else "A") + cursor[21:]
        for reader, text in ((other, cursor), (member, changed), (member, "x"), (member, ""), (member, "碳")):
            if text:
                with pytest.raises(CursorUnknown):
                    await statements.read(connection, config, reader, cursor=text)


@pytest.mark.parametrize("kind", ["donate", "issue", "retire", "reserve", "void", "expire"])
async def test_a_filter_gives_the_lines_of_the_whole_that_fit_it(
    database: asyncpg.Pool, config: Config, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "EXAMINED", 4)  # pages that end before they are full
    events = ((await hall(database)).id, (await hall(database)).id)
    member = await busy_member(database, events)
    lines = await whole(database, config, member)
    for event in (None, *events):
        wanted = Wanted(kind=kind, event_id=event)  # type: ignore[arg-type]
        fitting = [line for line in lines if line.kind == kind and event in (None, line.event_id)]
        assert await whole(database, config, member, wanted) == fitting
    assert await whole(database, config, member, Wanted(event_id=new_id())) == []


async def test_days_are_both_included_and_balances_are_still_those_of_the_whole(
    database: asyncpg.Pool, config: Config
) -> None:
    event = (await hall(database)).id
    member = await busy_member(database, (event,), 2)
    await database.execute("ALTER TABLE transfers DISABLE TRIGGER USER")
    await database.execute(
        """
        UPDATE transfers SET made_at = timestamptz '2026-11-01 00:00+8' + (spread.place - 1) * interval '12 hours'
        FROM (
            SELECT id, dense_rank() OVER (ORDER BY min(made_at)) AS place FROM transfers GROUP BY id
        ) AS spread WHERE spread.id = transfers.id
        """
    )
    await database.execute("ALTER TABLE transfers ENABLE TRIGGER USER")
    lines = await whole(database, config, member)
    assert_adds_up(lines)
    for first, last in ((date(2026, 11, 2), date(2026, 11, 3)), (None, date(2026, 11, 1)), (date(2026, 11, 3), None)):
        fitting = [
            line
            for line in lines
            if (first or date.min) <= line.made_at.astimezone(statements.CHINA).date() <= (last or date.max)
        ]
        assert 0 < len(fitting) < len(lines)
        assert await whole(database, config, member, Wanted(first=first, last=last)) == fitting
    assert await whole(database, config, member, Wanted(first=date.min, last=date.max)) == lines
    with pytest.raises(DaysReversed):
        await whole(database, config, member, Wanted(first=date(2026, 11, 2), last=date(2026, 11, 1)))
