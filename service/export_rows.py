"""What an export reads, subject by subject: rows that PostgreSQL has turned into JSON already.

Subjects that can be long are read by their ids, so many at a time; the others at once. No secret is among them: of
sessions and devices the times, of codes when they were sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from service.db import Connection


async def profile(connection: Connection, member_id: UUID) -> list[bytes]:
    """Who somebody is to us."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT id AS member_id, phone_hint, joined_at FROM members WHERE id = $1
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def sessions(connection: Connection, member_id: UUID) -> list[bytes]:
    """When somebody signed in."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT kind, opened_at, expires_at, ended_at, ended_because FROM sessions
            WHERE member_id = $1 ORDER BY opened_at
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def codes_sent(connection: Connection, member_id: UUID) -> list[bytes]:
    """When codes were sent to somebody's phone."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT sent_at FROM sign_in_sends JOIN members USING (phone_digest)
            WHERE members.id = $1 ORDER BY sent_at
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def requests(connection: Connection, member_id: UUID) -> list[bytes]:
    """Answers that are kept for repeats."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT key, asked_at, status, media_type, CASE
                WHEN media_type LIKE '%json' THEN convert_from(answer, 'UTF8')::jsonb
            END AS answer
            FROM idempotent_requests WHERE caller = 'member:' || $1::uuid::text ORDER BY asked_at
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def devices(connection: Connection, member_id: UUID) -> list[bytes]:
    """Devices that acts were logged with."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT encode(device, 'hex') AS device, first_seen_at, last_seen_at FROM member_devices
            WHERE member_id = $1 ORDER BY first_seen_at
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def action_ids(connection: Connection, member_id: UUID) -> list[UUID]:
    """Somebody's actions, in the order in which they were told."""
    rows = await connection.fetch("SELECT id FROM actions WHERE member_id = $1 ORDER BY logged_at, id", member_id)
    return [row["id"] for row in rows]


async def actions(connection: Connection, ids: Sequence[UUID]) -> list[bytes]:
    """Actions with their traces, photos, reviews and appeals."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT actions.id AS action_id, actions.region, actions.action, actions.quantity, counted, occurred_on,
                lower(period) AS started_at, upper(period) AS ended_at, family, source, evidence, state, reduction_g,
                due_at, held_because, settled_at, overtaken_by, partners.name AS partner, stations.name AS station,
                logged_at, trace,
                ARRAY(
                    SELECT encode(digest, 'hex') FROM action_evidence WHERE action_id = actions.id ORDER BY digest
                ) AS photos,
                ARRAY(
                    SELECT jsonb_build_object(
                        'round', round, 'decision', decision, 'because', because, 'decided_at', decided_at
                    )
                    FROM action_reviews WHERE action_id = actions.id ORDER BY round
                ) AS reviews,
                (
                    SELECT jsonb_build_object('because', because, 'appealed_at', appealed_at)
                    FROM action_appeals WHERE action_id = actions.id
                ) AS appeal
            FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place) JOIN actions USING (id)
            LEFT JOIN partners ON partners.id = partner_id LEFT JOIN stations ON stations.id = station_id
            ORDER BY asked.place
        ) AS said
        """,
        ids,
    )
    return [row[0] for row in rows]


async def photos(connection: Connection, member_id: UUID) -> list[bytes]:
    """Photos as they are kept; their bytes are files of their own."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT encode(digest, 'hex') AS digest, media_type, stored_at, uploaded_at, action_id
            FROM (
                SELECT digest, uploaded_at, NULL::uuid AS action_id FROM evidence_uploads WHERE member_id = $1
                UNION ALL
                SELECT digest, NULL, action_id FROM action_evidence JOIN actions ON actions.id = action_id
                WHERE member_id = $1
            ) AS own JOIN evidence USING (digest)
            ORDER BY stored_at, digest
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def photo(connection: Connection, digest: bytes) -> bytes:
    """A photo's bytes; none where it has gone meanwhile."""
    return bytes(await connection.fetchval("SELECT content FROM evidence WHERE digest = $1", digest) or b"")


async def consents(connection: Connection, member_id: UUID) -> list[bytes]:
    """What somebody let partners report."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT partners.name AS partner, partner_id, scene, subject, given_at, withdrawn_at
            FROM consents JOIN partners ON partners.id = partner_id
            WHERE member_id = $1 ORDER BY given_at, consents.id
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def check_in_ids(connection: Connection, member_id: UUID) -> list[UUID]:
    """Check-ins by somebody's account, and those of a device or badge that were credited to it; ended ones too."""
    rows = await connection.fetch(
        """
        SELECT id FROM check_ins WHERE attendee = $1 AND attendee_kind = 'member'
        UNION
        SELECT id FROM transfers JOIN check_ins USING (id) WHERE destination = $1 AND reason = 'issue'
        ORDER BY id
        """,
        member_id,
    )
    return [row["id"] for row in rows]


