"""Who checks in: the account, else the code on a badge, else the device, each an opaque id within one event."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal
from uuid import UUID

import msgspec

from service.access import Caller
from service.config import Config

Kind = Literal["member", "personal", "device"]


class Attendee(msgspec.Struct, frozen=True):
    """One who attends an event. `id` is a member's own, else a keyed digest that says nothing outside the event."""

    kind: Kind
    id: UUID


def attendee_of_device(config: Config, event_id: UUID, token: str) -> UUID:
    """The id of a device's random token within an event: two events cannot be linked by it."""
    return UUID(bytes=hmac.digest(config.key("device"), event_id.bytes + token.encode(), hashlib.sha256)[:16])


def attendee_of(
    config: Config, event_id: UUID, caller: Caller, personal: UUID | None, device: str | None, *, steward: bool
) -> Attendee | None:
    """The attendee that a check-in speaks for; None when nothing says who.

    A steward of the event who reads a badge checks in whoever wears it; anyone else with an account, themselves.
    """
    if personal and (steward or not caller.member_id):
        return Attendee("personal", personal)
    if caller.member_id:
        return Attendee("member", caller.member_id)
    if device:
        return Attendee("device", attendee_of_device(config, event_id, device))
    return None
