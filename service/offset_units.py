"""Units of other registries that offset an event: entered by its organizers, or offered to it by other organizations.

A block of serials is used once in the whole system, which the database sees to; what was declined, withdrawn or
returned can be used again. Only what the event's rule admits is taken.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta
from msgspec.structs import replace

from scenarios.meeting.offset_classes import CLASS_LABELS, OffsetUnit
from scenarios.meeting.rule_terms import OffsetClass, RulePack
from scenarios.regions import is_place_code
from service import donation_needs, event_files, events, governing_rules, retiring_order, unit_admission
from service.access import Caller, Role
from service.db import Connection, new_id
from service.donations import ClosedToDonations
from service.errors import BadInput, Conflict, NotFound, NotNow
from service.event_facts import PlaceCode
from service.event_files import Kept
from service.event_measures import require_file, require_past
from service.events import Event, day_of
from service.inputs import LINE, Name
from service.organizations import require, require_in
from service.reservations import check_open
from service.unit_texts import SerialText, Typed, read
from service.units import STATE_WORDS, State, Units, find

Because = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE)]


class SerialsUsed(Conflict):
    """序列号 {serials} 或其中一部分已经用过，或已登记给一场活动。"""

    code = "serials_used"


class UnitsDecided(Conflict):
    """这批减排量已是“{state}”，不能再这样办。"""

    code = "units_decided"


class CitizensCreditsHere(BadInput):
    """公众的碳普惠减排量由公众在本平台捐赠，不必登记。"""

    code = "citizen_credits_here"


class VintageAhead(BadInput):
    """{vintage} 年还没有到，不会有这一年的减排量。"""

    code = "vintage_ahead"


class ProjectPlaceUnknown(BadInput):
    """没有“{place}”这个地区代码：请填六位行政区划代码，或两个字母的国家代码。"""

    code = "project_place_unknown"


class RetiredTooEarly(BadInput):
    """{retired_on} 早于这批减排量的年份 {vintage}。"""

    code = "retired_too_early"


class ProofMissing(NotNow):
    """注销“{unit}”须提供证明：请附上登记系统出具的文件。"""

    code = "proof_missing"


class NewUnits(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A block of serials, as text ("CCER 000123–000456") or as series, first and last (both included).

    `project_place` is a place code; `recognition` says how they were filed, certified or recognized; `file_id` is the
    proof, uploaded to the event before.
    """

    unit: OffsetClass
    registry: Name
    project: Name
    project_place: PlaceCode
    vintage: Annotated[int, Meta(ge=1990, le=2200)]
    serials: SerialText | None = None
    series: Annotated[str, Meta(max_length=100)] | None = None
    first: Annotated[int, Meta(ge=0, le=10**18 - 1)] | None = None
    last: Annotated[int, Meta(ge=0, le=10**18 - 1)] | None = None
    recognition: Because | None = None
    donated: bool = False
    file_id: UUID | None = None


class NewOffer(NewUnits, kw_only=True, forbid_unknown_fields=True):
    """What an organization offers to an event. `donated` is always so."""

    organization_id: UUID


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """Why units are declined or returned; a reason is not needed to withdraw one's own offer."""

    because: Because | None = None


class NewRetirement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """When units were retired in their registry, under which of its references, with a proof uploaded before."""

    retired_on: date
    reference: Name
    file_id: UUID | None = None


# Coming in ------------------------------------------------------------------------------------------------------------


async def enter(connection: Connection, caller: Caller, event_id: UUID, new: NewUnits, now: datetime) -> Units:
    """Enter units that the event's organizers have. Raises NotFound, NotAllowed, and what `write` raises."""
    await require(connection, caller, event_id, Role.ORGANIZER)
    return await write(connection, caller, event_id, new, None, now)


async def offer(
    connection: Connection,
    caller: Caller,
    event_id: UUID,
    new: NewOffer,
    now: datetime,
    proof: tuple[str, Kept] | None = None,
) -> Units:
    """Offer units of one's own organization, with a proof that the event then keeps: its name and its bytes.

    Raises NotFound and NotAllowed for one who does not act for it, EventCovered, and what `write` raises.
    """
    await require_in(connection, caller, new.organization_id, Role.ORGANIZER)
    await check_open(connection, event_id)
    if proof:
        kept = await event_files.add(connection, caller, event_id, proof[0], "proof", proof[1], now)
        new = replace(new, file_id=kept.id)
    return await write(connection, caller, event_id, replace(new, donated=True), new.organization_id, now)


