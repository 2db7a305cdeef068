"""Grams set aside for an event: reserved now; posted in whole or part, voided, or left to lapse later, once.

A reservation's id is its caller's, and so is that of what ends it. All is serialized by the member's account.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from service import ledger
from service.db import Connection
from service.donations import ClassNotTaken, ClosedToDonations, EventCovered, Overdraft, SameEventReduction
from service.errors import Conflict, IdReused, NotFound, NotNow
from service.retirable import Lot, take

Outcome = Literal["post", "void", "lapse"]


class ReservationEnded(Conflict):
    """这笔预留已经结束（已捐出、已取消或已到期），不能再改。"""

    code = "reservation_ended"


class MoreThanReserved(Conflict):
    """只预留了 {reserved_g} 克，不够捐出 {asked_g} 克。"""

    code = "more_than_reserved"


class LapsesTooSoon(NotNow):
    """预留的到期时间须在现在之后。"""

    code = "lapses_too_soon"


class NotLapsedYet(NotNow):
    """这笔预留还没有到期。"""

    code = "not_lapsed_yet"


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """Grams that a member set aside for an event until `lapses_at`."""

    reservation_id: UUID
    event_id: UUID
    grams: int
    reserved_at: datetime
    lapses_at: datetime


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a reservation ended: `posted_g` went to the event, `returned_g` back to the member."""

    ending_id: UUID
    reservation_id: UUID
    outcome: Outcome
    posted_g: int
    returned_g: int
    ended_at: datetime


class Standing(msgspec.Struct, frozen=True):
    """A reservation as it stands; `ending` is null while the grams are set aside."""

    reservation: Reservation
    ending: Ending | None


class Known(NamedTuple):
    """What is recorded of a reservation, its member's account being locked. `due` says that its time is up."""

    member_id: UUID
    reservation: Reservation
    ending: Ending | None
    due: bool


# Reserving ------------------------------------------------------------------------------------------------------------


async def reserve(
    connection: Connection, reservation_id: UUID, member_id: UUID, event_id: UUID, grams: int, lapses_at: datetime
) -> Reservation:
    """Set grams aside, the oldest classes first; the same again is answered as before.

    Raises IdReused, LapsesTooSoon, and what `usable` raises.
    """
    await ledger.lock_accounts(connection, [member_id])
    if known := await recorded(connection, reservation_id):
        if (known.member_id, *details(known.reservation)) != (member_id, event_id, grams, lapses_at):
            raise IdReused
        return known.reservation
    parts = take(await usable(connection, member_id, event_id, grams), grams)
    try:
        async with connection.transaction():
            reservation = await open_one(connection, reservation_id, member_id, event_id, grams, lapses_at)
            await ledger.post_many(
                connection,
                [
                    ledger.Transfer(
                        reservation_id, member_id, ledger.HELD, part.class_id, part.grams, "reserve", ordinal
                    )
                    for ordinal, part in enumerate(parts)
                ],
            )
    except asyncpg.UniqueViolationError:
        raise IdReused from None
    return reservation


def details(reservation: Reservation) -> tuple[UUID, int, datetime]:
    """What must be the same for a request to be the same."""
    return reservation.event_id, reservation.grams, reservation.lapses_at


async def usable(connection: Connection, member_id: UUID, event_id: UUID, grams: int) -> list[Lot]:
    """What a member holds that may go to the event, the oldest class first.

    Raises NotFound, ClosedToDonations, EventCovered, and Overdraft, SameEventReduction or ClassNotTaken where it is
    less than these grams.
    """
    await check_open(connection, event_id)
    rows = await connection.fetch(
        """
        SELECT class_id, grams, takes_own OR earned_at IS DISTINCT FROM $2 AS usable,
            is_taken(regions, target.recognized, region, holdings.recognized) AS taken
        FROM holdings JOIN donation_targets AS target ON event_id = $2
        WHERE account_id = $1
        ORDER BY vintage, class_id
        """,
        member_id,
        event_id,
    )
    held_g = sum(row["grams"] for row in rows)
    if held_g < grams:
        raise Overdraft(held_g=held_g, asked_g=grams)
    if sum(row["grams"] for row in rows if row["taken"]) < grams:
        raise ClassNotTaken
    parts = [Lot(row["class_id"], row["grams"]) for row in rows if row["taken"] and row["usable"]]
    if sum(part.grams for part in parts) < grams:
        raise SameEventReduction
    return parts


async def check_open(connection: Connection, event_id: UUID) -> None:
    """Raises NotFound for no such event, ClosedToDonations and EventCovered."""
    target = await connection.fetchrow("SELECT closed, covered FROM donation_targets WHERE event_id = $1", event_id)
    if target is None:
        raise NotFound
    if target["closed"]:
        raise ClosedToDonations
    if target["covered"]:
        raise EventCovered


