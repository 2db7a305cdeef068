"""What an event is, for its rule: kind, host, size, and whose rule it is under. The newest saying is in force."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from scenarios import places
from scenarios.meeting.rule_places import rule_place, rule_places
from scenarios.meeting.rule_terms import Confirmation, Host, Kind
from scenarios.meeting.thresholds import MAX_PEOPLE, EventFacts
from scenarios.refusals import PeopleAbsurd
from scenarios.regions import CITIES, Language, jurisdiction_name
from service.access import Caller
from service.carbon import carbon_refusal, carbon_refused
from service.db import Connection, new_id
from service.errors import BadInput
from service.events import Event, day_of

Figure = Annotated[int, Meta(ge=0, le=10_000_000)]
LabelKey = Literal["neutral", "basic", "full"]
PlaceCode = Annotated[str, Meta(pattern=r"^([0-9]{6}|[A-Z]{2})$(?!\n)")]


class RulePlaceElsewhere(BadInput):
    """“{rule_place}”不是这场活动可选的规则所在地：可选的有 {choices}。"""

    code = "rule_place_elsewhere"


class NewFacts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the organizer says: expected before the event, counted after it.

    `people_on_site` are those of the main venue, staff among them. `rule_place` says whose county or district the
    place is; without it, the place's own. `label` and `confirmation` are those wanted.
    """

    kind: Kind
    host: Host
    people_on_site: Figure
    people_at_sub_venues: Figure = 0
    people_online: Figure = 0
    visits: Figure | None = None
    area_m2: Figure | None = None
    rule_place: PlaceCode | None = None
    label: LabelKey | None = None
    confirmation: Confirmation | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts in force. While nobody said any (`said_at` null): of the event as it was made, hosted by anyone."""

    facts: EventFacts
    rule_place: str
    label: LabelKey | None = None
    confirmation: Confirmation | None = None
    said_by: UUID | None = None
    said_at: datetime | None = None


class PlaceChoice(msgspec.Struct, frozen=True):
    """A place whose rule the event may be under."""

    code: str
    zh: str
    en: str


async def of_event(connection: Connection, event: Event) -> Facts:
    """The facts in force. Raises CarbonRule where the event's place is known no more."""
    row = await connection.fetchrow(
        """
        SELECT kind, host, rule_place, people_on_site, people_at_sub_venues, people_online, visits, area_m2, label,
            confirmation, said_by, said_at
        FROM event_facts WHERE event_id = $1 ORDER BY id DESC LIMIT 1
        """,
        event.id,
    )
    if row is None:
        facts = EventFacts(kind=event.kind, host="other", people_on_site=event.expected_people)
        return Facts(facts=facts, rule_place=await own_place(event))
    values = dict(row)
    kept = {name: values.pop(name) for name in Facts.__struct_fields__ if name != "facts"}
    return Facts(facts=EventFacts(**values), **kept)


async def say(connection: Connection, caller: Caller, event: Event, new: NewFacts, now: datetime) -> Facts:
    """Put facts in force; those before are kept. Raises RulePlaceElsewhere, and CarbonRule for absurdly many people."""
    in_all = new.people_on_site + new.people_at_sub_venues + new.people_online
    if in_all > MAX_PEOPLE:
        raise carbon_refusal(PeopleAbsurd(people=in_all, limit=MAX_PEOPLE))
    choices = [each.code for each in await place_choices(event)]
    chosen = new.rule_place or choices[0]
    if chosen not in choices:
        raise RulePlaceElsewhere(rule_place=chosen, choices="、".join(choices))
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event.id)
    await connection.execute(
        """
        INSERT INTO event_facts (
            id, event_id, kind, host, rule_place, people_on_site, people_at_sub_venues, people_online, visits, area_m2,
            label, confirmation, said_by, said_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        """,
        new_id(),
        event.id,
        new.kind,
        new.host,
        chosen,
        new.people_on_site,
        new.people_at_sub_venues,
        new.people_online,
        new.visits,
        new.area_m2,
        new.label,
        new.confirmation,
        caller.member,
        now,
    )
    return await of_event(connection, event)


async def place_choices(event: Event) -> Sequence[PlaceChoice]:
    """The places whose rule the event may be under, its own first: one, but of a county or district."""
    own = await own_place(event)
    codes = [own]
    if event.region is not None and own not in CITIES:
        on = day_of(event, event.hours[0].opens_at)
        codes += [each for each in rule_places(event.region, on) if each != own]
    return [PlaceChoice(each, named(each, "zh"), named(each, "en")) for each in codes]


def named(code: str, language: Language) -> str:
    """A place code by its name."""
    return jurisdiction_name(code, language)


async def own_place(event: Event) -> str:
    """The place code by which the event's own place is looked up. Raises CarbonRule."""
    with carbon_refused():
        return rule_place(await asyncio.to_thread(places.place, event.place))
