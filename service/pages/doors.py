"""Checking in at a door: a code is scanned or typed, a form asks how one came, a receipt answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import asyncpg
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery

from service import codes, forms
from service.access import Caller
from service.api.check_ins import scan
from service.api.given import Committers, Config, Limits, Nudges, Pool
from service.attendees import Attendee, attendee_of
from service.check_in_rows import CheckIn
from service.codes import CodeExpired, Scanned
from service.errors import IdReused, Refusal
from service.events import Event, Gate
from service.forms import Form
from service.idempotency import digest
from service.pages.devices import DEVICE, device_cookie, device_of, new_device, stands_for
from service.pages.receipts import receipt_page, receipt_path, with_receipt_cookie
from service.pages.rendering import Typed, page, see_other, storable, typed_in
from service.pages.trips import FIELDS, choices, read_origin, read_trip
from service.receipts import Receipt

Door = tuple[Event, Gate]


class Visit(NamedTuple):
    """One phone at one door. `code` is what its address says; `guest` that its owner lent it."""

    request: Request[Caller, Any, Any]
    config: Config
    pool: asyncpg.Pool
    code: str
    guest: bool
    device: str
    now: datetime

    @property
    def caller(self) -> Caller:
        """Who stands at the door."""
        return stands_for(self.request.user, guest=self.guest)

    @property
    def cookies(self) -> list[Cookie]:
        """The device's token, where it is new on this phone."""
        known = self.request.cookies.get(DEVICE) == self.device
        return [] if known or self.caller.member_id else [device_cookie(self.config, self.device)]

    def attendee(self, door: Door) -> Attendee | None:
        """Who checks in here."""
        return attendee_of(self.config, door[0].id, self.caller, None, self.device, steward=False)


def visit_of(
    request: Request[Caller, Any, Any], config: Config, pool: asyncpg.Pool, code: str, typed: Typed, *, guest: bool
) -> Visit:
    """The visit that a request is part of."""
    device = device_of(request, typed["device"]) or new_device()
    return Visit(request, config, pool, code, guest, device, datetime.now(UTC))


@get("/c")
async def ask_code(request: Request[Caller, Any, Any], code: FromQuery[str] = "") -> Response[Any]:
    """Type the short code of a torn poster."""
    return see_other(f"/c/{quote(code.strip(), safe='')}") if code.strip() else page(request, "code")


@get("/c/{code:str}")
async def show_door(
    request: Request[Caller, Any, Any], code: FromPath[str], config: Config, pool: Pool, guest: FromQuery[bool] = False
) -> Response[Any]:
    """The check-in form; for who is in already, the receipt."""
    visit = visit_of(request, config, pool, code, Typed(), guest=guest)
    try:
        scanned = codes.read_code(config, code, visit.now)
        async with pool.acquire() as connection:
            door = await forms.door_of(connection, scanned)
            form = await forms.form_of(connection, config, scanned, door, visit.attendee(door), visit.now)
    except Refusal as refusal:
        return refused(request, code, refusal)
    if form.already:
        path = receipt_path(form.already, at=code, again=True)
        return with_receipt_cookie(config, form.already, see_other(path))
    return door_page(visit, form)


def refused(request: Request[Caller, Any, Any], code: str, refusal: Refusal) -> Response[Any]:
    """Why this door does not open, and a field for another code."""
    typed = Typed(code=storable(code)) if isinstance(refusal, codes.CodeForged) else Typed()
    return page(request, "code", typed=typed, refusal=refusal, fields={refusal.code: "code"})


def door_page(visit: Visit, form: Form, typed: Typed | None = None, refusal: Refusal | None = None) -> Response[Any]:
    """The form, empty or with what was typed and what is wrong with it."""
    typed = typed or Typed(round_trip="1")
    return page(
        visit.request,
        "check_in",
        cookies=visit.cookies,
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        form=form,
        action=f"/c/{quote(visit.code, safe='')}",
        guest=visit.guest,
        device="" if visit.caller.member_id or not visit.cookies else visit.device,
        places=choices(typed, form.country) if refusal else (),
    )


