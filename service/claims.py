"""Claiming what an anonymous check-in earned, with its receipt's key, into an account: once."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from service import codes, ledger
from service.config import Config
from service.db import Connection
from service.errors import Conflict, NotFound, NotNow
from service.receipts import Receipt, receipts_of


class ClaimedByAnother(Conflict):
    """这张回执的减排量已经被领取。"""

    code = "already_claimed"


class ClaimedToday(Conflict):
    """同一账户每个活动每天只能领取一次。"""

    code = "already_claimed_today"


class NothingToClaim(NotNow):
    """这次报到没有可以领取的减排量。"""

    code = "nothing_to_claim"


async def claim(
    connection: Connection, config: Config, check_in_id: UUID, receipt_key: str, member_id: UUID
) -> Receipt:
    """Issue what the check-in earned to the member; claimed again by the same member, the receipt as it is.

    Raises NotFound for a wrong key, NothingToClaim, ClaimedByAnother, ClaimedToday.
    """
    if not codes.check_receipt_key(config, check_in_id, receipt_key):
        raise NotFound
    row = await connection.fetchrow(
        """
        SELECT credit_class, reduction_g, credited_to, ended_at FROM check_ins WHERE id = $1 FOR UPDATE
        """,
        check_in_id,
    )
    if row is None:
        raise NotFound
    if row["credited_to"] not in (None, member_id):
        raise ClaimedByAnother
    if row["reduction_g"] is None or row["ended_at"]:
        raise NothingToClaim
    if row["credited_to"] is None:
        await credit(connection, check_in_id, member_id, row["credit_class"], row["reduction_g"])
    return (await receipts_of(connection, [check_in_id]))[check_in_id]


async def credit(connection: Connection, check_in_id: UUID, member_id: UUID, class_id: int, grams: int) -> None:
    """Mark a held check-in as the member's and issue its grams. Raises ClaimedToday."""
    await ledger.lock_accounts(connection, [member_id])
    try:
        async with connection.transaction():
            await connection.execute("UPDATE check_ins SET credited_to = $2 WHERE id = $1", check_in_id, member_id)
    except asyncpg.UniqueViolationError:
        raise ClaimedToday from None
    issue = ledger.Transfer(check_in_id, ledger.ISSUANCE, member_id, class_id, grams, "issue")
    await ledger.post_many(connection, [issue])
