"""Check-ins at an event's door: scanned, quantified, recorded once, credited in the same transaction.

`check_in_many` takes a set: it reads what is known of all, decides each (pure), and records the new ones together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from scenarios.factors import factor_set
from scenarios.meeting.travel import Point, Quantified, quantify_trip
from scenarios.places import Place, place, search
from scenarios.refusals import CarbonRefusal
from service import codes, ledger, refused_scans
from service.carbon import carbon_refusal
from service.check_in_memory import Memory
from service.check_in_rows import CheckIn, Known, New, record, what_is_known
from service.codes import Scanned
from service.config import Config
from service.db import Connection
from service.errors import BadInput, Conflict, IdReused, NotReady, Refusal
from service.events import Event, Gate, check_open, day_of
from service.receipts import Receipt, receipts_of


class CodeOfAnotherEvent(BadInput):
    """这个报到码属于另一个活动。"""

    code = "code_of_another_event"


class AttendeeMissing(BadInput):
    """请登录、出示个人码，或允许本机保存一个随机编号，才能报到。"""

    code = "attendee_missing"


class PersonalCodeUnknown(BadInput):
    """这个个人码不属于本活动。"""

    code = "personal_code_unknown"


class JourneyKnown(Conflict):
    """您已经说过怎么从家里来的，今天只需说明当日的市内出行。"""

    code = "journey_known"


class JourneyMissing(Conflict):
    """第一次报到时，请说明您是怎么从家里来的。"""

    code = "journey_missing"


class MealsNotAsked(BadInput):
    """本活动报到时不问用餐，用餐由组织方录入。"""

    code = "meals_not_asked"


Decision = New | UUID | Refusal
"""New, or the id of the check-in that answers, or why not."""


async def check_in_many(
    connection: Connection, config: Config, requests: Sequence[CheckIn], memory: Memory | None = None
) -> list[Receipt | Refusal]:
    """Check in each, or say why not; a repeat gets the first receipt. Commits nothing itself, and needs no transaction.

    What another transaction recorded in the meantime is found by asking again. Only who lets each statement commit by
    itself may give a `memory` that outlives this set.
    """
    memory = memory or Memory()
    verdicts: dict[int, Receipt | Refusal] = {}
    for _ in range(3):
        open_numbers = [number for number in range(len(requests)) if number not in verdicts]
        if not open_numbers:
            break
        answered = await check_in_round(connection, config, [requests[number] for number in open_numbers], memory)
        verdicts |= {n: a for n, a in zip(open_numbers, answered, strict=True) if a is not None}
    await refused_scans.keep(
        connection,
        [
            refused_scans.Refused(each.event_id, each.code, verdict.code, each.at)
            for number, each in enumerate(requests)
            if isinstance(verdict := verdicts.get(number), Refusal)
        ],
    )
    return [verdicts.get(number) or NotReady() for number in range(len(requests))]


async def check_in_round(
    connection: Connection, config: Config, requests: Sequence[CheckIn], memory: Memory
) -> list[Receipt | Refusal | None]:
    """One try for each: None where another transaction came first and it must be asked again."""
    known = await what_is_known(connection, requests, memory)
    decisions = [decide(request, known) for request in requests]
    receipts = await record(connection, config, [each for each in decisions if isinstance(each, New)], memory)
    firsts = await receipts_of(connection, {each for each in decisions if isinstance(each, UUID)})
    answers: list[Receipt | Refusal | None] = []
    for request, decision in zip(requests, decisions, strict=True):
        if isinstance(decision, UUID):
            answers.append(repeated(config, request, firsts[decision]))
        else:
            answers.append(receipts.get(request.id) if isinstance(decision, New) else decision)
    return answers


def repeated(config: Config, request: CheckIn, first: Receipt) -> Receipt:
    """The first receipt again; its key only for the one whose request it was, or whose account or device it is."""
    same = first.check_in_id == request.id
    key = None if request.by_steward else codes.receipt_key(config, first.check_in_id)
    return msgspec.structs.replace(first, duplicate=not same, receipt_key=key)


def decide(request: CheckIn, known: Known) -> Decision:
    """What to do with one request, given what is known. Pure."""
    if (digest := known.digests.get(request.id)) is not None:
        return request.id if digest == request.request_digest else IdReused()
    try:
        return new_check_in(request, known)
    except CarbonRefusal as refusal:
        return carbon_refusal(refusal)
    except Refusal as refusal:
        return refusal


def new_check_in(request: CheckIn, known: Known) -> New | UUID:
    """The check-in to record, or the id of today's first. Raises the refusal."""
    event, gate = door(request, known)
    check_open(event, request.at)
    attendee = request.attendee
    if attendee is None:
        raise AttendeeMissing
    if attendee.kind == "personal" and (event.id, attendee.id) not in known.badges:
        raise PersonalCodeUnknown
    day = day_of(event, request.at)
    if first := known.by_day.get((event.id, attendee.id, day)):
        return first
    told = (event.id, attendee.id) in known.journeys
    if told and request.trip.part == "journey":
        raise JourneyKnown
    if not told and request.trip.part == "local":
        raise JourneyMissing
    if request.trip.meals and event.meal is None:
        raise MealsNotAsked
    quantified = quantify(request, event, day)
    member = attendee.id if attendee.kind == "member" else None
    may_earn = member is None or (event.id, member, day) not in known.credited
    credit_class, reduction_g = earned(request, quantified, day, event.id) if may_earn else (None, None)
    return New(
        request, event, gate, day, quantified, credit_class, reduction_g, member if reduction_g is not None else None
    )


def door(request: CheckIn, known: Known) -> tuple[Event, Gate]:
    """The event and gate that the code stands for. Raises the code's refusal."""
    if isinstance(request.scanned, Refusal):
        raise request.scanned
    found = known.doors.get(request.scanned.short_code)
    if found is None or request.scanned.check_in_id not in (None, request.id):
        raise codes.CodeForged
    if found[0].id != request.event_id:
        raise CodeOfAnotherEvent
    return found


def quantify(request: CheckIn, event: Event, day: date) -> Quantified:
    """The trip's emissions and reduction by the event's factor set. Raises CarbonRefusal."""
    start = origin_of(request.origin, event.country)
    return quantify_trip(
        request.trip,
        factor_set(event.factor_set),
        event.jurisdiction,
        day,
        Point(start.latitude, start.longitude) if start else None,
        Point(event.latitude, event.longitude),
    )


def origin_of(origin: str | None, event_country: str) -> Place | None:
    """The place that was chosen or typed. Raises PlaceUnknown, or PlaceAmbiguous with whom to ask."""
    if not origin or not origin.strip():
        return None
    return place(origin) if ":" in origin else search(origin, event_country)


def earned(
    request: CheckIn, quantified: Quantified, day: date, event_id: UUID
) -> tuple[ledger.CreditClass, int] | tuple[None, None]:
    """Class and grams of what the trip earns: in full by a fresh screen code, else as a self-declared act."""
    assert isinstance(request.scanned, Scanned)
    earning = quantified.earning
    grams = 0 if earning is None else earning.reduction_g if request.scanned.fresh else earning.self_declared_g
    if earning is None or grams <= 0:
        return None, None
    vintage = day.replace(day=1)
    return ledger.CreditClass(earning.region, earning.methodology, earning.version, vintage, event_id), grams
