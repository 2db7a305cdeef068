"""What an event was given beyond its need, or can use no more, goes back to its donors.

Beyond the need: of an event that is neutral, all that it has not retired and that was given when its plan announced
that surplus is returned. No more use: whatever its rule takes no more, at any time. Retirements took an event's
donations of a class first in, first out, so that of each class the newest go back. In bounded sets, each whole in a
transaction of its own; each row of a donation goes back once.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from service import donation_needs, ledger, offset_state
from service.db import Connection, encode_json, new_id
from service.refunds import Owed, give_back, still_owed


async def waiting(connection: Connection) -> list[UUID]:
    """Events of which something may have to go back."""
    rows = await connection.fetch("SELECT event_id FROM donation_needs WHERE return_due ORDER BY event_id")
    return [row["event_id"] for row in rows]


async def return_some(connection: Connection, event_id: UUID, now: datetime, limit: int = 2_000) -> int:
    """Give back up to so many donations; return how many, 0 when there are none left or another is at it."""
    if not await take(connection, event_id):
        return 0
    if not await is_reckoned(connection, event_id):
        await donation_needs.reckon(connection, event_id, now)
    surplus = (await offset_state.of_event(connection, event_id, now)).neutral
    owed = await still_owed(connection, event_id, limit, everything=False, surplus=surplus)
    if not owed:
        await finish(connection, event_id)
        return 0
    await ledger.lock_accounts(connection, {each.member_id for each in owed})
    await connection.execute("SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE", event_id)
    if await still_owed(connection, event_id, limit, everything=False, surplus=surplus) != owed:
        return len(owed)  # something was retired meanwhile: all is looked at anew
    await tell(connection, event_id, owed, now)
    return await give_back(connection, event_id, owed)


async def take(connection: Connection, event_id: UUID) -> bool:
    """Be the only one to return an event's surplus until the transaction ends; False while another is, or none is due.

    No row is locked: who retires holds the event's account and then reckons, and would wait for us as we for them.
    """
    return bool(
        await connection.fetchval(
            """
            SELECT pg_try_advisory_xact_lock(hashtextextended($1::uuid::text, 9))
                AND EXISTS (SELECT FROM donation_needs WHERE event_id = $1 AND return_due)
            """,
            event_id,
        )
    )


async def is_reckoned(connection: Connection, event_id: UUID) -> bool:
    """False for an event from before events' needs were reckoned."""
    return bool(
        await connection.fetchval("SELECT reckoned_at > 'epoch' FROM donation_needs WHERE event_id = $1", event_id)
    )


async def finish(connection: Connection, event_id: UUID) -> None:
    """Nothing is left, nor comes any more: whoever gave when the need was reckoned has done so within a minute."""
    await connection.execute(
        """
        UPDATE donation_needs SET return_due = false
        WHERE event_id = $1 AND reckoned_at < clock_timestamp() - interval '1 minute'
            AND NOT EXISTS (SELECT FROM tally_changes WHERE tally_changes.event_id = $1)
        """,
        event_id,
    )


async def tell(connection: Connection, event_id: UUID, owed: list[Owed], now: datetime) -> None:
    """Tell the event's people what went back, once a set."""
    about = {"donations": len({each.donation_id for each in owed}), "grams": sum(each.grams for each in owed)}
    await connection.execute(
        """
        INSERT INTO event_notices (id, event_id, kind, key, about, made_at)
        VALUES ($1, $2, 'credits_returned', $3, $4, $5) ON CONFLICT DO NOTHING
        """,
        new_id(),
        event_id,
        str(owed[0].donation_id),
        encode_json(about),
        now,
    )