@post("/c/{code:str}", exclude_from_csrf=True, status_code=200)
async def check_in(
    request: Request[Caller, Any, Any],
    code: FromPath[str],
    config: Config,
    pool: Pool,
    committers: Committers,
    limits: Limits,
    nudges: Nudges,
) -> Response[Any]:
    """Check in by the form. Its ticket stands for the token against forged forms: it is bound to one check-in."""
    typed = await typed_in(request)
    visit = visit_of(request, config, pool, code, typed, guest=bool(typed["guest"]))
    scanned = scan(config, typed["ticket"], visit.now)
    said = scanned.scanned if isinstance(scanned, CodeExpired) else scanned
    if isinstance(said, Refusal) or said.check_in_id is None:
        return refused(request, code, codes.CodeForged())
    async with pool.acquire() as connection:
        door = await forms.door_of(connection, said)
    try:
        attendee = visit.attendee(door)
        limits.check_in(request.user.address, attendee.id if attendee else None)
        receipt = await committers.check_ins.submit(read_request(visit, typed, door, scanned, said))
    except IdReused:
        return see_other(f"/r/{said.check_in_id}?again=1")
    except Refusal as refusal:
        return await ask_again(visit, typed, door, said, refusal)
    nudges.fold(receipt.event_id)
    return answered(visit, receipt, typed)


def read_request(visit: Visit, typed: Typed, door: Door, scanned: Scanned | Refusal, said: Scanned) -> CheckIn:
    """The check-in that the form asks for. Raises Unreadable."""
    trip = read_trip(typed, "local" if typed["part"] == "local" else "journey")
    origin, attendee = read_origin(typed, trip), visit.attendee(door)
    assert said.check_in_id
    return CheckIn(
        id=said.check_in_id,
        event_id=door[0].id,
        code=typed["ticket"],
        scanned=scanned,
        attendee=attendee,
        trip=trip,
        origin=origin,
        request_digest=digest(door[0].id, trip, origin, attendee),
        at=visit.now,
    )


async def ask_again(visit: Visit, typed: Typed, door: Door, said: Scanned, refusal: Refusal) -> Response[Any]:
    """The form once more, under the same id, with what was typed; a ticket that got old counts as a poster's."""
    scanned = said._replace(fresh=False) if isinstance(refusal, CodeExpired) else said
    try:
        async with visit.pool.acquire() as connection:
            form = await forms.form_of(connection, visit.config, scanned, door, visit.attendee(door), visit.now)
    except Refusal as closed:
        return refused(visit.request, visit.code, closed)
    if form.already:
        path = receipt_path(form.already, at=visit.code, again=True)
        return with_receipt_cookie(visit.config, form.already, see_other(path))
    return door_page(visit, form, typed, refusal)


def answered(visit: Visit, receipt: Receipt, typed: Typed) -> Response[Any]:
    """To the receipt; straight there for a phone that keeps no cookies."""
    keeps_cookies = visit.request.cookies.get(DEVICE) or visit.caller.member_id
    if not keeps_cookies:
        return receipt_page(visit.request, visit.config, receipt, at=visit.code)
    path = receipt_path(receipt, at=visit.code, again=receipt.duplicate)
    return with_receipt_cookie(visit.config, receipt, see_other(path))


@post("/c/{code:str}/somebody-else", status_code=200)
async def change_person(request: Request[Caller, Any, Any], code: FromPath[str], config: Config) -> Response[Any]:
    """Somebody else holds this phone now: a new token, and whoever is signed in on it stays out of it."""
    cookie = device_cookie(config, new_device())
    return see_other(f"/c/{quote(code, safe='')}?guest=1", [cookie])


routes = [ask_code, show_door, check_in, change_person]
