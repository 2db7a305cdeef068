"""Who may call which route. One row a route; a route without a row is not served."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec


class Role(StrEnum):
    """What a caller may be. One person can be several; `public` is everyone."""

    PUBLIC = "public"
    CITIZEN = "citizen"
    ORGANIZER = "organizer"
    GATE = "gate"
    AUTHORITY = "authority"


class Caller(msgspec.Struct, frozen=True):
    """Who asks: a member with roles, or nobody in particular. `address` is the client's."""

    member_id: UUID | None
    roles: frozenset[Role]
    address: str = ""

    @property
    def member(self) -> UUID:
        """The member's id, on routes that only members may call."""
        assert self.member_id is not None
        return self.member_id


PUBLIC, CITIZEN, ORGANIZER, GATE, AUTHORITY = Role

# The role opens the door; whether this organizer's event is that one's is asked of the database behind it.
ROUTES: list[tuple[str, *tuple[Role, ...]]] = [
    # the machine room
    ("GET /healthz", PUBLIC),
    ("POST /v1/echo", PUBLIC),
    ("GET /openapi", PUBLIC),
    ("GET /openapi/openapi.json", PUBLIC),
    ("GET /openapi/{path}", PUBLIC),
    # signing in
    ("POST /v1/sign-in/codes", PUBLIC),
    ("POST /v1/sign-in/sessions", PUBLIC),
    ("POST /v1/sign-in/rotations", PUBLIC),
    ("POST /v1/sign-out", PUBLIC),
    ("GET /v1/me", CITIZEN),
    # citizens
    ("GET /v1/places", PUBLIC),
    ("GET /v1/methodologies/{region}", PUBLIC),
    ("POST /v1/actions", CITIZEN),
    ("GET /v1/actions", CITIZEN),
    ("POST /v1/events/{event_id}/donations", CITIZEN),
    # organizers and their events
    ("POST /v1/organizations", CITIZEN),
    ("GET /v1/organizations", CITIZEN),
    ("GET /v1/organizations/{organization_id}/members", ORGANIZER),
    ("POST /v1/organizations/{organization_id}/members", ORGANIZER),
    ("DELETE /v1/organizations/{organization_id}/members/{member_id}", ORGANIZER),
    ("POST /v1/events", ORGANIZER),
    ("GET /v1/events", ORGANIZER, GATE, AUTHORITY),
    ("GET /v1/events/{event_id}", PUBLIC),
    ("GET /v1/events/{event_id}/gates/{gate_id}/poster/{form}", ORGANIZER),
    ("GET /v1/events/{event_id}/gates/{gate_id}/screen-code", ORGANIZER, GATE),
    ("POST /v1/events/{event_id}/personal-codes", ORGANIZER),
    ("GET /v1/events/{event_id}/refused-scans", ORGANIZER, AUTHORITY),
    ("POST /v1/events/{event_id}/activity-data", ORGANIZER),
    ("GET /v1/events/{event_id}/inventory", ORGANIZER, AUTHORITY),
    ("GET /v1/events/{event_id}/tally", ORGANIZER, AUTHORITY),
    ("GET /v1/events/{event_id}/tally/stream", ORGANIZER, AUTHORITY),
    # at the door
    ("GET /v1/codes/{code}", PUBLIC),
    ("POST /v1/events/{event_id}/check-ins", PUBLIC),
    ("GET /v1/check-ins/{check_in_id}", PUBLIC),
    ("POST /v1/check-ins/{check_in_id}/claims", CITIZEN),
    ("POST /v1/check-ins/{check_in_id}/undo", PUBLIC),
    ("POST /v1/check-ins/{check_in_id}/corrections", PUBLIC),
]
ACCESS = {route: frozenset(roles) for route, *roles in ROUTES}
