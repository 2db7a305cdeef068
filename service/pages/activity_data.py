"""An organizer's activity data in pages: what counts by source, one line with its grounds, entering, correcting."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from scenarios.meeting.items import Item, items, items_of, sources
from scenarios.meeting.lines import GREEN, PKM, VKM, Line
from scenarios.meeting.lines import OWN as OWN_PACK
from scenarios.quantities import km_text, metres_from_km_text
from scenarios.refusals import CarbonRefusal, FactorUnsourced
from service import activity_data, event_files, line_rows
from service.access import Caller
from service.activity_data import Correction, Ending, LinesRefused
from service.api.event_files import BODY_BYTES
from service.api.given import Pool
from service.carbon import carbon_refusal
from service.db import Connection, new_id
from service.errors import NotFound, Refusal
from service.events import Event
from service.i18n import Language
from service.import_columns import CABINS, OWN, RANKS, STAGES
from service.import_reading import CellEmpty
from service.line_inputs import NewLine, days_of, gases_of
from service.pages.event_files import FIELDS as FILE_FIELDS
from service.pages.event_files import keep_sent
from service.pages.organize import decoded, done_once, own_event, seen_event
from service.pages.rendering import Typed, page, see_other, typed_in
from service.pages.saying import Unreadable

SHOWN = 100
FIELDS = {
    **FILE_FIELDS,
    "distance_m": "distance_km",
    "distance_absurd": "distance_km",
    "number_unreadable": "quantity",
}
PLAIN = ("item", "unit", "stage", "rank", "label", "certificate", "cabin", "occupants", "quantity", "people")


class Told(Refusal):
    """一行不能核算。"""

    code = "line_told"

    def __init__(self, texts: dict[Language, str]) -> None:
        super().__init__()
        self.texts = texts

    def message(self, language: Language) -> str:
        """What was said of the line."""
        return self.texts[language]


@get("/organize/events/{event_id:uuid}/activity-data")
async def show_activity_data(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    pool: Pool,
    source: FromQuery[str] = "",
    history: FromQuery[bool] = False,
    before: FromQuery[UUID | None] = None,
) -> Response[Any]:
    """What counts, by source; of one source, or of all with `history`, the lines themselves."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        sums = await line_rows.sums(connection, event_id)
        lines = await line_rows.page_of_lines(
            connection, event_id, history=history, before=before, limit=SHOWN + 1, source=source or None
        )
    return page(
        request,
        "activity_data",
        event=event,
        writes=writes,
        sums=sums,
        lines=lines[:SHOWN],
        more=lines[SHOWN - 1].id if len(lines) > SHOWN else None,
        sources=sources(),
        items=items(),
        source=source if source in sources() else "",
        history=history,
    )


@get("/organize/events/{event_id:uuid}/activity-data/new")
async def ask_line(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    pool: Pool,
    source: FromQuery[str] = "",
    item: FromQuery[str] = "",
) -> Response[Any]:
    """First of which source, then what, then how much."""
    async with pool.acquire() as connection:
        event = await own_event(connection, request.user, event_id)
        if item in items():
            return await line_form(request, connection, event, items()[item], first_typed(event, items()[item]))
    offered = items_of(source) if source in sources() else ()
    return page(request, "line_choice", event=event, sources=sources(), source=source, offered=offered)


def first_typed(event: Event, item: Item) -> Typed:
    """The form before anybody typed."""
    days = days_of(event)
    usual = {"stage": item.stage, "rank": "measured" if item.source == "purchased_electricity" else "declared"}
    unit = item.units[0]
    return Typed(starts_on=days.first.isoformat(), ends_on=days.last.isoformat(), unit=unit, trips="return", **usual)


async def line_form(
    request: Request[Caller, Any, Any],
    connection: Connection,
    event: Event,
    item: Item,
    typed: Typed,
    refusal: Refusal | None = None,
    line: Line | None = None,
) -> Response[Any]:
    """The form of a new line, or of what takes `line`'s place."""
    files = [each for each in await event_files.of_event(connection, event.id) if each.purpose != "import"]
    units = (PKM, VKM) if item.units == (VKM,) else item.units
    return page(
        request,
        "line_form",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        event=event,
        item=item,
        source=sources()[item.source],
        units=units,
        stages=STAGES,
        ranks=RANKS,
        cabins=CABINS,
        is_travel=item.source == "travel",
        is_green=item.key == GREEN,
        files=files[:200],
        line=line,
        id=str(new_id()),
    )


