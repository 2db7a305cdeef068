"""Events that are offset: organizers of one place each, units to enter, and donors of some region's credits."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from service import donation_needs, event_files, ledger, offset_units, tallies
from service.access import Caller
from service.db import new_id, transaction
from service.donation_needs import Need
from service.donations import Donation, DonationRequest, donate_many
from service.errors import Refusal
from service.events import Event
from service.offset_units import NewOffer, NewRetirement, NewUnits
from service.units import Units
from tests.books import NOW, open_member
from tests.doors import open_event

TONNE_G = 1_000_000
CCER: dict[str, Any] = {
    "unit": "ccer",
    "registry": "CCER",
    "project": "红树林营造",
    "project_place": "460000",
    "vintage": 2025,
}


async def organized(pool: asyncpg.Pool, place: str) -> tuple[Event, Caller]:
    """An event in a place, and its organizer."""
    event = await open_event(pool, place)
    member = await pool.fetchval(
        "SELECT member_id FROM organization_members WHERE organization_id = $1", event.organization_id
    )
    return event, Caller(member, frozenset())


async def enter(pool: asyncpg.Pool, own: tuple[Event, Caller], serials: str, **said: Any) -> Units:
    """Enter units, committed."""
    async with transaction(pool) as connection:
        return await offset_units.enter(connection, own[1], own[0].id, NewUnits(**CCER | said, serials=serials), NOW)


async def offer(pool: asyncpg.Pool, event: Event, donor: tuple[Event, Caller], serials: str, **said: Any) -> Units:
    """Offer units of the organization that holds another event, committed."""
    new = NewOffer(organization_id=donor[0].organization_id, **CCER | said, serials=serials)
    async with transaction(pool) as connection:
        return await offset_units.offer(connection, donor[1], event.id, new, NOW)


async def retire(pool: asyncpg.Pool, own: tuple[Event, Caller], units: Units) -> Units:
    """Retire units on the event's first day, with a proof, committed."""
    async with transaction(pool) as connection:
        kept = event_files.Kept("application/pdf", b"%PDF-1.7")
        proof = await event_files.add(connection, own[1], own[0].id, "注销证明.pdf", "proof", kept, NOW)
        new = NewRetirement(retired_on=date(2026, 11, 20), reference="注销单 7", file_id=proof.id)
        return await offset_units.retire(connection, own[1], own[0].id, units.id, new, NOW)


async def citizen(pool: asyncpg.Pool, region: str, *grams: int, methodology: str = "sanjin") -> UUID:
    """A member who holds a region's credits, of a month each."""
    async with transaction(pool) as connection:
        member = await open_member(connection)
        classes = [ledger.CreditClass(region, methodology, "2022", date(2026, n + 1, 1)) for n in range(len(grams))]
        ids = await ledger.class_ids(connection, classes)
        issued = [
            ledger.Transfer(new_id(), ledger.ISSUANCE, member, ids[each], g, "issue")
            for each, g in zip(classes, grams, strict=True)
        ]
        await ledger.post_many(connection, issued)
    return member


async def give(pool: asyncpg.Pool, member: UUID, event: Event, grams: int) -> Donation | Refusal:
    """Donate, committed."""
    async with transaction(pool) as connection:
        return (await donate_many(connection, [DonationRequest(new_id(), member, event.id, grams)]))[0]


async def fold(pool: asyncpg.Pool, event: Event) -> None:
    """Fold all there is."""
    while True:
        async with transaction(pool) as connection:
            if not await tallies.fold(connection, event.id):
                return


async def publish(pool: asyncpg.Pool, own: tuple[Event, Caller], estimate_g: int, surplus: str = "keep") -> None:
    """Publish a plan with that estimate, as far as offsets are concerned."""
    event, caller = own
    async with transaction(pool) as connection:
        number = 1 + await connection.fetchval("SELECT count(*) FROM neutrality_plans WHERE event_id = $1", event.id)
        await connection.execute(
            "INSERT INTO neutrality_plans (event_id, number, content, made_by, made_at) VALUES ($1, $2, '{}', $3, $4)",
            event.id,
            number,
            caller.member,
            NOW,
        )
        await connection.execute(
            """
            INSERT INTO plan_publications (event_id, number, surplus, estimate_g, published_by, published_at)
            VALUES ($1, $2, $3, $4, $5, clock_timestamp())
            """,
            event.id,
            number,
            surplus,
            estimate_g,
            caller.member,
        )
        await donation_needs.reckon(connection, event.id)


async def submitted(pool: asyncpg.Pool, own: tuple[Event, Caller], grams: int, at: datetime = NOW) -> Need:
    """An inventory of so many grams, as far as offsets are concerned: its newest version, basic and full alike."""
    event, caller = own
    async with transaction(pool) as connection:
        await connection.execute(
            """
            INSERT INTO accountings (event_id, gwp_set, packs, opened_at) VALUES ($1, 'AR5', ARRAY[sha256('{}')], $2)
            ON CONFLICT DO NOTHING
            """,
            event.id,
            at,
        )
        number = await connection.fetchval("SELECT count(*) FROM inventories WHERE event_id = $1", event.id)
        await connection.execute(
            """
            INSERT INTO inventories (
                event_id, number, content, digest, full_g, basic_g, reported_g, replaces, because, made_by, made_at
            )
            VALUES ($1, $2, '{}', sha256('{}'), $3, $3, $3, $4, $5, $6, $7)
            """,
            event.id,
            number + 1,
            grams,
            number or None,
            "补记" if number else None,
            caller.member,
            at,
        )
        return await donation_needs.reckon(connection, event.id)