async def check_taken(connection: Connection, reservation_id: UUID) -> None:
    """Raises ClassNotTaken where the event takes some of what was reserved no more."""
    refused = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM reservations JOIN transfers USING (id) JOIN class_origins USING (class_id)
            JOIN donation_targets AS target USING (event_id)
            WHERE id = $1 AND reason = 'reserve'
                AND NOT is_taken(regions, target.recognized, region, class_origins.recognized)
        )
        """,
        reservation_id,
    )
    if refused:
        raise ClassNotTaken


async def open_one(
    connection: Connection, reservation_id: UUID, member_id: UUID, event_id: UUID, grams: int, lapses_at: datetime
) -> Reservation:
    """Record a reservation, before its transfers. Raises LapsesTooSoon, and asyncpg's UniqueViolationError."""
    reserved_at = await connection.fetchval(
        """
        WITH opened AS (
            INSERT INTO reservations (id, member_id, event_id, grams, lapses_at)
            SELECT $1, $2, $3, $4, $5::timestamptz WHERE $5 > clock_timestamp()
            RETURNING id, event_id, lapses_at, reserved_at
        ),
        noted AS (
            INSERT INTO open_reservations (reservation_id, event_id, lapses_at)
            SELECT id, event_id, lapses_at FROM opened
        )
        SELECT reserved_at FROM opened
        """,
        reservation_id,
        member_id,
        event_id,
        grams,
        lapses_at,
    )
    if reserved_at is None:
        raise LapsesTooSoon
    return Reservation(
        reservation_id=reservation_id, event_id=event_id, grams=grams, reserved_at=reserved_at, lapses_at=lapses_at
    )


# Ending ---------------------------------------------------------------------------------------------------------------


async def post(
    connection: Connection, reservation_id: UUID, ending_id: UUID, grams: int | None, member_id: UUID | None = None
) -> Ending:
    """Donate what was reserved, or these grams of it, the oldest class first; the rest goes back to the member.

    Ended so by the same id, it is answered as before. `member_id` is who must have reserved it.
    Raises NotFound, ReservationEnded (also when its time is up), MoreThanReserved, ClosedToDonations, EventCovered,
    ClassNotTaken and IdReused.
    """
    known = await lock(connection, reservation_id, member_id)
    asked_g = known.reservation.grams if grams is None else grams
    if known.ending:
        return again(known.ending, ending_id, "post", asked_g)
    if known.due:
        raise ReservationEnded
    if asked_g > known.reservation.grams:
        raise MoreThanReserved(reserved_g=known.reservation.grams, asked_g=asked_g)
    await check_open(connection, known.reservation.event_id)
    await check_taken(connection, reservation_id)
    return await end(connection, known, ending_id, "post", asked_g)


async def void(connection: Connection, reservation_id: UUID, ending_id: UUID, member_id: UUID | None = None) -> Ending:
    """Give back what was reserved. Raises NotFound, ReservationEnded and IdReused, as `post`."""
    known = await lock(connection, reservation_id, member_id)
    if known.ending:
        return again(known.ending, ending_id, "void", 0)
    return await end(connection, known, ending_id, "void", 0)


async def lapse(connection: Connection, reservation_id: UUID, ending_id: UUID) -> Ending:
    """Give back what was reserved for longer than it should be. Raises NotLapsedYet besides what `void` raises."""
    known = await lock(connection, reservation_id, None)
    if known.ending:
        return again(known.ending, ending_id, "lapse", 0)
    if not known.due:
        raise NotLapsedYet
    return await end(connection, known, ending_id, "lapse", 0)


async def lock(connection: Connection, reservation_id: UUID, member_id: UUID | None) -> Known:
    """What is recorded of it, its member's account locked. Raises NotFound, also for another's."""
    owner = await connection.fetchval("SELECT member_id FROM reservations WHERE id = $1", reservation_id)
    if owner is None or member_id not in (None, owner):
        raise NotFound
    await ledger.lock_accounts(connection, [owner])
    known = await recorded(connection, reservation_id)
    assert known
    return known


def again(ending: Ending, ending_id: UUID, outcome: Outcome, posted_g: int) -> Ending:
    """The ending as it was. Raises ReservationEnded for another's id, IdReused for another way or amount."""
    if ending.ending_id != ending_id:
        raise ReservationEnded
    if (ending.outcome, ending.posted_g) != (outcome, posted_g):
        raise IdReused
    return ending


async def end(connection: Connection, known: Known, ending_id: UUID, outcome: Outcome, posted_g: int) -> Ending:
    """Record the ending and move the grams. Raises ClosedToDonations and IdReused, with nothing done."""
    reservation = known.reservation
    try:
        async with connection.transaction():
            ended_at = await close(connection, reservation.reservation_id, ending_id, outcome, posted_g)
            transfers = await ending_transfers(connection, known, ending_id, outcome, posted_g)
            await ledger.post_many(connection, transfers)
            if posted_g:
                await note_donation(connection, known, ending_id, posted_g)
    except asyncpg.UniqueViolationError:
        raise IdReused from None
    except asyncpg.CheckViolationError as violation:
        if violation.constraint_name != "open_accounts":
            raise
        raise ClosedToDonations from None
    return Ending(
        ending_id=ending_id,
        reservation_id=reservation.reservation_id,
        outcome=outcome,
        posted_g=posted_g,
        returned_g=reservation.grams - posted_g,
        ended_at=ended_at,
    )