@post("/organize/events/{event_id:uuid}/activity-data/new", status_code=200, request_max_body_size=2 * BODY_BYTES)
async def enter_line(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Enter one line, with the files that came with it."""
    typed = await typed_in(request)
    now = datetime.now(UTC)

    async def enter(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        new = activity_data.NewActivityData([await read_line(request, connection, event, typed, now)])
        (line,) = (await activity_data.enter(connection, request.user, event, new, now)).lines
        return f"/organize/events/{event_id}/activity-data/{line.id}"

    try:
        return see_other(await done_once(request, pool, typed, enter))
    except (CarbonRefusal, Refusal) as refusal:
        return await asked_again(request, pool, event_id, typed, refusal, None)


async def asked_again(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    event_id: UUID,
    typed: Typed,
    refusal: CarbonRefusal | Refusal,
    line: Line | None,
) -> Response[Any]:
    """The form with what is wrong, at its field."""
    item = items().get(typed["item"])
    if item is None:
        raise NotFound
    async with pool.acquire() as connection:
        event = await own_event(connection, request.user, event_id)
        return await line_form(request, connection, event, item, typed, said_at(refusal, typed), line)


def said_at(refusal: CarbonRefusal | Refusal, typed: Typed) -> Refusal:
    """The refusal as a form says it: that of the one line at the field it speaks of."""
    if isinstance(refusal, CarbonRefusal):
        return carbon_refusal(refusal)
    if not isinstance(refusal, LinesRefused):
        return refusal
    (told,) = refusal.values["lines"]
    field = OWN.get(told["code"], "")
    if field == "unit" and told["values"].get("unit") == typed["own_unit"].strip()[:40]:
        field = "own_unit"
    return Unreadable({field: Told(told["texts"])})


async def read_line(
    request: Request[Caller, Any, Any], connection: Connection, event: Event, typed: Typed, now: datetime
) -> NewLine:
    """The line that the fields tell, its files kept. Raises Unreadable, CarbonRefusal and what files raise."""
    values: dict[str, Any] = {name: typed[name].strip() for name in PLAIN if typed[name].strip()}
    values |= {name: typed[name] for name in ("starts_on", "ends_on", "file_id") if typed[name]}
    if typed["occupants"].strip():
        values["occupants"] = int(typed["occupants"]) if typed["occupants"].strip().isdecimal() else typed["occupants"]
    if typed["distance_km"].strip():
        values["distance_m"] = metres_from_km_text(typed["distance_km"])
        values["round_trip"] = typed["trips"] != "one"
    if values.get("people") and "quantity" not in values:
        values.pop("unit", None)
    if kept := await keep_sent(request, connection, event, "file", "proof", now):
        values["file_id"] = kept.id
    if typed["own_value"].strip():
        values["factor"] = await read_factor(request, connection, event, typed, now)
    if ("people" in values) != ("distance_m" in values):
        raise Unreadable({"people" if "distance_m" in values else "distance_km": CellEmpty()})
    return decoded(values, NewLine)


async def read_factor(
    request: Request[Caller, Any, Any], connection: Connection, event: Event, typed: Typed, now: datetime
) -> dict[str, Any]:
    """The organizer's own factor. Raises Unreadable, and what files raise."""
    kept = await keep_sent(request, connection, event, "factor_file", "factor", now)
    named = {name: typed[f"own_{name}"].strip() for name in ("value", "unit", "document", "publisher", "published_on")}
    values = named | {
        "gases": gases_of(named["unit"]),
        "clause": typed["own_clause"].strip(),
        "number": typed["own_number"].strip(),
    }
    if kept is None and not typed["factor_file_id"]:
        raise Unreadable({"factor_file": carbon_refusal(FactorUnsourced())})
    return values | {"file_id": str(kept.id if kept else typed["factor_file_id"])}


@get("/organize/events/{event_id:uuid}/activity-data/{line_id:uuid}")
async def show_line(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    line_id: FromPath[UUID],
    pool: Pool,
    correct: FromQuery[bool] = False,
) -> Response[Any]:
    """A line with all that it rests on; or the form to correct it."""
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        line = await line_rows.find(connection, event_id, line_id)
        if writes and correct and line.ended_at is None:
            return await line_form(request, connection, event, items()[line.item], typed_of(line), None, line)
    return await line_page(request, pool, event, line, Typed())


async def line_page(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    event: Event,
    line: Line,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with the form to end it."""
    async with pool.acquire() as connection:
        _, writes = await seen_event(connection, request.user, event.id)
        names = {each.id: each.name for each in await event_files.of_event(connection, event.id)}
        successor = await line_rows.replaced_by(connection, line.id)
    return page(
        request,
        "line",
        typed=typed,
        refusal=refusal,
        fields={"because": "because"},
        event=event,
        writes=writes,
        line=line,
        item=items().get(line.item),
        source=sources()[line.source],
        stages=STAGES,
        ranks=RANKS,
        cabins=CABINS,
        names=names,
        successor=successor,
        id=str(new_id()),
    )


def typed_of(line: Line) -> Typed:
    """A line as its form shows it."""
    typed = Typed(
        item=line.item,
        stage=line.stage,
        rank=line.rank,
        label=line.label,
        starts_on=line.starts_on.isoformat(),
        ends_on=line.ends_on.isoformat(),
        certificate=line.certificate,
        cabin=line.cabin or "",
        occupants=str(line.occupants or ""),
        file_id=str(line.file_id or ""),
        unit=line.unit,
        trips="return" if line.round_trip else "one",
    )
    if line.factor.pack == OWN_PACK:
        typed |= {"own_value": plain(line.factor.value), "own_unit": line.factor.unit}
        typed["factor_file_id"] = str(line.factor_file_id or "")
    if line.people is None or line.distance_m is None:
        typed["quantity"] = plain(line.quantity)
    else:
        typed["people"], typed["distance_km"] = plain(line.people), km_text(line.distance_m)
    return typed


def plain(number: Decimal) -> str:
    """A number in plain digits."""
    return f"{number.normalize():f}"


@post(
    "/organize/events/{event_id:uuid}/activity-data/{line_id:uuid}/correct",
    status_code=200,
    request_max_body_size=2 * BODY_BYTES,
)
async def correct_line(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], line_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """Put what was typed in the line's place."""
    typed = await typed_in(request)
    now = datetime.now(UTC)

    async def correct(connection: Connection) -> str:
        event = await own_event(connection, request.user, event_id)
        because = decoded({"because": typed["because"]}, Ending).because
        new = Correction(await read_line(request, connection, event, typed, now), because)
        (line,) = (await activity_data.correct(connection, request.user, event, line_id, new, now)).lines
        return f"/organize/events/{event_id}/activity-data/{line.id}"

    try:
        return see_other(await done_once(request, pool, typed, correct))
    except (CarbonRefusal, Refusal) as refusal:
        async with pool.acquire() as connection:
            await own_event(connection, request.user, event_id)
            line = await line_rows.find(connection, event_id, line_id)
        return await asked_again(request, pool, event_id, typed, refusal, line)


@post("/organize/events/{event_id:uuid}/activity-data/{line_id:uuid}/end", status_code=200)
async def end_line(
    request: Request[Caller, Any, Any], event_id: FromPath[UUID], line_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """Let the line count no longer."""
    typed = await typed_in(request)

    async def end(connection: Connection) -> str:
        await own_event(connection, request.user, event_id)
        because = decoded({"because": typed["because"]}, Ending).because
        await activity_data.end(connection, request.user, event_id, line_id, because, datetime.now(UTC))
        return f"/organize/events/{event_id}/activity-data/{line_id}"

    try:
        return see_other(await done_once(request, pool, typed, end))
    except Refusal as refusal:
        async with pool.acquire() as connection:
            event = await own_event(connection, request.user, event_id)
            line = await line_rows.find(connection, event_id, line_id)
        return await line_page(request, pool, event, line, typed, refusal)


routes = [
    show_activity_data,
    ask_line,
    enter_line,
    show_line,
    correct_line,
    end_line,
]
