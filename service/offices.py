"""The offices of the place whose rule an event is under: who may issue, and who may withdraw what others issued."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from scenarios.meeting.rule_terms import OfficeKey, RulePack
from service import events, governing_rules, organizations
from service.access import Caller, Role
from service.db import Connection
from service.errors import NotAllowed

REVOKING: tuple[OfficeKey, ...] = ("revokes", "inspects")
"""Who may withdraw for the place: the first of these that its text names; where it names neither, who `revokes`."""


async def rule_of(connection: Connection, event_id: UUID, now: datetime) -> RulePack | None:
    """The rule that governs an event. Raises NotFound."""
    event = await events.find(connection, event_id)
    return (await governing_rules.of_event(connection, event, now)).rule


async def require_office(
    connection: Connection, caller: Caller, event_id: UUID, rule: RulePack | None, office: OfficeKey
) -> None:
    """Go on only for one who holds that office of the place whose rule it is: no other place's office counts.

    Raises NotFound for one who has nothing to do with the event, NotAllowed.
    """
    await organizations.require(connection, caller, event_id, Role.AUTHORITY)
    holds = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM authority_members WHERE member_id = $1 AND region = $2 AND $3 = ANY (offices))
        """,
        caller.member,
        rule and rule.region,
        office,
    )
    if not holds:
        raise NotAllowed


def revoking_office(rule: RulePack | None) -> OfficeKey:
    """The office that withdraws what others gave."""
    return next((each for each in REVOKING if rule and rule.office(each)), "revokes")
