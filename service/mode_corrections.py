"""Modes that the organizer corrects in bulk, with a reason: for the accounting alone. They can be withdrawn."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios.factors import FactorBook
from scenarios.meeting.cells import Cell, days_together
from scenarios.meeting.meals import with_meals
from scenarios.meeting.mode_corrections import Change, ModeCorrection, change_of, corrected
from scenarios.meeting.travel import Cabin
from service import accountings, check_in_cells
from service.access import Caller
from service.carbon import carbon_refused
from service.db import Connection, new_id
from service.errors import Conflict, NotFound, NotNow
from service.events import Event, day_of
from service.inputs import LINE

Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE)]
ModeKey = Annotated[str, Meta(min_length=1, max_length=40)]


class NothingToCorrect(NotNow):
    """没有以这种方式、在这一天、从这个入口来的签到，没有可以更正的。"""

    code = "nothing_to_correct"


class CorrectionWithdrawn(Conflict):
    """这项更正已经撤回。"""

    code = "correction_withdrawn"


class NewModeCorrection(msgspec.Struct, forbid_unknown_fields=True):
    """Of the check-ins by `from_mode`, through one gate or any, all or so many count as `to_mode`.

    `day` is the event's own day, which begins at 04:00 in its time zone; left out, of any day.
    """

    from_mode: ModeKey
    to_mode: ModeKey
    reason: Reason
    gate_id: int | None = None
    check_ins: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    cabin: Cabin | None = None
    occupants: Annotated[int, Meta(ge=1, le=100)] | None = None
    day: date | None = None

    @property
    def correction(self) -> ModeCorrection:
        """What the accounting would need of it."""
        return ModeCorrection(
            from_mode=self.from_mode,
            to_mode=self.to_mode,
            gate=self.gate_id,
            check_ins=self.check_ins,
            cabin=self.cabin,
            occupants=self.occupants,
            day=self.day,
        )


class NewWithdrawal(msgspec.Struct, forbid_unknown_fields=True):
    """Why a correction is taken back."""

    reason: Reason


class EnteredCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """A correction as entered; withdrawn ones stay, with who took them back and why."""

    id: UUID
    from_mode: str
    to_mode: str
    gate_id: int | None
    check_ins: int | None
    cabin: Cabin | None
    occupants: int | None
    reason: str
    entered_by: UUID
    entered_at: datetime
    withdrawn_by: UUID | None
    withdrawn_at: datetime | None
    withdrawn_because: str | None
    day: date | None = None

    @property
    def correction(self) -> ModeCorrection:
        """What the accounting needs of it."""
        return ModeCorrection(
            id=self.id,
            from_mode=self.from_mode,
            to_mode=self.to_mode,
            gate=self.gate_id,
            check_ins=self.check_ins,
            cabin=self.cabin,
            occupants=self.occupants,
            day=self.day,
        )


class Counted(NamedTuple):
    """Check-ins in cells as they were made, meals included, and as the accounting counts them, days together again."""

    said: list[Cell]
    counted: list[Cell]
    corrections: list[ModeCorrection]


async def of_event(connection: Connection, event_id: UUID) -> list[EnteredCorrection]:
    """An event's corrections in the order in which they apply, withdrawn ones too."""
    rows = await connection.fetch(
        """
        SELECT id, from_mode, to_mode, gate_id, check_ins, cabin, occupants, reason, entered_by, entered_at,
            withdrawn_by, withdrawn_at, withdrawn_because, day
        FROM mode_corrections WHERE event_id = $1 ORDER BY id
        """,
        event_id,
    )
    return [EnteredCorrection(**row) for row in rows]


async def live(connection: Connection, event_id: UUID) -> list[ModeCorrection]:
    """The corrections that hold, in the order in which they apply."""
    return [each.correction for each in await of_event(connection, event_id) if each.withdrawn_at is None]


async def counted(connection: Connection, event: Event, factors: FactorBook) -> Counted:
    """The check-ins in cells, said and counted. Raises CarbonRule."""
    held = await live(connection, event.id)
    days = {each.day for each in held if each.day is not None}
    said = await said_cells(connection, event, factors, days)
    if not held:
        return Counted(said, said, [])
    with carbon_refused():
        cells = corrected(said, held, factors, event.jurisdiction, first_day(event))
    return Counted(said, days_together(cells) if days else cells, held)


async def said_cells(connection: Connection, event: Event, factors: FactorBook, days: Collection[date]) -> list[Cell]:
    """The check-ins in cells as they were made, with their meals, those of each of `days` apart. Raises CarbonRule."""
    cells = await check_in_cells.of_event(connection, event.id, days)
    with carbon_refused():
        return with_meals(cells, event.meal, factors, event.jurisdiction, first_day(event))


def first_day(event: Event) -> date:
    """The day by which an event's check-ins are corrected and its meals counted."""
    return day_of(event, event.hours[0].opens_at)


def days_open(event: Event) -> list[date]:
    """The event's own days on which it is open, in order."""
    spans = [
        (day_of(event, each.opens_at), day_of(event, each.closes_at - timedelta(seconds=1))) for each in event.hours
    ]
    return sorted({first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)})


async def preview(connection: Connection, event: Event, new: NewModeCorrection) -> Change:
    """What a correction would do, on top of those that hold. Raises NothingToCorrect, NotFound and CarbonRule."""
    if new.gate_id is not None:
        event.gate(new.gate_id)
    factors = (await accountings.of_event(connection, event)).factors
    held = await live(connection, event.id)
    days = {each.day for each in (*held, new.correction) if each.day is not None}
    said = await said_cells(connection, event, factors, days)
    with carbon_refused():
        cells = corrected(said, held, factors, event.jurisdiction, first_day(event))
        change = change_of(cells, new.correction, factors, event.jurisdiction, first_day(event))
    if not change.check_ins:
        raise NothingToCorrect
    return change


async def enter(
    connection: Connection, caller: Caller, event: Event, new: NewModeCorrection, now: datetime
) -> EnteredCorrection:
    """Put a correction in force. Raises like `preview`."""
    await accountings.opened(connection, event, caller, now)
    await preview(connection, event, new)
    correction_id = new_id()
    await connection.execute(
        """
        INSERT INTO mode_corrections (
            id, event_id, from_mode, to_mode, gate_id, check_ins, cabin, occupants, day, reason, entered_by, entered_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """,
        correction_id,
        event.id,
        new.from_mode,
        new.to_mode,
        new.gate_id,
        new.check_ins,
        new.cabin,
        new.occupants,
        new.day,
        new.reason.strip(),
        caller.member,
        now,
    )
    return await find(connection, event.id, correction_id)


async def find(connection: Connection, event_id: UUID, correction_id: UUID) -> EnteredCorrection:
    """A correction of the event. Raises NotFound."""
    for each in await of_event(connection, event_id):
        if each.id == correction_id:
            return each
    raise NotFound


async def withdraw(
    connection: Connection, caller: Caller, event_id: UUID, correction_id: UUID, reason: str, now: datetime
) -> EnteredCorrection:
    """Take a correction back; it stays in the list. Raises NotFound and CorrectionWithdrawn."""
    taken = await connection.fetchval(
        """
        UPDATE mode_corrections SET withdrawn_by = $3, withdrawn_at = $4, withdrawn_because = $5
        WHERE event_id = $1 AND id = $2 AND withdrawn_at IS NULL RETURNING true
        """,
        event_id,
        correction_id,
        caller.member,
        now,
        reason.strip(),
    )
    found = await find(connection, event_id, correction_id)
    if not taken:
        raise CorrectionWithdrawn
    return found
