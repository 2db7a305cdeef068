"""Appeals: a refused act is looked at again, once, by another reviewer, whose decision is final.

What was credited is final too: credits once issued are never taken back, so only a refusal can be appealed.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from scenarios.actions.methodologies import methodology_for
from scenarios.actions.reductions import Reduction, reduction_of, under_caps
from scenarios.policies.operator import policy
from service.action_rows import Month, told_already
from service.db import Connection, encode_json
from service.errors import Conflict, NotFound, NotNow
from service.reviews import Because, Outcome, hold, outcome

read_reduction = msgspec.json.Decoder(Reduction).decode


class NewAppeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a refused act should be looked at again."""

    because: Because


class NothingToAppeal(NotNow):
    """只有审核未通过的行为可以申诉。"""

    code = "nothing_to_appeal"


class AlreadyAppealed(Conflict):
    """已经申诉过一次，不能再申诉。"""

    code = "already_appealed"


class AppealTooLate(NotNow):
    """申诉期已过：须在审核后 {days} 天内提出。"""

    code = "appeal_too_late"


class AppealOvertaken(Conflict):
    """这段时间里已经有了另一次同类行为的记录，不能再申诉。"""

    code = "appeal_overtaken"


async def appeal(connection: Connection, member_id: UUID, action_id: UUID, new: NewAppeal, now: datetime) -> Outcome:
    """Ask that a refused act of one's own be looked at again, by somebody else: once, and in time.

    Raises NotFound, AlreadyAppealed, NothingToAppeal, AppealTooLate and AppealOvertaken.
    """
    act = await hold(connection, member_id, action_id)
    if act["erased"]:
        raise NotFound
    found = await outcome(connection, action_id, now)
    if found.appeal:
        raise AlreadyAppealed
    if found.state != "refused" or not found.reviews:
        raise NothingToAppeal
    if found.appeal_by is None:
        raise AppealTooLate(days=policy().appeal_within_days)
    await connection.execute(
        "INSERT INTO action_appeals (action_id, because, appealed_at) VALUES ($1, $2, $3)",
        action_id,
        new.because.strip(),
        now,
    )
    await reopen(connection, member_id, action_id)
    return await outcome(connection, action_id, now)


async def reopen(connection: Connection, member_id: UUID, action_id: UUID) -> None:
    """Put a refused act back among those that wait, with what is at stake now. Raises AppealOvertaken."""
    at_stake = await recount(connection, member_id, action_id)
    try:
        async with connection.transaction():
            await connection.execute(
                """
                UPDATE actions SET state = 'in_review', settled_at = NULL, counted = $2, reduction_g = $3, trace = $4
                WHERE id = $1
                """,
                action_id,
                at_stake.counted,
                at_stake.reduction_g,
                encode_json(at_stake),
            )
    except asyncpg.ExclusionViolationError:  # same_act_once: the time that the refusal set free was taken
        raise AppealOvertaken from None


async def recount(connection: Connection, member_id: UUID, action_id: UUID) -> Reduction:
    """What a refused act comes to beside what was told since: the refusal had left its part of the caps to others."""
    row = await connection.fetchrow("SELECT occurred_on, evidence, trace FROM actions WHERE id = $1", action_id)
    told = read_reduction(row["trace"])
    methodology = methodology_for(told.region, told.action, row["occurred_on"])
    kind, month = methodology.action(told.action), Month(member_id, told.action, row["occurred_on"])
    others = (await told_already(connection, [month]))[month]
    counted_then = told.quantity if told.counted is None else told.counted
    now = under_caps(kind, counted_then, others.counted, others.counted_in_month)
    capped_by = now.capped_by or told.capped_by
    return reduction_of(methodology, kind, told.quantity, row["evidence"], told.region, now.quantity, capped_by)
