"""Verifiers (技术服务机构) that events engage, one at a time: registered, another organization, nobody in common."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from scenarios.regions import wider
from service import event_facts, events
from service.access import Caller
from service.db import Connection, new_id
from service.errors import Conflict, NotAllowed, NotFound, NotNow
from service.events import Event


class VerifierNotRegistered(NotNow):
    """这个机构没有登记为这里的技术服务机构。"""

    code = "verifier_not_registered"


class VerifierNotIndependent(NotNow):
    """技术服务机构须独立于举办单位：不能是同一个组织，也不能有相同的成员。"""

    code = "verifier_not_independent"


class EngagedAlready(Conflict):
    """这场活动已经委托了一家技术服务机构，结束那次委托后才能再委托。"""

    code = "engaged_already"


class EngagementEnded(Conflict):
    """这次委托已经结束。"""

    code = "engagement_ended"


class OwnEvent(NotAllowed):
    """自己组织的活动不能由自己核查或决定。"""

    code = "own_event"


class NewEngagement(msgspec.Struct, forbid_unknown_fields=True):
    """Whom the organizer engages."""

    verifier_id: UUID


class Engagement(msgspec.Struct, frozen=True, kw_only=True):
    """An engagement, by the names of the event and the verifier."""

    id: UUID
    event_id: UUID
    event_name: str
    verifier_id: UUID
    verifier: str
    engaged_at: datetime
    ended_at: datetime | None


class VerifierNamed(msgspec.Struct, frozen=True):
    """A verifier that an event may engage."""

    id: UUID
    name: str


async def engage(connection: Connection, caller: Caller, event: Event, new: NewEngagement, now: datetime) -> Engagement:
    """Engage a verifier. The caller's right must be known.

    Raises VerifierNotRegistered, VerifierNotIndependent, EngagedAlready.
    """
    await connection.execute("SELECT id FROM events WHERE id = $1 FOR NO KEY UPDATE", event.id)
    if new.verifier_id not in {each.id for each in await registered(connection, event)}:
        raise VerifierNotRegistered
    await require_independent(connection, event.id, new.verifier_id)
    engagement_id = new_id()
    try:
        await connection.execute(
            """
            INSERT INTO engagements (id, event_id, verifier_id, engaged_by, engaged_at) VALUES ($1, $2, $3, $4, $5)
            """,
            engagement_id,
            event.id,
            new.verifier_id,
            caller.member,
            now,
        )
    except asyncpg.UniqueViolationError:
        raise EngagedAlready from None
    return await find(connection, event.id, engagement_id)


async def registered(connection: Connection, event: Event) -> list[VerifierNamed]:
    """The verifiers registered for the event's place or everywhere, by name; the newest word on each place holds."""
    facts = await event_facts.of_event(connection, event)
    rows = await connection.fetch(
        """
        SELECT DISTINCT organizations.id, name
        FROM (
            SELECT DISTINCT ON (organization_id, region) organization_id, registered FROM verifier_registrations
            WHERE region IS NULL OR region = ANY ($1::text[])
            ORDER BY organization_id, region, id DESC
        ) AS newest
        JOIN organizations ON organizations.id = organization_id
        WHERE registered ORDER BY name, id
        """,
        list(wider(facts.rule_place)),
    )
    return [VerifierNamed(**row) for row in rows]


async def require_independent(connection: Connection, event_id: UUID, verifier_id: UUID) -> None:
    """Go on only where the verifier is another organization than the event's, and nobody acts for both.

    Raises VerifierNotIndependent.
    """
    shared = await connection.fetchval(
        """
        SELECT events.organization_id = $2 OR EXISTS (
            SELECT FROM organization_members AS own JOIN organization_members AS theirs USING (member_id)
            WHERE own.organization_id = events.organization_id AND theirs.organization_id = $2
        )
        FROM events WHERE id = $1
        """,
        event_id,
        verifier_id,
    )
    if shared:
        raise VerifierNotIndependent


async def require_other_hands(connection: Connection, caller: Caller, event_id: UUID) -> None:
    """Go on only for one who does not act for the event's organization. Raises OwnEvent."""
    own = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM organization_members JOIN events USING (organization_id) WHERE events.id = $1 AND member_id = $2
        )
        """,
        event_id,
        caller.member_id,
    )
    if own:
        raise OwnEvent


async def end(connection: Connection, caller: Caller, event_id: UUID, engagement_id: UUID, now: datetime) -> Engagement:
    """End an engagement; what was reported stays. Raises NotFound, EngagementEnded."""
    await find(connection, event_id, engagement_id)
    ended = await connection.fetchval(
        "UPDATE engagements SET ended_by = $2, ended_at = $3 WHERE id = $1 AND ended_at IS NULL RETURNING true",
        engagement_id,
        caller.member,
        now,
    )
    if not ended:
        raise EngagementEnded
    return await find(connection, event_id, engagement_id)


async def find(connection: Connection, event_id: UUID, engagement_id: UUID) -> Engagement:
    """One of an event's engagements. Raises NotFound."""
    for each in await of_event(connection, event_id):
        if each.id == engagement_id:
            return each
    raise NotFound


async def of_event(connection: Connection, event_id: UUID) -> list[Engagement]:
    """An event's engagements, the newest first."""
    rows = await connection.fetch(
        """
        SELECT engagements.id, event_id, events.name AS event_name, verifier_id, organizations.name AS verifier,
            engaged_at, ended_at
        FROM engagements
        JOIN events ON events.id = event_id
        JOIN organizations ON organizations.id = verifier_id
        WHERE event_id = $1 ORDER BY engaged_at DESC, engagements.id DESC
        """,
        event_id,
    )
    return [Engagement(**row) for row in rows]


async def of_caller(connection: Connection, caller: Caller, limit: int = 100) -> list[Engagement]:
    """The engagements of the verifiers that the caller acts for, those that go on first."""
    rows = await connection.fetch(
        """
        SELECT engagements.id, event_id, events.name AS event_name, verifier_id, organizations.name AS verifier,
            engaged_at, ended_at
        FROM engagements
        JOIN events ON events.id = event_id
        JOIN organizations ON organizations.id = verifier_id
        JOIN organization_members AS own ON own.organization_id = verifier_id
        WHERE own.member_id = $1 AND own.role IN ('owner', 'editor')
        ORDER BY ended_at IS NOT NULL, engaged_at DESC, engagements.id DESC LIMIT $2
        """,
        caller.member,
        limit,
    )
    return [Engagement(**row) for row in rows]


async def live(connection: Connection, caller: Caller, event_id: UUID) -> Engagement:
    """The engagement that the caller acts in now, held until the transaction ends.

    Raises NotFound for whom the event did not engage, VerifierNotIndependent for who acts for the organizer too.
    """
    engagement_id = await connection.fetchval(
        """
        SELECT engagements.id FROM engagements JOIN organization_members AS own ON own.organization_id = verifier_id
        WHERE event_id = $1 AND ended_at IS NULL AND own.member_id = $2 AND own.role IN ('owner', 'editor')
        FOR NO KEY UPDATE OF engagements
        """,
        event_id,
        caller.member,
    )
    if engagement_id is None:
        raise NotFound
    found = await find(connection, event_id, engagement_id)
    await require_independent(connection, event_id, found.verifier_id)
    event = await events.find(connection, event_id)
    if found.verifier_id not in {each.id for each in await registered(connection, event)}:
        raise VerifierNotRegistered
    return found