async def write(
    connection: Connection, caller: Caller, event_id: UUID, new: NewUnits, donor_id: UUID | None, now: datetime
) -> Units:
    """Keep units, offered where there is a donor and held where there is none.

    Raises ClosedToDonations, CitizensCreditsHere, what is unreadable in them or cannot be, what the rule refuses,
    FileNotOfEvent, and SerialsUsed.
    """
    if new.unit == "citizen_credits":
        raise CitizensCreditsHere
    typed = read(new.unit, new.registry, new.serials, new.series, new.first, new.last)
    event = await locked(connection, event_id)
    require_possible(new, day_of(event, now))
    governed = await governing_rules.of_event(connection, event, now)
    unit_admission.require(governed.rule, unit_of(new, typed))
    await require_file(connection, event_id, new.file_id)
    units_id = await insert(connection, caller, event_id, new, typed, donor_id, now)
    await donation_needs.reckon(connection, event_id, now)
    return await find(connection, event_id, units_id)


def require_possible(new: NewUnits, today: date) -> None:
    """Raise VintageAhead for a year that has not come, ProjectPlaceUnknown for a place that is none; counties pass."""
    if new.vintage > today.year:
        raise VintageAhead(vintage=new.vintage)
    county = len(new.project_place) == 6 and is_place_code(f"{new.project_place[:2]}0000")
    if not (county or is_place_code(new.project_place)):
        raise ProjectPlaceUnknown(place=new.project_place)


def unit_of(new: NewUnits, typed: Typed) -> OffsetUnit:
    """The units as rules see them. Whether they were used before is for the database to say."""
    return OffsetUnit(
        unit=new.unit,
        project_place=new.project_place,
        registry=typed.registry.key,
        vintage=new.vintage,
        recognized=new.recognition is not None,
        donated=new.donated,
    )


async def insert(
    connection: Connection,
    caller: Caller,
    event_id: UUID,
    new: NewUnits,
    typed: Typed,
    donor_id: UUID | None,
    now: datetime,
) -> UUID:
    """Write the row. Raises SerialsUsed: of those who enter overlapping serials at once, the first has them."""
    units_id, serials = new_id(), typed.serials
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 8))", f"{typed.registry.key} {serials.series}"
    )
    try:
        async with connection.transaction():
            await connection.execute(
                """
                INSERT INTO offset_units (
                    id, event_id, class, registry, project, project_place, vintage, series, serials, unit_g,
                    recognition, donated, file_id, donor_id, state, entered_by, entered_at
                )
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
                """,
                units_id,
                event_id,
                new.unit,
                typed.registry.key,
                new.project.strip(),
                new.project_place,
                new.vintage,
                serials.series,
                asyncpg.Range(serials.first, serials.last + 1),
                typed.registry.unit_g,
                new.recognition and new.recognition.strip(),
                new.donated,
                new.file_id,
                donor_id,
                "offered" if donor_id else "held",
                caller.member,
                now,
            )
    except asyncpg.ExclusionViolationError:
        raise SerialsUsed(serials=serials.text) from None
    return units_id


# What becomes of them -------------------------------------------------------------------------------------------------


async def accept(connection: Connection, caller: Caller, event_id: UUID, units_id: UUID, now: datetime) -> Units:
    """Take units that were offered. Raises NotFound, NotAllowed, UnitsDecided, and what the rule refuses by now."""
    await require(connection, caller, event_id, Role.ORGANIZER)
    event = await locked(connection, event_id)
    await open_to(connection, event_id, units_id, "offered")
    await require_taken(connection, event, units_id, now)
    return await decide(connection, caller, event_id, units_id, "held", None, now)


async def decline(
    connection: Connection, caller: Caller, event_id: UUID, units_id: UUID, because: str | None, now: datetime
) -> Units:
    """Do not take units that were offered. Raises NotFound, NotAllowed and UnitsDecided."""
    await require(connection, caller, event_id, Role.ORGANIZER)
    await locked(connection, event_id)
    await open_to(connection, event_id, units_id, "offered")
    return await decide(connection, caller, event_id, units_id, "declined", because, now)


