"""Who may call which route. One row a route; a route without a row is not served."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

import msgspec


class Role(StrEnum):
    """What a caller may be. One person can be several; `public` is everyone.

    Of an organization's people an owner is an organizer besides, who may write to events, and an organizer a viewer,
    who may read what organizers read. A verifier is of the organization that an event engaged.
    """

    PUBLIC = "public"
    CITIZEN = "citizen"
    OWNER = "owner"
    ORGANIZER = "organizer"
    VIEWER = "viewer"
    GATE = "gate"
    AUTHORITY = "authority"
    VERIFIER = "verifier"
    OPERATOR = "operator"


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


PUBLIC, CITIZEN, OWNER, ORGANIZER, VIEWER, GATE, AUTHORITY, VERIFIER, OPERATOR = Role

STANDING: Mapping[str, frozenset[Role]] = {
    "owner": frozenset({OWNER, ORGANIZER, VIEWER}),
    "editor": frozenset({ORGANIZER, VIEWER}),
    "viewer": frozenset({VIEWER}),
    "gate": frozenset({GATE}),
    "authority": frozenset({AUTHORITY}),
    "verifier": frozenset({VERIFIER}),
    "operator": frozenset({OPERATOR}),
}
"""What each part that somebody has, in the words of the database, lets them be called."""


def roles_as(*parts: str) -> frozenset[Role]:
    """The roles of one who has these parts."""
    return frozenset[Role]().union(*(STANDING[part] for part in parts))


# The role opens the door; whether this organizer's event is that one's is asked of the database behind it.
ROUTES: list[tuple[str, *tuple[Role, ...]]] = [
    # the machine room
    ("GET /healthz", PUBLIC),
    ("POST /v1/events/{event_id}/echo", PUBLIC),
    ("POST /v1/events/{event_id}/echo/donations", CITIZEN),
    ("POST /v1/events/{event_id}/echo/actions", CITIZEN),
    ("GET /openapi", PUBLIC),
    ("GET /openapi/openapi.json", PUBLIC),
    ("GET /openapi/{path}", PUBLIC),
    # signing in
    ("POST /v1/sign-in/codes", PUBLIC),
    ("POST /v1/sign-in/sessions", PUBLIC),
    ("POST /v1/sign-in/rotations", PUBLIC),
    ("POST /v1/sign-out", PUBLIC),
    ("GET /v1/me", CITIZEN),
    ("GET /v1/me/account", CITIZEN),
    ("GET /v1/me/export", CITIZEN),
    ("POST /v1/me/erasure", CITIZEN),
    # citizens
    ("GET /v1/places", PUBLIC),
    ("GET /v1/methodologies/{region}", PUBLIC),
    ("GET /v1/methodologies/{region}/groups", PUBLIC),
    ("GET /v1/methodologies/{region}/versions", PUBLIC),
    ("GET /v1/methodologies/{region}/versions/{methodology}/{version}", PUBLIC),
    ("POST /v1/methodologies/{region}/versions", AUTHORITY),
    ("POST /v1/actions", CITIZEN),
    ("GET /v1/actions", CITIZEN),
    ("GET /v1/actions/{action_id}", CITIZEN),
    ("POST /v1/actions/{action_id}/appeals", CITIZEN),
    ("GET /v1/actions/{action_id}/reviews", CITIZEN),
    ("POST /v1/evidence", CITIZEN),
    ("GET /v1/evidence/{digest}", CITIZEN),
    ("POST /v1/consents", CITIZEN),
    ("GET /v1/consents", CITIZEN),
    ("POST /v1/consents/{consent_id}/withdrawal", CITIZEN),
    ("POST /v1/events/{event_id}/donations", CITIZEN),
    ("POST /v1/events/{event_id}/reservations", CITIZEN),
    ("POST /v1/reservations/{reservation_id}/post", CITIZEN),
    ("POST /v1/reservations/{reservation_id}/void", CITIZEN),
    ("GET /v1/reservations/{reservation_id}", CITIZEN),
    ("GET /v1/me/expiries", CITIZEN),
    ("POST /v1/retirements", CITIZEN),
    ("GET /v1/retirements/{retirement_id}", PUBLIC),
    ("GET /v1/me/retirements", CITIZEN),
    ("POST /v1/events/{event_id}/retirements", ORGANIZER),
    ("GET /v1/events/{event_id}/retirements", PUBLIC),
    ("GET /v1/me/balance", CITIZEN),
    ("GET /v1/me/statement", CITIZEN),
    ("GET /v1/me/statement.csv", CITIZEN),
    # the registry, for everyone
    ("GET /v1/log", PUBLIC),
    ("GET /v1/log/consistency", PUBLIC),
    ("GET /v1/serials/{class_id}/{serial}", PUBLIC),
    # one's own part of it
    ("GET /v1/transfers/{transfer_id}/proof", CITIZEN),
    ("GET /v1/acts/{transfer_id}/serials", CITIZEN),
    # an authority's reviewers
    ("GET /v1/reviews", AUTHORITY),
    ("POST /v1/actions/{action_id}/reviews", AUTHORITY),
    # organizers and their events
    ("POST /v1/organizations", CITIZEN),
    ("GET /v1/organizations", CITIZEN),
    ("GET /v1/organizations/{organization_id}/members", VIEWER),
    ("POST /v1/organizations/{organization_id}/members", OWNER),
    ("DELETE /v1/organizations/{organization_id}/members/{member_id}", OWNER),
    # partners: what they report is signed with a key, not with a person's token
    ("POST /v1/organizations/{organization_id}/partners", ORGANIZER),
    ("GET /v1/organizations/{organization_id}/partners", VIEWER),
    ("GET /v1/partners/{partner_id}", VIEWER),
    ("POST /v1/partners/{partner_id}/scopes", ORGANIZER),
    ("GET /v1/partner-scopes", AUTHORITY),
    ("POST /v1/partners/{partner_id}/scopes/approval", AUTHORITY),
    ("POST /v1/partners/{partner_id}/scopes/withdrawal", AUTHORITY),
    ("POST /v1/partners/{partner_id}/keys", ORGANIZER),
    ("DELETE /v1/partners/{partner_id}/keys/{number}", ORGANIZER),
    ("POST /v1/partners/{partner_id}/actions", PUBLIC),
    # stations: places of partners whose codes log acts
    ("POST /v1/partners/{partner_id}/stations", ORGANIZER),
    ("GET /v1/partners/{partner_id}/stations", VIEWER, GATE),
    ("POST /v1/stations/{station_id}/closure", ORGANIZER),
    ("GET /v1/stations/{station_id}/poster/{form}", VIEWER, GATE),
    ("GET /v1/stations/{station_id}/screen-code", ORGANIZER, GATE),
    ("GET /v1/station-codes/{code}", PUBLIC),
    ("POST /v1/station-scans", CITIZEN),
    ("POST /v1/events", ORGANIZER),
    ("GET /v1/events", VIEWER, GATE, AUTHORITY, VERIFIER),
    ("GET /v1/events/{event_id}", PUBLIC),
    ("GET /v1/events/{event_id}/gates/{gate_id}/poster/{form}", VIEWER),
    ("GET /v1/events/{event_id}/gates/{gate_id}/screen-code", ORGANIZER, GATE),
    ("POST /v1/events/{event_id}/personal-codes", ORGANIZER),
    ("POST /v1/events/{event_id}/cancellation", ORGANIZER),
    ("GET /v1/events/{event_id}/refused-scans", VIEWER, AUTHORITY),
    ("POST /v1/events/{event_id}/activity-data", ORGANIZER),
    ("GET /v1/events/{event_id}/activity-data", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/activity-data/{line_id}/corrections", ORGANIZER),
    ("POST /v1/events/{event_id}/activity-data/{line_id}/ending", ORGANIZER),
    ("POST /v1/events/{event_id}/files", ORGANIZER),
    ("GET /v1/events/{event_id}/files", VIEWER, AUTHORITY, VERIFIER),
    ("GET /v1/events/{event_id}/files/{file_id}", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/imports", ORGANIZER),
    ("GET /v1/events/{event_id}/imports", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/imports/{import_id}/ending", ORGANIZER),
    ("GET /v1/activity-data-template/{form}", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/head-counts", ORGANIZER),
    ("GET /v1/events/{event_id}/head-counts", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/mode-corrections/preview", ORGANIZER),
    ("POST /v1/events/{event_id}/mode-corrections", ORGANIZER),
    ("GET /v1/events/{event_id}/mode-corrections", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/mode-corrections/{correction_id}/withdrawal", ORGANIZER),
    ("POST /v1/estimates", PUBLIC),
    ("GET /v1/events/{event_id}/estimate", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/accounting", ORGANIZER),
    ("GET /v1/events/{event_id}/accounting", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/absent-sources", ORGANIZER),
    ("GET /v1/events/{event_id}/inventory", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/inventories", ORGANIZER),
    ("GET /v1/events/{event_id}/inventories", VIEWER, AUTHORITY, VERIFIER),
    ("GET /v1/events/{event_id}/inventories/{number}", VIEWER, AUTHORITY, VERIFIER),
    ("GET /v1/events/{event_id}/inventories/{before}/differences/{after}", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/inventories/{number}/verification", AUTHORITY),
    # an event under its place's rule
    ("POST /v1/events/{event_id}/facts", ORGANIZER),
    ("GET /v1/events/{event_id}/facts", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/plan", ORGANIZER),
    ("GET /v1/events/{event_id}/plan", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/plan/publication", ORGANIZER),
    ("GET /v1/events/{event_id}/plan/publication", PUBLIC),
    ("POST /v1/events/{event_id}/measures", ORGANIZER),
    ("GET /v1/events/{event_id}/measures", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/marks", ORGANIZER),
    ("GET /v1/events/{event_id}/marks", VIEWER, AUTHORITY, VERIFIER),
    ("GET /v1/events/{event_id}/readiness", VIEWER, AUTHORITY, VERIFIER),
    ("GET /v1/events/{event_id}/tally", VIEWER, AUTHORITY, VERIFIER),
    ("GET /v1/events/{event_id}/tally/stream", VIEWER, AUTHORITY, VERIFIER),
    ("GET /v1/events/{event_id}/reports/{file}", PUBLIC),
    ("GET /v1/events/{event_id}/trail", VIEWER, AUTHORITY, VERIFIER),
    ("GET /v1/jobs/{job_id}", VIEWER, AUTHORITY, VERIFIER),
    ("GET /v1/jobs/{job_id}/stream", VIEWER, AUTHORITY, VERIFIER),
    # confirming an event's neutrality
    ("GET /v1/keys", PUBLIC),
    ("GET /v1/verification-checklist", PUBLIC),
    ("GET /v1/events/{event_id}/declaration", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/declaration", ORGANIZER),
    ("GET /v1/events/{event_id}/verifiers", VIEWER, AUTHORITY),
    ("POST /v1/events/{event_id}/engagements", ORGANIZER),
    ("GET /v1/events/{event_id}/engagements", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/engagements/{engagement_id}/ending", ORGANIZER, VERIFIER),
    ("GET /v1/engagements", VERIFIER),
    ("POST /v1/events/{event_id}/verification-reports", VERIFIER),
    ("GET /v1/events/{event_id}/verification-reports", VIEWER, AUTHORITY, VERIFIER),
    ("POST /v1/events/{event_id}/third-party-certificate", VERIFIER),
    ("POST /v1/events/{event_id}/certificate-applications", ORGANIZER),
    ("GET /v1/events/{event_id}/certificate-applications", VIEWER, AUTHORITY),
    ("GET /v1/certificate-applications", AUTHORITY),
    ("POST /v1/events/{event_id}/certificate-applications/{application_id}/decision", AUTHORITY),
    ("GET /v1/events/{event_id}/confirmations", PUBLIC),
    ("GET /v1/confirmations/{confirmation_id}", PUBLIC),
    ("GET /v1/confirmations/{confirmation_id}/record", PUBLIC),
    ("POST /v1/confirmations/{confirmation_id}/withdrawal", ORGANIZER, VERIFIER, AUTHORITY),
    # at the door
    ("GET /v1/codes/{code}", PUBLIC),
    ("POST /v1/events/{event_id}/check-ins", PUBLIC),
    ("GET /v1/check-ins/{check_in_id}", PUBLIC),
    ("POST /v1/check-ins/{check_in_id}/claims", CITIZEN),
    ("POST /v1/check-ins/{check_in_id}/undo", PUBLIC),
    ("POST /v1/check-ins/{check_in_id}/corrections", PUBLIC),
    # pages for everyone
    ("GET /", PUBLIC),
    ("GET /assets/{name}", PUBLIC),
    ("GET /language/{language}", PUBLIC),
    ("GET /sign-in", PUBLIC),
    ("POST /sign-in", PUBLIC),
    ("GET /sign-in/code", PUBLIC),
    ("POST /sign-in/code", PUBLIC),
    ("POST /sign-out", PUBLIC),
    ("GET /privacy", PUBLIC),
    ("GET /events", PUBLIC),
    ("GET /events/{event_id}", PUBLIC),
    ("GET /events/{event_id}/plan", PUBLIC),
    # pages at the door
    ("GET /s", PUBLIC),
    ("GET /s/{code}", PUBLIC),
    ("POST /s/{code}", CITIZEN),
    ("GET /c", PUBLIC),
    ("GET /c/{code}", PUBLIC),
    ("POST /c/{code}", PUBLIC),
    ("POST /c/{code}/somebody-else", PUBLIC),
    ("GET /r/{check_in_id}", PUBLIC),
    ("POST /r/{check_in_id}/undo", PUBLIC),
    ("GET /r/{check_in_id}/change", PUBLIC),
    ("POST /r/{check_in_id}/change", PUBLIC),
    ("POST /r/{check_in_id}/claim", CITIZEN),
    # pages for citizens
    ("GET /me", CITIZEN),
    ("GET /me/export", CITIZEN),
    ("GET /me/erasure", CITIZEN),
    ("POST /me/erasure", CITIZEN),
    ("GET /me/consents", CITIZEN),
    ("POST /me/consents/{consent_id}/withdrawal", CITIZEN),
    ("GET /consents/{partner_id}", CITIZEN),
    ("POST /consents/{partner_id}", CITIZEN),
    ("GET /me/statement", CITIZEN),
    ("GET /me/statement.csv", CITIZEN),
    ("GET /me/actions", CITIZEN),
    ("GET /me/actions/{action_id}", CITIZEN),
    ("GET /me/actions/{action_id}/appeal", CITIZEN),
    ("POST /me/actions/{action_id}/appeal", CITIZEN),
    ("GET /photos/{digest}", CITIZEN),
    ("GET /me/donations/{donation_id}", CITIZEN),
    ("GET /me/transfers/{transfer_id}/proof", CITIZEN),
    ("GET /retirements/{retirement_id}", PUBLIC),
    ("GET /log", PUBLIC),
    ("GET /serials", PUBLIC),
    ("GET /serials/{class_id}/{serial}", PUBLIC),
    ("GET /retirements/{retirement_id}/pdf", CITIZEN),
    ("GET /me/retire", CITIZEN),
    ("POST /me/retire", CITIZEN),
    ("GET /organize/events/{event_id}/retire", ORGANIZER),
    ("POST /organize/events/{event_id}/retire", ORGANIZER),
    ("GET /act", CITIZEN),
    ("POST /act", CITIZEN),
    ("GET /events/{event_id}/donate", CITIZEN),
    ("POST /events/{event_id}/donate", CITIZEN),
    # pages for organizers, stewards, authorities
    ("GET /organize", CITIZEN),
    ("POST /organize/organizations", CITIZEN),
    ("GET /organize/events/new", ORGANIZER),
    ("POST /organize/events/new", ORGANIZER),
    ("GET /organize/events/{event_id}", VIEWER),
    ("POST /organize/events/{event_id}/helpers", OWNER),
    ("GET /organize/events/{event_id}/cancel", ORGANIZER),
    ("POST /organize/events/{event_id}/cancel", ORGANIZER),
    ("POST /organize/events/{event_id}/badges", ORGANIZER),
    ("GET /organize/events/{event_id}/screen/{gate_id}", ORGANIZER, GATE),
    ("GET /organize/events/{event_id}/gates/{gate_id}/poster/{form}", VIEWER, GATE),
    ("GET /organize/events/{event_id}/accounting", VIEWER, AUTHORITY, VERIFIER),
    ("POST /organize/events/{event_id}/accounting/settings", ORGANIZER),
    ("POST /organize/events/{event_id}/accounting/absent", ORGANIZER),
    ("GET /organize/events/{event_id}/inventories", VIEWER, AUTHORITY, VERIFIER),
    ("POST /organize/events/{event_id}/inventories", ORGANIZER),
    ("GET /organize/events/{event_id}/inventories/{before}/differences/{after}", VIEWER, AUTHORITY, VERIFIER),
    ("GET /organize/events/{event_id}/activity-data", VIEWER, AUTHORITY, VERIFIER),
    ("GET /organize/events/{event_id}/activity-data/new", ORGANIZER),
    ("POST /organize/events/{event_id}/activity-data/new", ORGANIZER),
    ("GET /organize/events/{event_id}/activity-data/{line_id}", VIEWER, AUTHORITY, VERIFIER),
    ("POST /organize/events/{event_id}/activity-data/{line_id}/correct", ORGANIZER),
    ("POST /organize/events/{event_id}/activity-data/{line_id}/end", ORGANIZER),
    ("GET /organize/events/{event_id}/files", VIEWER, AUTHORITY, VERIFIER),
    ("POST /organize/events/{event_id}/files", ORGANIZER),
    ("GET /organize/events/{event_id}/files/{file_id}", VIEWER, AUTHORITY, VERIFIER),
    ("GET /organize/events/{event_id}/imports", VIEWER, AUTHORITY, VERIFIER),
    ("POST /organize/events/{event_id}/imports", ORGANIZER),
    ("POST /organize/events/{event_id}/imports/{import_id}/end", ORGANIZER),
    ("GET /organize/activity-data-template/{form}", VIEWER),
    ("GET /organize/events/{event_id}/head-counts", VIEWER, AUTHORITY, VERIFIER),
    ("POST /organize/events/{event_id}/head-counts", ORGANIZER),
    ("GET /organize/events/{event_id}/mode-corrections", VIEWER, AUTHORITY, VERIFIER),
    ("POST /organize/events/{event_id}/mode-corrections", ORGANIZER),
    ("POST /organize/events/{event_id}/mode-corrections/{correction_id}/withdraw", ORGANIZER),
    ("GET /organize/events/{event_id}/estimate", VIEWER, AUTHORITY, VERIFIER),
    ("GET /organize/events/{event_id}/readiness", VIEWER, AUTHORITY, VERIFIER),
    ("GET /organize/events/{event_id}/facts", VIEWER),
    ("POST /organize/events/{event_id}/facts", ORGANIZER),
    ("GET /organize/events/{event_id}/plan", VIEWER),
    ("POST /organize/events/{event_id}/plan", ORGANIZER),
    ("POST /organize/events/{event_id}/plan/publication", ORGANIZER),
    ("GET /organize/events/{event_id}/measures", VIEWER),
    ("POST /organize/events/{event_id}/measures", ORGANIZER),
    ("GET /organize/events/{event_id}/marks/{step}", VIEWER),
    ("POST /organize/events/{event_id}/marks/{step}", ORGANIZER),
    ("GET /organize/events/{event_id}/reports", VIEWER, AUTHORITY, VERIFIER),
    ("POST /organize/events/{event_id}/reports", ORGANIZER),
    ("GET /organize/events/{event_id}/reports/{file}", VIEWER, AUTHORITY, VERIFIER),
    ("GET /organize/events/{event_id}/trail", VIEWER, AUTHORITY, VERIFIER),
    ("GET /organize/jobs/{job_id}", VIEWER, AUTHORITY, VERIFIER),
    ("GET /organize/jobs/{job_id}/stream", VIEWER, AUTHORITY, VERIFIER),
    ("GET /gate", ORGANIZER, GATE),
    ("GET /organize/organizations/{organization_id}/partners", VIEWER),
    ("POST /organize/organizations/{organization_id}/partners", ORGANIZER),
    ("GET /organize/partners/{partner_id}", VIEWER),
    ("POST /organize/partners/{partner_id}/scopes", ORGANIZER),
    ("POST /organize/partners/{partner_id}/keys", ORGANIZER),
    ("POST /organize/partners/{partner_id}/keys/{number}/revocation", ORGANIZER),
    ("GET /organize/stations", VIEWER, GATE),
    ("GET /organize/partners/{partner_id}/stations", VIEWER, GATE),
    ("POST /organize/partners/{partner_id}/stations", ORGANIZER),
    ("POST /organize/stations/{station_id}/close", ORGANIZER),
    ("GET /organize/stations/{station_id}/screen", ORGANIZER, GATE),
    ("GET /organize/stations/{station_id}/poster/{form}", VIEWER, GATE),
    ("GET /gate/{event_id}", ORGANIZER, GATE),
    ("POST /gate/{event_id}", ORGANIZER, GATE),
    ("GET /events/{event_id}/tally/stream", VIEWER, AUTHORITY, VERIFIER),
    ("GET /authority", AUTHORITY),
    ("GET /authority/reviews", AUTHORITY),
    ("GET /authority/reviews/{action_id}", AUTHORITY),
    ("POST /authority/reviews/{action_id}", AUTHORITY),
    ("GET /authority/events/{event_id}", AUTHORITY),
    ("GET /authority/partners", AUTHORITY),
    ("POST /authority/partners/{partner_id}/approval", AUTHORITY),
    ("POST /authority/partners/{partner_id}/withdrawal", AUTHORITY),
]
READERS = (VIEWER, AUTHORITY, VERIFIER)
"""Who reads an event's records: its own people, its place's authority, the verifier that it engaged."""

ACCESS = {route: frozenset(roles) for route, *roles in ROUTES}
