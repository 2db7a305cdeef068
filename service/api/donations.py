"""Citizens give credits to events."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.params import FromPath, JSONBody

from service.access import Caller
from service.api.check_ins import uuid_of
from service.api.given import means_of
from service.api.problems import WRITES, refuses
from service.api.requests import Key
from service.donations import ClassNotTaken, Donation, DonationRequest, EventCovered, Overdraft


class NewDonation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whole grams to give."""

    grams: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


@post("/events/{event_id:uuid}/donations", responses=refuses(*WRITES, Overdraft, EventCovered, ClassNotTaken))
async def donate(
    request: Request[Caller, Any, Any],
    event_id: FromPath[UUID],
    data: JSONBody[NewDonation],
    key: Key,
) -> Donation:
    """Give credits to an event: the oldest classes first, never more than held, once an Idempotency-Key (a UUID)."""
    asked = DonationRequest(uuid_of(key), request.user.member, event_id, data.grams)
    hot = means_of(request)
    donation = await hot.committers.donations.submit(asked)
    hot.nudges.fold(event_id)
    return donation


routes = [donate]
