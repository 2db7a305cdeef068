"""Review: a person decides what an act is worth that a rule, or its methodology, would not credit unseen.

Whoever decides, appeals or reports an act holds its member's account first, so that of two at once one comes second
and finds what the other did.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from scenarios.policies.operator import policy
from service import ledger
from service.action_settling import settle
from service.db import Connection
from service.errors import Conflict, NotAllowed, NotFound, NotNow
from service.inputs import LINE
from service.reviewers import regions_reviewed

Decision = Literal["proven", "self_declared", "refused"]
Round = Literal[1, 2]
Because = Annotated[str, Meta(min_length=1, max_length=500, pattern=LINE)]


class NewReview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an act is worth, and why: words that the citizen reads. `round` is 2 for the decision on an appeal."""

    decision: Decision
    because: Because
    round: Round = 1


class Review(msgspec.Struct, frozen=True):
    """A decision, without who made it. The second is the one on appeal, and final."""

    round: Round
    decision: Decision
    because: str
    decided_at: datetime


class Appeal(msgspec.Struct, frozen=True):
    """What the citizen said against the first decision."""

    because: str
    appealed_at: datetime


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an act's review so far. `appeal_by` is until when its citizen may appeal, where that is possible."""

    action_id: UUID
    state: str
    held_because: str | None
    reviews: list[Review]
    appeal: Appeal | None
    appeal_by: datetime | None


class AlreadyReviewed(Conflict):
    """这次行为已经审核过了。"""

    code = "already_reviewed"


class NotInReview(Conflict):
    """这次行为不在等待审核：它已由更好的记录取代，或不再需要审核。"""

    code = "not_in_review"


class OwnAct(NotAllowed):
    """不能审核自己的行为。"""

    code = "own_act"


class SameReviewer(NotAllowed):
    """申诉须由另一位审核人决定。"""

    code = "same_reviewer"


class NothingProves(NotNow):
    """没有照片等凭证，不能按有凭证计入。"""

    code = "nothing_proves"


async def decide(connection: Connection, reviewer: UUID, action_id: UUID, new: NewReview, now: datetime) -> Outcome:
    """Decide what a waiting act of the reviewer's region is worth, and settle it.

    Raises NotFound, OwnAct, AlreadyReviewed, NotInReview, SameReviewer and NothingProves.
    """
    act = await hold(connection, await require_reviewer(connection, reviewer, action_id), action_id)
    before = await reviews_of(connection, action_id)
    require_undecided(act, before, new.round)
    if act["member_id"] == reviewer:
        raise OwnAct
    if any(row["decided_by"] == reviewer for row in before):
        raise SameReviewer
    if new.decision == "proven" and act["evidence"] != "proven" and not act["has_photo"]:
        raise NothingProves
    await connection.execute(
        """
        INSERT INTO action_reviews (action_id, round, decision, because, decided_by, decided_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        action_id,
        new.round,
        new.decision,
        new.because.strip(),
        reviewer,
        now,
    )
    await settle(connection, {action_id: None if new.decision == "refused" else new.decision}, now)
    return await outcome(connection, action_id, now)


def require_undecided(act: asyncpg.Record, before: Sequence[asyncpg.Record], round_: int) -> None:
    """Go on only when it is this round's turn. Raises AlreadyReviewed and NotInReview."""
    if len(before) >= round_:
        raise AlreadyReviewed
    if act["state"] != "in_review" or len(before) + 1 != round_:
        raise NotInReview


async def require_reviewer(connection: Connection, reviewer: UUID, action_id: UUID) -> UUID:
    """Go on for a reviewer of the act's region; whose act it is. Raises NotFound, so that nothing is revealed.

    Only acts that wait, or were reviewed, are a reviewer's to see.
    """
    member_id: UUID | None = await connection.fetchval(
        """
        SELECT member_id FROM actions
        WHERE id = $1 AND region LIKE ANY ($2::text[])
            AND (state = 'in_review' OR held_because IS NOT NULL
                OR EXISTS (SELECT FROM action_reviews WHERE action_id = actions.id))
        """,
        action_id,
        await regions_reviewed(connection, reviewer),
    )
    if member_id is None:
        raise NotFound
    return member_id


async def hold(connection: Connection, member_id: UUID, action_id: UUID) -> asyncpg.Record:
    """A member's act as it is once nobody else changes it, account first. Raises NotFound when it is not theirs."""
    await ledger.lock_accounts(connection, [member_id])
    row = await connection.fetchrow(
        """
        SELECT actions.member_id, state, evidence, erased_at IS NOT NULL AS erased,
            EXISTS (SELECT FROM action_evidence WHERE action_id = actions.id) AS has_photo
        FROM actions JOIN members ON members.id = actions.member_id
        WHERE actions.id = $1 AND actions.member_id = $2
        """,
        action_id,
        member_id,
    )
    if row is None:
        raise NotFound
    return row


async def reviews_of(connection: Connection, action_id: UUID) -> list[asyncpg.Record]:
    """Decisions on an act, the first first."""
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        SELECT round, decision, because, decided_by, decided_at FROM action_reviews WHERE action_id = $1 ORDER BY round
        """,
        action_id,
    )
    return rows


async def outcome_for(connection: Connection, caller_id: UUID, action_id: UUID, now: datetime) -> Outcome:
    """What came of an act's review, for its citizen and for reviewers of its region. Raises NotFound."""
    owner = await connection.fetchval("SELECT member_id FROM actions WHERE id = $1", action_id)
    if owner is None or owner != caller_id:
        await require_reviewer(connection, caller_id, action_id)
    return await outcome(connection, action_id, now)


async def outcome(connection: Connection, action_id: UUID, now: datetime) -> Outcome:
    """What came of an act's review. The act must be there."""
    act = await connection.fetchrow(
        """
        SELECT state, held_because, because, appealed_at
        FROM actions LEFT JOIN action_appeals ON action_id = actions.id WHERE actions.id = $1
        """,
        action_id,
    )
    reviews = [
        Review(row["round"], row["decision"], row["because"], row["decided_at"])
        for row in await reviews_of(connection, action_id)
    ]
    said = Appeal(act["because"], act["appealed_at"]) if act["because"] else None
    may = act["state"] == "refused" and len(reviews) == 1 and said is None
    until = reviews[0].decided_at + timedelta(days=policy().appeal_within_days) if may else None
    return Outcome(
        action_id=action_id,
        state=act["state"],
        held_because=act["held_because"],
        reviews=reviews,
        appeal=said,
        appeal_by=until if until and now <= until else None,
    )