async def check_ins(connection: Connection, ids: Sequence[UUID]) -> list[bytes]:
    """Check-ins as recorded, with how they were quantified."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT check_ins.id AS check_in_id, check_ins.event_id, events.name AS event, gates.name AS gate, day,
                check_ins.attendee, attendee_kind, fresh, part, check_ins.people, travel_emissions_g,
                lodging_emissions_g, reduction_g, credited_to IS NOT NULL AS credited, checked_in_at, replaces,
                ended_at, ended_because, trip, counted_attendees.people AS counted_people
            FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place) JOIN check_ins USING (id)
            JOIN events ON events.id = check_ins.event_id JOIN gates ON gates.id = gate_id
            LEFT JOIN counted_attendees
                ON (counted_attendees.event_id, counted_attendees.attendee) = (check_ins.event_id, check_ins.attendee)
            ORDER BY asked.place
        ) AS said
        """,
        ids,
    )
    return [row[0] for row in rows]


async def donation_ids(connection: Connection, member_id: UUID) -> list[UUID]:
    """Somebody's donations, those refused too."""
    rows = await connection.fetch("SELECT id FROM donations WHERE member_id = $1 ORDER BY decided_at, id", member_id)
    return [row["id"] for row in rows]


async def donations(connection: Connection, ids: Sequence[UUID]) -> list[bytes]:
    """Donations with their verdicts."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT donations.id AS donation_id, event_id, events.name AS event, grams, refusal, held_g, decided_at
            FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place) JOIN donations USING (id)
            LEFT JOIN events ON events.id = event_id
            ORDER BY asked.place
        ) AS said
        """,
        ids,
    )
    return [row[0] for row in rows]


async def reservations(connection: Connection, member_id: UUID) -> list[bytes]:
    """What somebody set aside, and how that ended."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT reservations.id AS reservation_id, event_id, grams, reserved_at, lapses_at, outcome, posted_g,
                ended_at
            FROM reservations LEFT JOIN reservation_endings ON reservation_id = reservations.id
            WHERE member_id = $1 ORDER BY reserved_at
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def expiry_notices(connection: Connection, member_id: UUID) -> list[bytes]:
    """What somebody was told of when it expires."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT region, methodology, version, vintage, expires_on, told_on, rule
            FROM expiry_notices JOIN credit_classes ON credit_classes.id = class_id
            WHERE account_id = $1 ORDER BY told_on, class_id
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def offices(connection: Connection, member_id: UUID) -> list[bytes]:
    """In whose name somebody may act, and what they did in an office. `of` names what it was done to."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT 'acts for the organization' AS what, organization_id::text AS of, role AS more, added_at AS at
            FROM organization_members WHERE member_id = $1
            UNION ALL
            SELECT 'acts for the authority', region, NULL, NULL FROM authority_members WHERE member_id = $1
            UNION ALL
            SELECT 'founded the organization', id::text, name, founded_at FROM organizations WHERE founded_by = $1
            UNION ALL
            SELECT 'changed who acts for the organization', organization_id::text, coalesce(role, 'left'), changed_at
            FROM organization_changes WHERE changed_by = $1 AND member_id <> $1
            UNION ALL
            SELECT 'became in the organization', organization_id::text, coalesce(role, 'left'), changed_at
            FROM organization_changes WHERE member_id = $1
            UNION ALL
            SELECT 'operates the platform', NULL, NULL, appointed_at FROM operators WHERE member_id = $1
            UNION ALL
            SELECT CASE WHEN registered THEN 'registered the verifier' ELSE 'struck the verifier off' END,
                organization_id::text, reference, said_at
            FROM verifier_registrations WHERE said_by = $1
            UNION ALL
            SELECT 'registered the partner', id::text, name, registered_at FROM partners WHERE registered_by = $1
            UNION ALL
            SELECT 'made a key of the partner', partner_id::text, number::text, made_at FROM partner_keys
            WHERE made_by = $1
            UNION ALL
            SELECT 'approved a scope of the partner', partner_id::text, region || ' ' || action, approved_at
            FROM partner_scopes WHERE approved_by = $1
            UNION ALL
            SELECT 'published the methodology', id, version, published_at FROM published_methodologies
            WHERE published_by = $1
            UNION ALL
            SELECT 'reviewed the action', action_id::text, decision || ': ' || because, decided_at FROM action_reviews
            WHERE decided_by = $1
            UNION ALL
            SELECT 'began the work', event_id::text, kind, made_at FROM jobs WHERE started_by = $1
            ORDER BY 4, 1
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]


async def event_work(connection: Connection, member_id: UUID) -> list[bytes]:
    """What somebody did to events, as their trails have it. `of` is the event."""
    rows = await connection.fetch(
        """
        SELECT to_jsonb(said) FROM (
            SELECT act AS what, event_id AS of, jsonb_strip_nulls(about) AS more, at
            FROM event_trail WHERE by = $1 ORDER BY at, act, subject
        ) AS said
        """,
        member_id,
    )
    return [row[0] for row in rows]
