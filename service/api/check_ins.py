"""At the door: the form behind a code, checking in, and what can be done with the receipt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, HeaderParameter, JSONBody

from scenarios.meeting.travel import Trip
from service import claims, codes, corrections, forms, receipts
from service.access import Caller, Role
from service.api.given import Config, Nudges, Pool, means_of
from service.api.problems import WRITES, refuses
from service.api.requests import Key
from service.attendees import Attendee, attendee_of
from service.carbon import CLASSES
from service.check_in_rows import CheckIn
from service.check_ins import (
    AttendeeMissing,
    CodeOfAnotherEvent,
    JourneyKnown,
    JourneyMissing,
    MealsNotAsked,
    PersonalCodeUnknown,
)
from service.codes import CodeExpired, CodeForged, Scanned
from service.db import transaction
from service.errors import BadInput, Refusal
from service.events import EventClosed, EventNotOpenYet
from service.forms import Form
from service.idempotency import digest
from service.organizations import is_steward
from service.personal_codes import attendee_of_personal_code
from service.receipts import Receipt

Device = Annotated[
    str | None,
    HeaderParameter(
        name="Tanhui-Device",
        min_length=16,
        max_length=64,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="A random token of the device's own: who attends, where there is no account.",
    ),
]
ReceiptKey = Annotated[
    str | None,
    HeaderParameter(name="Tanhui-Receipt-Key", min_length=1, max_length=64, description="The secret on the receipt."),
]
Origin = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class CheckInAnswers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an attendee says at the door. `code` is the form's ticket, or a scanned or typed code.

    `origin` is a place's id or its name, for the leg without a distance. `personal_code` is that on a badge.
    """

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    trip: Trip
    origin: Origin | None = None
    personal_code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The trip as it should have been said."""

    trip: Trip
    origin: Origin | None = None


class IdNotUuid(BadInput):
    """Idempotency-Key 应当是表单中的报到编号（UUID）。"""

    code = "id_not_uuid"


def uuid_of(key: str) -> UUID:
    """The id that an Idempotency-Key is. Raises IdNotUuid."""
    try:
        return UUID(key)
    except ValueError:
        raise IdNotUuid from None


def scan(config: Config, code: str, now: datetime) -> Scanned | Refusal:
    """What a code says, or its refusal: decided later, since a repeat is answered whatever became of the code."""
    try:
        return codes.read_code(config, code, now)
    except Refusal as refusal:
        return refusal


@get("/codes/{code:str}", responses=refuses(CodeForged, CodeExpired, EventNotOpenYet, EventClosed))
async def serve_form(
    request: Request[Caller, Any, Any], code: FromPath[str], config: Config, pool: Pool, device: Device = None
) -> Form:
    """The check-in form behind a poster's or screen's code, for this account or device."""
    now = datetime.now(UTC)
    scanned = codes.read_code(config, code, now)
    async with pool.acquire() as connection:
        door = await forms.door_of(connection, scanned)
        attendee = attendee_of(config, door[0].id, request.user, None, device, steward=False)
        return await forms.form_of(connection, config, scanned, door, attendee, now)


async def who_attends(
    request: Request[Caller, Any, Any],
    config: Config,
    pool: Pool,
    event_id: UUID,
    personal_code: str | None,
    device: str | None,
) -> tuple[Attendee | None, bool]:
    """Who the request checks in, and whether a steward does it for a badge's wearer."""
    caller = request.user
    if personal_code is None:
        return attendee_of(config, event_id, caller, None, device, steward=False), False
    steward = False
    if caller.roles & {Role.GATE, Role.ORGANIZER}:
        async with pool.acquire() as connection:
            steward = await is_steward(connection, caller, event_id)
    personal = attendee_of_personal_code(config, event_id, personal_code)
    return attendee_of(config, event_id, caller, personal, device, steward=steward), steward


