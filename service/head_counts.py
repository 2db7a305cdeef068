"""Heads counted at an event: how many people came, through a gate or in all, against which answers are held.

A person who comes on several days is counted once, as the tally's people are: at the gate of the first check-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios.meeting.extrapolation import Extrapolated, Group, Whole, extrapolate, whole
from scenarios.meeting.meals import MealSums, group_with_meals
from scenarios.meeting.mode_corrections import ModeCorrection, scaled
from scenarios.meeting.travel import Applied, applied
from service import accountings, mode_corrections
from service.access import Caller
from service.carbon import carbon_refused
from service.db import Connection, new_id
from service.errors import BadInput
from service.events import Event
from service.i18n import mark
from service.inputs import LINE

EVERYBODY = mark("全场")
REST = mark("其余入口")


class GatesAboveAll(BadInput):
    """各入口的人数加起来有 {gates}，多于全场的 {all}。"""

    code = "gates_above_all"


class NewHeadCount(msgspec.Struct, forbid_unknown_fields=True):
    """How many people came through a gate, or without one in all, and how they were counted."""

    people: Annotated[int, Meta(ge=0, le=10_000_000)]
    how: Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]
    gate_id: int | None = None


class HeadCount(msgspec.Struct, frozen=True):
    """A count as entered. `replaces` is the one that held before it; `holds` says whether it is the newest."""

    id: UUID
    gate_id: int | None
    people: int
    how: str
    replaces: UUID | None
    entered_by: UUID
    entered_at: datetime
    holds: bool


class HeadCounts(msgspec.Struct, frozen=True):
    """All counts of an event, the newest first."""

    counts: tuple[HeadCount, ...]

    def of(self, gate_id: int | None) -> int | None:
        """The people counted there (None: in all), or None where nobody counted."""
        return next((each.people for each in self.counts if each.holds and each.gate_id == gate_id), None)

    @property
    def total(self) -> int | None:
        """The people of the whole event: as counted in all, else the gates' sum; None where nobody counted."""
        in_all = self.of(None)
        gates = [each.people for each in self.counts if each.holds and each.gate_id is not None]
        return in_all if in_all is not None else (sum(gates) if gates else None)


class HeadCounted(msgspec.Struct, frozen=True):
    """The counts, and what follows of those who did not answer, with the mode corrections by which that was changed."""

    counts: tuple[HeadCount, ...]
    groups: tuple[Extrapolated, ...]
    whole: Whole
    corrections: tuple[ModeCorrection, ...]


async def read(connection: Connection, event: Event) -> HeadCounted:
    """An event's counts with what is estimated from them, as the accounting does. Raises CarbonRule."""
    counts = await of_event(connection, event.id)
    groups = await groups_of(connection, event, counts)
    corrections = await mode_corrections.live(connection, event.id)
    if corrections:
        factors = (await accountings.of_event(connection, event)).factors
        said, counted, _ = await mode_corrections.counted(connection, event, factors)
        groups = scaled(groups, said, counted)
    done = extrapolate(groups)
    return HeadCounted(counts.counts, tuple(done), whole(done), tuple(corrections))


async def of_event(connection: Connection, event_id: UUID) -> HeadCounts:
    """An event's head counts."""
    rows = await connection.fetch(
        """
        SELECT id, gate_id, people, how, replaces, entered_by, entered_at,
            NOT EXISTS (SELECT FROM head_counts AS later WHERE later.replaces = head_counts.id) AS holds
        FROM head_counts WHERE event_id = $1 ORDER BY id DESC
        """,
        event_id,
    )
    return HeadCounts(tuple(HeadCount(**row) for row in rows))


