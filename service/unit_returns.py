"""Units of other registries that an event's rule takes no more go back to whoever gave them; those retired stay so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from service.db import Connection
from service.unit_holdings import Held

BECAUSE = "本地规则不再接受"


async def return_barred(connection: Connection, event_id: UUID, barred: Iterable[Held], now: datetime) -> None:
    """Return what is held and decline what is offered; the event's people are told."""
    going = [each.unit_id for each in barred if each.unit_id is not None and not each.retired_g]
    if not going:
        return
    await connection.execute(
        """
        WITH gone AS (
            UPDATE offset_units SET state = CASE state WHEN 'held' THEN 'returned' ELSE 'declined' END, because = $4,
                returned_at = CASE state WHEN 'held' THEN $3::timestamptz END,
                decided_at = CASE state WHEN 'held' THEN decided_at ELSE $3 END
            WHERE event_id = $1 AND id = ANY ($2::uuid[]) RETURNING id, class, grams
        )
        INSERT INTO event_notices (id, event_id, kind, key, about, made_at)
        SELECT gen_random_uuid(), $1, 'units_returned', id::text,
            jsonb_build_object('class', class, 'grams', grams, 'because', $4::text), $3 FROM gone
        ON CONFLICT DO NOTHING
        """,
        event_id,
        going,
        now,
        BECAUSE,
    )