@post(
    "/events/{event_id:uuid}/check-ins",
    responses=refuses(
        *WRITES,
        CodeForged,
        CodeExpired,
        CodeOfAnotherEvent,
        AttendeeMissing,
        JourneyKnown,
        JourneyMissing,
        MealsNotAsked,
        PersonalCodeUnknown,
        EventNotOpenYet,
        EventClosed,
        *CLASSES.values(),
    ),
)
async def check_in(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[CheckInAnswers],
    key: Key,
    device: Device = None,
) -> Response[Receipt]:
    """Check in. 201 with the receipt; 200 with the first receipt when this attendee was in already that day."""
    now, hot = datetime.now(UTC), means_of(request)
    attendee, steward = await who_attends(request, hot.config, hot.pool, event_id, data.personal_code, device)
    hot.limits.check_in(request.user.address, None if attendee is None else attendee.id)
    receipt = await hot.committers.check_ins.submit(
        CheckIn(
            id=uuid_of(key),
            event_id=event_id,
            code=data.code,
            scanned=scan(hot.config, data.code, now),
            attendee=attendee,
            trip=data.trip,
            origin=data.origin,
            request_digest=digest(event_id, data.trip, data.origin, attendee),
            at=now,
            by_steward=steward,
        )
    )
    hot.nudges.fold(event_id)
    return Response(receipt, status_code=200 if receipt.duplicate else 201)


@get("/check-ins/{check_in_id:uuid}", responses=refuses())
async def read_receipt(
    request: Request[Caller, Any, Any],
    check_in_id: FromPath[UUID],
    config: Config,
    pool: Pool,
    receipt_key: ReceiptKey = None,
) -> Receipt:
    """The receipt, for the account that checked in or whoever holds its key."""
    async with pool.acquire() as connection:
        return await receipts.receipt(connection, config, check_in_id, request.user, receipt_key)


@post(
    "/check-ins/{check_in_id:uuid}/claims",
    responses=refuses(*WRITES, claims.ClaimedByAnother, claims.ClaimedToday, claims.NothingToClaim),
    status_code=200,
)
async def claim(
    request: Request[Caller, Any, Any],
    check_in_id: FromPath[UUID],
    key: Key,
    config: Config,
    pool: Pool,
    receipt_key: ReceiptKey = None,
) -> Receipt:
    """Take what an anonymous check-in earned into the caller's account, once."""
    async with transaction(pool) as connection:
        return await claims.claim(connection, config, check_in_id, receipt_key or "", request.user.member)


@post(
    "/check-ins/{check_in_id:uuid}/undo",
    responses=refuses(*WRITES, corrections.TooLateToCorrect, corrections.AlreadyEnded, corrections.CreditsSpent),
    status_code=200,
)
async def undo(
    request: Request[Caller, Any, Any],
    check_in_id: FromPath[UUID],
    key: Key,
    config: Config,
    pool: Pool,
    nudges: Nudges,
    receipt_key: ReceiptKey = None,
) -> Receipt:
    """Take a check-in back within fifteen minutes. Repeating it changes nothing."""
    async with transaction(pool) as connection:
        receipt = await corrections.undo(connection, config, check_in_id, request.user, receipt_key, datetime.now(UTC))
    nudges.fold(receipt.event_id)
    return receipt


@post(
    "/check-ins/{check_in_id:uuid}/corrections",
    responses=refuses(
        *WRITES,
        corrections.TooLateToCorrect,
        corrections.AlreadyEnded,
        corrections.CreditsSpent,
        MealsNotAsked,
        *CLASSES.values(),
    ),
)
async def correct(
    request: Request[Caller, Any, Any],
    check_in_id: FromPath[UUID],
    data: JSONBody[Correction],
    key: Key,
    config: Config,
    pool: Pool,
    nudges: Nudges,
    receipt_key: ReceiptKey = None,
) -> Receipt:
    """Say the trip again within fifteen minutes: the old check-in is kept as corrected, the answer is the new one."""
    async with transaction(pool) as connection:
        receipt = await corrections.correct(
            connection,
            config,
            check_in_id,
            uuid_of(key),
            data.trip,
            data.origin,
            digest(check_in_id, data),
            request.user,
            receipt_key,
            datetime.now(UTC),
        )
    nudges.fold(receipt.event_id)
    return receipt


routes = [serve_form, check_in, read_receipt, claim, undo, correct]
