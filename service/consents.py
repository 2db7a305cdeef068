"""Consent: a citizen lets a partner report acts of one kind (the scene, an action's key), and can withdraw.

A partner knows a citizen by a subject of its own: another partner gets another one, and neither leads to the member.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from service.config import Config
from service.db import Connection, new_id
from service.errors import BadInput, NotFound, NotNow
from service.partners import Partner, find


class SceneMissing(BadInput):
    """请至少选一项。"""

    code = "scene_missing"


class SceneNotOffered(NotNow):
    """这家合作方没有获准上报这种行为：{scene}"""

    code = "scene_not_offered"


class NoConsent(NotNow):
    """这位市民没有同意上报这次行为：没有同意过，或行为在同意之前、撤回之后开始。"""

    code = "no_consent"


class NewConsents(msgspec.Struct, forbid_unknown_fields=True):
    """Which acts (`scenes`: keys of actions) a partner may report of the caller."""

    partner_id: UUID
    scenes: Annotated[list[Annotated[str, msgspec.Meta(min_length=1, max_length=40)]], msgspec.Meta(max_length=50)]


class Consent(msgspec.Struct, frozen=True):
    """A consent of the caller's. Acts count that began since `given_at` and before `withdrawn_at`."""

    id: UUID
    partner_id: UUID
    partner: str
    scene: str
    given_at: datetime
    withdrawn_at: datetime | None


class ConsentsGiven(msgspec.Struct, frozen=True):
    """What the partner is to be told: `subject` is the caller's name for that partner alone."""

    subject: UUID
    consents: list[Consent]


class Asking(NamedTuple):
    """A partner that asks for consent: the organization behind it, and the scenes that it may report, by region."""

    partner: Partner
    organization: str
    scenes: dict[str, list[str]]


class Term(NamedTuple):
    """For how long somebody let a partner report."""

    member_id: UUID
    given_at: datetime
    withdrawn_at: datetime | None


def subject_of(config: Config, partner_id: UUID, member_id: UUID) -> UUID:
    """A member's name for one partner: a UUID (RFC 9562 version 8), derived, telling nothing."""
    mark = hmac.digest(config.key("partner subject"), partner_id.bytes + member_id.bytes, hashlib.sha256)
    return uuid8(mark)


def uuid8(digest: bytes) -> UUID:
    """The first 16 bytes of a digest as a UUID of version 8."""
    value = int.from_bytes(digest[:16])
    return UUID(int=value & ~(0xF000 << 64) & ~(0xC000 << 48) | 0x8000 << 64 | 0x8000 << 48)


async def asking(connection: Connection, partner_id: UUID) -> Asking:
    """Who asks for consent, and what it may report. Raises NotFound."""
    partner = await find(connection, partner_id)
    name = await connection.fetchval("SELECT name FROM organizations WHERE id = $1", partner.organization_id)
    rows = await connection.fetch(
        """
        SELECT action, array_agg(region ORDER BY region) AS regions FROM partner_scopes
        WHERE partner_id = $1 AND approved_at IS NOT NULL AND withdrawn_at IS NULL
        GROUP BY action ORDER BY action
        """,
        partner_id,
    )
    return Asking(partner, name, {row["action"]: list(row["regions"]) for row in rows})


def offered(found: Asking, scenes: Collection[str]) -> dict[str, list[str]]:
    """Those scenes of a partner's, each with its regions; all for none named. Raises SceneNotOffered."""
    wanted = list(dict.fromkeys(scenes)) or list(found.scenes)
    if unknown := next((each for each in wanted if each not in found.scenes), None):
        raise SceneNotOffered(scene=unknown[:40])
    return {each: found.scenes[each] for each in wanted}