async def withdraw(
    connection: Connection, caller: Caller, event_id: UUID, units_id: UUID, because: str | None, now: datetime
) -> Units:
    """Take back what one's own organization offered, while it is not accepted. Raises NotFound and UnitsDecided."""
    await locked(connection, event_id)
    units = await find(connection, event_id, units_id)
    if units.donor_id is None:
        raise NotFound
    await require_in(connection, caller, units.donor_id, Role.ORGANIZER)
    await open_to(connection, event_id, units_id, "offered")
    return await decide(connection, caller, event_id, units_id, "withdrawn", because, now)


async def give_back(
    connection: Connection, caller: Caller, event_id: UUID, units_id: UUID, because: str | None, now: datetime
) -> Units:
    """Return units that are held and not retired. Raises NotFound, NotAllowed and UnitsDecided."""
    await require(connection, caller, event_id, Role.ORGANIZER)
    await locked(connection, event_id)
    await open_to(connection, event_id, units_id, "held")
    await connection.execute(
        "UPDATE offset_units SET state = 'returned', returned_by = $2, returned_at = $3, because = $4 WHERE id = $1",
        units_id,
        caller.member,
        now,
        because and because.strip(),
    )
    await donation_needs.reckon(connection, event_id, now)
    return await find(connection, event_id, units_id)


async def retire(
    connection: Connection, caller: Caller, event_id: UUID, units_id: UUID, new: NewRetirement, now: datetime
) -> Units:
    """Note that units were retired in their registry.

    Raises NotFound, NotAllowed, UnitsDecided, NotYetDone, RetiredTooEarly, FileNotOfEvent, OrderLeft, what the rule
    refuses, and ProofMissing where it asks for a proof.
    """
    await require(connection, caller, event_id, Role.ORGANIZER)
    event = await locked(connection, event_id)
    units = await open_to(connection, event_id, units_id, "held")
    require_past(event, new.retired_on, now)
    if new.retired_on.year < units.vintage:
        raise RetiredTooEarly(retired_on=new.retired_on.isoformat(), vintage=units.vintage)
    await require_file(connection, event_id, new.file_id)
    rule = await require_taken(connection, event, units_id, now)
    await retiring_order.require(connection, event_id, rule, {str(units_id): units.grams})
    require_proof(rule, units.unit, new)
    await connection.execute(
        """
        UPDATE offset_units SET state = 'retired', retired_on = $2, retired_reference = $3, retired_file_id = $4,
            retired_by = $5, retired_at = $6
        WHERE id = $1
        """,
        units_id,
        new.retired_on,
        new.reference.strip(),
        new.file_id,
        caller.member,
        now,
    )
    await donation_needs.reckon(connection, event_id, now)
    return await find(connection, event_id, units_id)


def require_proof(rule: RulePack | None, unit: OffsetClass, new: NewRetirement) -> None:
    """Raise ProofMissing where the rule asks for a proof and there is none: a retirement is written down once."""
    said = rule.retirement(unit) if rule else None
    if rule and said and said.proof and new.file_id is None:
        raise ProofMissing(unit=CLASS_LABELS[unit]).under(rule.ground(said))


async def locked(connection: Connection, event_id: UUID) -> Event:
    """The event, held until the transaction ends. Raises NotFound, ClosedToDonations for one that is cancelled."""
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event_id)
    event = await events.find(connection, event_id)
    if event.cancelled:
        raise ClosedToDonations
    return event


async def open_to(connection: Connection, event_id: UUID, units_id: UUID, state: State) -> Units:
    """The units, which must be in that state. Raises NotFound and UnitsDecided."""
    units = await find(connection, event_id, units_id)
    if units.state != state:
        raise UnitsDecided(state=STATE_WORDS[units.state])
    return units


async def require_taken(connection: Connection, event: Event, units_id: UUID, now: datetime) -> RulePack | None:
    """The rule that governs now, which must admit the units. Raises what it refuses."""
    rule = (await governing_rules.of_event(connection, event, now)).rule
    held = await retiring_order.unit_held(connection, event.id, units_id)
    unit_admission.require(rule, held.unit)
    return rule


async def decide(
    connection: Connection,
    caller: Caller,
    event_id: UUID,
    units_id: UUID,
    state: State,
    because: str | None,
    now: datetime,
) -> Units:
    """Put units that were offered in a state."""
    await connection.execute(
        "UPDATE offset_units SET state = $2, decided_by = $3, decided_at = $4, because = $5 WHERE id = $1",
        units_id,
        state,
        caller.member,
        now,
        because and because.strip(),
    )
    await donation_needs.reckon(connection, event_id, now)
    return await find(connection, event_id, units_id)