async def close(
    connection: Connection, reservation_id: UUID, ending_id: UUID, outcome: Outcome, posted_g: int
) -> datetime:
    """Record the ending, before its transfers; return when it was."""
    ended_at: datetime = await connection.fetchval(
        """
        WITH closed AS (
            DELETE FROM open_reservations WHERE reservation_id = $1
        )
        INSERT INTO reservation_endings (reservation_id, id, outcome, posted_g) VALUES ($1, $2, $3, $4)
        RETURNING ended_at
        """,
        reservation_id,
        ending_id,
        outcome,
        posted_g,
    )
    return ended_at


async def ending_transfers(
    connection: Connection, known: Known, ending_id: UUID, outcome: Outcome, posted_g: int
) -> list[ledger.Transfer]:
    """One row a class and direction: to the event what is posted, the oldest class first, to the member the rest."""
    rows = await connection.fetch(
        """
        SELECT class_id, grams FROM transfers WHERE id = $1 AND reason = 'reserve' ORDER BY ordinal
        """,
        known.reservation.reservation_id,
    )
    parts = [Lot(**row) for row in rows]
    to_event = take(parts, posted_g)
    posted = {part.class_id: part.grams for part in to_event}
    back = [Lot(part.class_id, part.grams - posted.get(part.class_id, 0)) for part in parts]
    moves = [
        *(("post", known.reservation.event_id, part) for part in to_event),
        *(("lapse" if outcome == "lapse" else "void", known.member_id, part) for part in back if part.grams),
    ]
    refers_to = known.reservation.reservation_id
    return [
        ledger.Transfer(ending_id, ledger.HELD, destination, part.class_id, part.grams, reason, ordinal, refers_to)
        for ordinal, (reason, destination, part) in enumerate(moves)
    ]


async def note_donation(connection: Connection, known: Known, ending_id: UUID, posted_g: int) -> None:
    """What was posted is a donation, under the ending's id, and counts in the event's tally."""
    await connection.execute(
        """
        WITH given AS (
            INSERT INTO donations (id, member_id, event_id, grams, decided_at)
            VALUES ($1, $2, $3, $4, clock_timestamp())
        )
        INSERT INTO tally_changes (event_id, sign, donations, donated_g, transfers, changed_at)
        VALUES ($3, 1, 1, $4, ARRAY[$1::uuid], clock_timestamp())
        """,
        ending_id,
        known.member_id,
        known.reservation.event_id,
        posted_g,
    )


# Reading --------------------------------------------------------------------------------------------------------------


async def recorded(connection: Connection, reservation_id: UUID) -> Known | None:
    """The reservation with its ending, or None."""
    row = await connection.fetchrow(
        """
        SELECT member_id, event_id, grams, reserved_at, lapses_at, lapses_at <= clock_timestamp() AS due,
            ending.id AS ending_id, outcome, posted_g, ended_at
        FROM reservations LEFT JOIN reservation_endings AS ending ON ending.reservation_id = reservations.id
        WHERE reservations.id = $1
        """,
        reservation_id,
    )
    if row is None:
        return None
    reservation = Reservation(
        reservation_id=reservation_id,
        event_id=row["event_id"],
        grams=row["grams"],
        reserved_at=row["reserved_at"],
        lapses_at=row["lapses_at"],
    )
    return Known(row["member_id"], reservation, ending_of(reservation, row), row["due"])


def ending_of(reservation: Reservation, row: asyncpg.Record) -> Ending | None:
    """How it ended, by a row of `recorded`."""
    if row["ending_id"] is None:
        return None
    return Ending(
        ending_id=row["ending_id"],
        reservation_id=reservation.reservation_id,
        outcome=row["outcome"],
        posted_g=row["posted_g"],
        returned_g=reservation.grams - row["posted_g"],
        ended_at=row["ended_at"],
    )


async def find(connection: Connection, reservation_id: UUID, member_id: UUID) -> Standing:
    """A member's reservation as it stands. Raises NotFound, also for another's."""
    known = await recorded(connection, reservation_id)
    if known is None or known.member_id != member_id:
        raise NotFound
    return Standing(known.reservation, known.ending)


async def due(connection: Connection, limit: int = 100) -> list[UUID]:
    """Reservations whose time is up, those that wait longest first."""
    rows = await connection.fetch(
        """
        SELECT reservation_id FROM open_reservations WHERE lapses_at <= clock_timestamp() ORDER BY lapses_at LIMIT $1
        """,
        limit,
    )
    return [row["reservation_id"] for row in rows]