async def give(
    connection: Connection, config: Config, member_id: UUID, new: NewConsents, now: datetime
) -> ConsentsGiven:
    """Consent; what was consented to before stays as it is. Raises NotFound, SceneMissing, SceneNotOffered."""
    if not new.scenes:
        raise SceneMissing
    scenes = sorted(offered(await asking(connection, new.partner_id), new.scenes))
    subject = subject_of(config, new.partner_id, member_id)
    await connection.execute(
        """
        INSERT INTO consents (id, partner_id, member_id, scene, subject, given_at)
        SELECT id, $3, $4, scene, $5, $6 FROM unnest($1::uuid[], $2::text[]) AS asked (id, scene)
        ON CONFLICT DO NOTHING
        """,
        [new_id() for _ in scenes],
        scenes,
        new.partner_id,
        member_id,
        subject,
        now,
    )
    mine = await of_member(connection, member_id)
    wanted = [each for each in mine if each.partner_id == new.partner_id and each.scene in scenes]
    return ConsentsGiven(subject, [each for each in wanted if each.withdrawn_at is None])


async def of_member(connection: Connection, member_id: UUID) -> list[Consent]:
    """A member's consents: those in force first, then the newest."""
    rows = await connection.fetch(
        """
        SELECT consents.id, partner_id, name AS partner, scene, given_at, withdrawn_at
        FROM consents JOIN partners ON partners.id = partner_id
        WHERE member_id = $1
        ORDER BY withdrawn_at IS NOT NULL, given_at DESC, scene
        """,
        member_id,
    )
    return [Consent(**row) for row in rows]


async def reporters(connection: Connection, action_id: UUID) -> list[str]:
    """Names of the partner that reported an act, or of those that may yet report it as its member consented."""
    rows = await connection.fetch(
        """
        SELECT partners.name FROM actions JOIN partners ON partners.id = actions.partner_id WHERE actions.id = $1
        UNION
        SELECT partners.name
        FROM actions JOIN consents ON consents.member_id = actions.member_id AND scene = action
                AND consents.withdrawn_at IS NULL AND given_at <= lower(period)
            JOIN partner_scopes AS scope ON scope.partner_id = consents.partner_id
                AND scope.region = actions.region AND scope.action = actions.action
                AND scope.approved_at IS NOT NULL AND scope.withdrawn_at IS NULL
            JOIN partners ON partners.id = consents.partner_id
        WHERE actions.id = $1 AND state = 'pending'
        ORDER BY name
        """,
        action_id,
    )
    return [row["name"] for row in rows]


async def withdraw(connection: Connection, member_id: UUID, consent_id: UUID, now: datetime) -> Consent:
    """Withdraw a consent of the member's; a second time changes nothing. Raises NotFound."""
    row = await connection.fetchrow(
        """
        UPDATE consents SET withdrawn_at = coalesce(withdrawn_at, greatest($3, given_at))
        FROM partners
        WHERE consents.id = $1 AND member_id = $2 AND partners.id = partner_id
        RETURNING consents.id, partner_id, name AS partner, scene, given_at, withdrawn_at
        """,
        consent_id,
        member_id,
        now,
    )
    if row is None:
        raise NotFound
    return Consent(**row)


async def terms(
    connection: Connection, partner_id: UUID, asked: Iterable[tuple[UUID, str]]
) -> dict[tuple[UUID, str], list[Term]]:
    """Who is behind subjects of a partner, and when each let it report a scene: by subject and scene."""
    pairs = list(set(asked))
    rows = await connection.fetch(
        """
        SELECT subject, scene, member_id, given_at, withdrawn_at
        FROM unnest($2::uuid[], $3::text[]) AS asked (subject, scene)
        JOIN consents USING (subject, scene)
        WHERE consents.partner_id = $1
        """,
        partner_id,
        [subject for subject, _ in pairs],
        [scene for _, scene in pairs],
    )
    found: dict[tuple[UUID, str], list[Term]] = {}
    for row in rows:
        term = Term(row["member_id"], row["given_at"], row["withdrawn_at"])
        found.setdefault((row["subject"], row["scene"]), []).append(term)
    return found


def owner_at(found: Iterable[Term], began_at: datetime) -> UUID | None:
    """Whose act it was, if the partner might report one that began then."""
    for each in found:
        if each.given_at <= began_at and (each.withdrawn_at is None or began_at < each.withdrawn_at):
            return each.member_id
    return None