async def enter(connection: Connection, caller: Caller, event: Event, new: NewHeadCount, now: datetime) -> HeadCounts:
    """Put a count in force; the one before is kept.

    Raises NotFound for a gate that is not the event's, GatesAboveAll where gates add to more than there were in all.
    """
    if new.gate_id is not None:
        event.gate(new.gate_id)
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event.id)
    known = await of_event(connection, event.id)
    require_sum(event, known, new)
    await connection.execute(
        """
        INSERT INTO head_counts (id, event_id, gate_id, people, how, replaces, entered_by, entered_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        new_id(),
        event.id,
        new.gate_id,
        new.people,
        new.how.strip(),
        next((each.id for each in known.counts if each.holds and each.gate_id == new.gate_id), None),
        caller.member,
        now,
    )
    return await of_event(connection, event.id)


def require_sum(event: Event, known: HeadCounts, new: NewHeadCount) -> None:
    """Raise GatesAboveAll unless gates, with the new count, add to no more than there were in all."""
    counted = {each.id: known.of(each.id) for each in event.gates} | {None: known.of(None), new.gate_id: new.people}
    in_all = counted.pop(None)
    gates = sum(people for people in counted.values() if people is not None)
    if in_all is not None and gates > in_all:
        raise GatesAboveAll(gates=gates, all=in_all)


async def groups_of(connection: Connection, event: Event, counts: HeadCounts | None = None) -> list[Group]:
    """The groups to extrapolate: each gate that was counted, and the rest against what was counted in all.

    Without any count there is one group, everybody, of which nothing can be said. Raises CarbonRule where meals were
    asked for and have no factor.
    """
    meal = await meal_of(connection, event)
    counts = await of_event(connection, event.id) if counts is None else counts
    answers = {row["gate_id"]: row for row in await answers_by_gate(connection, event.id)}
    counted = [(gate, people) for gate in event.gates if (people := counts.of(gate.id)) is not None]
    groups = [group_of(gate.name, gate.id, people, [answers.pop(gate.id, None)], meal) for gate, people in counted]
    in_all = counts.of(None)
    left = None if in_all is None else in_all - sum(people for _, people in counted)
    if left or answers or not groups:
        groups.append(group_of(REST if counted else EVERYBODY, None, left, list(answers.values()), meal))
    return groups


async def meal_of(connection: Connection, event: Event) -> Applied | None:
    """The factor of the meals that the event asks for, by its own accounting; None where it asks for none."""
    if event.meal is None:
        return None
    accounting = await accountings.of_event(connection, event)
    with carbon_refused():
        return applied(accounting.factors, event.meal, event.jurisdiction, mode_corrections.first_day(event))


async def answers_by_gate(connection: Connection, event_id: UUID) -> Sequence[Any]:
    """Sums over attendees by the gate at which each first checked in: of their people x, their grams y, meals apart.

    An attendee's people are the most that came along on any day, as the tally counts them.
    """
    rows: Sequence[Any] = await connection.fetch(
        """
        SELECT gate_id, count(*) AS answers, sum(people)::bigint AS respondents, sum(emissions_g)::bigint AS sum_g,
            sum(people::numeric * people) AS sum_people_squared, sum(people * emissions_g) AS sum_people_g,
            sum(emissions_g * emissions_g) AS sum_g_squared,
            sum(travel_g)::bigint AS travel_g, sum(lodging_g)::bigint AS lodging_g,
            sum(co2_only_g)::bigint AS co2_only_g, sum(meals)::bigint AS meals,
            sum(people * meals) AS people_meals, sum(meals * emissions_g) AS meals_g,
            sum(meals * meals) AS meals_squared
        FROM (
            SELECT (array_agg(gate_id ORDER BY checked_in_at, id))[1] AS gate_id, max(people) AS people,
                sum(travel_emissions_g) AS travel_g, sum(lodging_emissions_g) AS lodging_g,
                sum(travel_emissions_g + lodging_emissions_g) AS emissions_g,
                sum((trip->>'co2_only_g')::bigint) AS co2_only_g,
                coalesce(sum(people * (trip->>'meals')::bigint), 0) AS meals
            FROM check_ins WHERE event_id = $1 AND ended_at IS NULL
            GROUP BY attendee
        ) AS attendees
        GROUP BY gate_id
        """,
        event_id,
    )
    return rows


def group_of(
    name: str, gate_id: int | None, people: int | None, rows: Sequence[Any], meal: Applied | None = None
) -> Group:
    """Rows of the query above, together as one group against its head count."""
    known = [row for row in rows if row is not None]

    def total(field: str) -> int:
        return sum(int(row[field]) for row in known)

    sources = {"travel": total("travel_g"), "lodging": total("lodging_g")}
    group = Group(
        name=name,
        gate=gate_id,
        head_count=people,
        answers=total("answers"),
        respondents=total("respondents"),
        sum_g=total("sum_g"),
        sum_people_squared=total("sum_people_squared"),
        sum_people_g=total("sum_people_g"),
        sum_g_squared=total("sum_g_squared"),
        by_source_g={source: grams for source, grams in sources.items() if grams},
        co2_only_g=total("co2_only_g"),
    )
    return group if meal is None else group_with_meals(group, MealSums(*map(total, MealSums._fields)), meal)
