"""Citizens set credits aside for events, and give them or take them back later."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar import post as post_route
from litestar.params import FromPath, JSONBody

from service import reservations
from service.access import Caller
from service.api.check_ins import uuid_of
from service.api.given import Nudges, Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.donations import ClassNotTaken, ClosedToDonations, EventCovered
from service.errors import BadInput
from service.reservations import Ending, LapsesTooSoon, Reservation, Standing

Grams = Annotated[int, msgspec.Meta(ge=1, le=2**53)]

CLOSED = (ClosedToDonations, EventCovered, ClassNotTaken)


class NewReservation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whole grams to set aside, and until when: an instant of this century with its time zone."""

    grams: Grams
    lapses_at: Annotated[datetime, msgspec.Meta(tz=True)]


class NewPost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of it to give; all when left out."""

    grams: Grams | None = None


class NewVoid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing need be said."""


@post_route("/events/{event_id:uuid}/reservations", status_code=201, responses=refuses(*WRITES, *CLOSED, LapsesTooSoon))
async def reserve(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewReservation],
    key: Key,
    pool: Pool,
) -> Response[Reservation]:
    """Set credits aside for an event, the oldest classes first, once an Idempotency-Key (a UUID, its id)."""
    reservation_id, member = uuid_of(key), request.user.member
    if not 2000 <= data.lapses_at.year < 2100:
        raise BadInput(reason="lapses_at: Expected `datetime` of this century")
    return await answer_once(
        request,
        pool,
        key,
        data,
        lambda c: reservations.reserve(c, reservation_id, member, event_id, data.grams, data.lapses_at),
    )


@post_route("/reservations/{reservation_id:uuid}/post", status_code=201, responses=refuses(*WRITES, *CLOSED))
async def post(
    request: Request[Caller, Any, Any],
    reservation_id: FromPath[UUID],
    data: JSONBody[NewPost],
    key: Key,
    pool: Pool,
    nudges: Nudges,
) -> Response[Ending]:
    """Give what was set aside, or part: the rest comes back. The Idempotency-Key (a UUID) is the donation's id."""
    ending_id, member = uuid_of(key), request.user.member
    async with pool.acquire() as connection:
        standing = await reservations.find(connection, reservation_id, member)
    answer = await answer_once(
        request, pool, key, data, lambda c: reservations.post(c, reservation_id, ending_id, data.grams, member)
    )
    nudges.fold(standing.reservation.event_id)
    return answer


@post_route("/reservations/{reservation_id:uuid}/void", status_code=201, responses=refuses(*WRITES))
async def void(
    request: Request[Caller, Any, Any], reservation_id: FromPath[UUID], data: JSONBody[NewVoid], key: Key, pool: Pool
) -> Response[Ending]:
    """Take back what was set aside, once an Idempotency-Key (a UUID)."""
    ending_id, member = uuid_of(key), request.user.member
    return await answer_once(
        request, pool, key, data, lambda c: reservations.void(c, reservation_id, ending_id, member)
    )


@get("/reservations/{reservation_id:uuid}", responses=refuses())
async def show(request: Request[Caller, Any, Any], reservation_id: FromPath[UUID], pool: Pool) -> Standing:
    """The caller's own reservation, and how it ended."""
    async with pool.acquire() as connection:
        return await reservations.find(connection, reservation_id, request.user.member)


routes = [reserve, post, void, show]
