"""What may be retired: lots of one class each, the oldest first, and why some of them may not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Record

from scenarios.programmes import Rules
from service.certificates import Basis
from service.db import Connection
from service.donations import ClassNotTaken, Overdraft, SameEventReduction
from service.errors import NotNow, Refusal


class NotEnoughToRetire(Overdraft):
    """只有 {held_g} 克减排量，不够注销 {asked_g} 克。"""


class RetiredForItsOwnEvent(SameEventReduction):
    """来这个活动途中获得的减排量，不能再为这个活动注销：它的排放清单里已经少算了这一份。"""


class NothingToRetire(NotNow):
    """没有可以注销的减排量。"""

    code = "nothing_to_retire"


class NotForIndividuals(NotNow):
    """{region} 的规则没有规定个人可以注销自己的减排量。"""

    code = "not_for_individuals"


class NotTakenByItsRule(ClassNotTaken):
    """按活动所在地的规则，这个活动不能用这些减排量：它们会退回给捐赠人。"""


class Lot(NamedTuple):
    """Grams of one class that could be drawn: on what basis, where a citizen does, or why they may not.

    `origin` is that of an event's: region, methodology and its version, and whether an authority published that.
    """

    class_id: int
    grams: int
    basis: Basis | None = None
    barred: Refusal | None = None
    origin: tuple[str, str, str, bool] = ("", "", "", False)


async def held_by_member(connection: Connection, member_id: UUID) -> list[Record]:
    """What a member holds, the oldest class first: class_id, grams, region, earned_at (an event travelled to)."""
    rows: list[Record] = await connection.fetch(
        """
        SELECT class_id, grams, region, earned_at FROM holdings WHERE account_id = $1 ORDER BY vintage, class_id
        """,
        member_id,
    )
    return rows


def own_lots(held: Iterable[Mapping[str, Any]], rules: Rules, on: date, but_not_of: UUID | None) -> list[Lot]:
    """A member's holdings as lots: each on the basis that its region's rules give on that day, or barred.

    `but_not_of` is the event that what was earned by travelling to it may not be retired for.
    """
    return [own_lot(each, rules, on, but_not_of) for each in held]


def own_lot(held: Mapping[str, Any], rules: Rules, on: date, but_not_of: UUID | None) -> Lot:
    """One of them."""
    class_id, grams, region = held["class_id"], held["grams"], held["region"]
    if but_not_of and held["earned_at"] == but_not_of:
        return Lot(class_id, grams, barred=RetiredForItsOwnEvent())
    found = rules.own_footprint(region, on)
    if found is None:
        return Lot(class_id, grams, barred=NotForIndividuals(region=region))
    return Lot(class_id, grams, Basis(region, found.citation.text if found.citation else None, found.policy))


async def held_by_event(connection: Connection, event_id: UUID) -> list[Lot]:
    """What an event was given and still has, the oldest class first. It is the sum of its transfers.

    What its rule does not take is barred.
    """
    rows = await connection.fetch(
        """
        SELECT class_id, held.grams, region, methodology, version, class_origins.recognized,
            is_taken(regions, target.recognized, region, class_origins.recognized) AS taken
        FROM (
            SELECT class_id, sum(part.grams)::bigint AS grams
            FROM (
                SELECT class_id, grams FROM transfers WHERE destination = $1
                UNION ALL
                SELECT class_id, -grams FROM transfers WHERE source = $1
            ) AS part
            GROUP BY class_id HAVING sum(part.grams) > 0
        ) AS held JOIN class_origins USING (class_id) JOIN donation_targets AS target ON event_id = $1
        ORDER BY vintage, class_id
        """,
        event_id,
    )
    return [
        Lot(
            row["class_id"],
            row["grams"],
            barred=None if row["taken"] else NotTakenByItsRule(),
            origin=(row["region"], row["methodology"], row["version"], row["recognized"]),
        )
        for row in rows
    ]


def total_g(lots: Iterable[Lot]) -> int:
    """Grams of all lots."""
    return sum(lot.grams for lot in lots)


def drawn(lots: Sequence[Lot], asked_g: int) -> list[Lot]:
    """How much of each lot makes up the grams asked for, in the lots' order.

    Raises NothingToRetire, NotEnoughToRetire, and what bars a lot where there would be enough with it.
    """
    held_g = total_g(lots)
    if not held_g:
        raise NothingToRetire
    if held_g < asked_g:
        raise NotEnoughToRetire(held_g=held_g, asked_g=asked_g)
    parts = take(lots, asked_g)
    if total_g(parts) < asked_g:
        raise next(lot.barred for lot in lots if lot.barred)
    return parts


def take(lots: Iterable[Lot], grams: int) -> list[Lot]:
    """The first of the lots that make up these grams, the last cut to size; what is barred is passed over."""
    parts = []
    for lot in lots:
        taken_g = 0 if lot.barred else min(lot.grams, grams)
        parts += [lot._replace(grams=taken_g)] if taken_g else []
        grams -= taken_g
    return parts


def bases(lots: Iterable[Lot]) -> list[Basis]:
    """On what their owner may retire them: one a region, in the lots' order."""
    return list(dict.fromkeys(lot.basis for lot in lots if lot.basis))
