"""Whose citizens' credits an event takes: written when it is made, and whenever its rule changes."""

from __future__ import annotations

from uuid import UUID

from scenarios.meeting.citizens_credits import Taken
from service.db import Connection


async def write(connection: Connection, event_id: UUID, taken: Taken) -> None:
    """Let the event take these, from now on."""
    await connection.execute(
        """
        INSERT INTO donation_needs (event_id, regions, recognized, reckoned_at) VALUES ($1, $2, $3, now())
        ON CONFLICT (event_id) DO UPDATE SET regions = excluded.regions, recognized = excluded.recognized
        """,
        event_id,
        taken.regions,
        taken.recognized,
    )
