"""Transfers of every shape, and a log that holds them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

from service import ledger, merkle, transfer_log
from service.access import Caller, Role
from service.checkpoints import public_key, read_checkpoint, read_key
from service.config import Config
from service.db import Connection, new_id, transaction
from service.donations import Donation, DonationRequest, donate_many
from service.ledger import Transfer
from service.log_bundles import Bundle
from service.merkle import Node
from service.retirements import NewRetirement, retire_own
from service.sessions import access_token
from tests.books import CLASSES, open_member
from tests.people import Headers
from tests.tallied import Hall, open_hall

JUNE = date(2026, 6, 1)


def citizen(member_id: UUID) -> Caller:
    """A member who asks for their own."""
    return Caller(member_id, frozenset({Role.PUBLIC, Role.CITIZEN}))


def headers(config: Config, member_id: UUID) -> Headers:
    """What a member's app sends."""
    token = access_token(config, member_id, frozenset({Role.PUBLIC, Role.CITIZEN}), datetime.now(UTC))
    return {"Authorization": f"Bearer {token}"}


async def seal_all(pool: asyncpg.Pool, config: Config, limit: int = 1_000) -> int:
    """Seal until nothing waits; return how many."""
    sealed = 0
    while True:
        async with transaction(pool) as connection:
            taken = await transfer_log.seal(connection, config, limit)
        if not taken:
            return sealed
        sealed += taken


async def proof(pool: asyncpg.Pool, config: Config, member: UUID, transfer: UUID, since: int | None = None) -> Bundle:
    """What a member keeps of their transfer."""
    async with pool.acquire() as connection:
        return await transfer_log.inclusion(connection, config, citizen(member), transfer, since)


async def issue_once(connection: Connection, member_id: UUID, grams: int, event_id: UUID | None = None) -> UUID:
    """Issue grams of June, or of travel to an event; return the transfer's id."""
    credit_class = ledger.CreditClass("140000", "三晋绿色生活 — 骑行", "2026-1", JUNE, event_id)
    class_id = (await ledger.class_ids(connection, [credit_class]))[credit_class]
    transfer = Transfer(new_id(), ledger.ISSUANCE, member_id, class_id, grams, "issue")
    await ledger.lock_accounts(connection, [member_id])
    await ledger.post_many(connection, [transfer])
    return transfer.id


async def june(connection: Connection) -> int:
    """The class of what `issue_once` issues."""
    credit_class = ledger.CreditClass("140000", "三晋绿色生活 — 骑行", "2026-1", JUNE)
    return (await ledger.class_ids(connection, [credit_class]))[credit_class]


async def retire(connection: Connection, member_id: UUID, grams: int) -> UUID:
    """Retire a member's grams, the oldest class first."""
    new = NewRetirement(grams=grams, beneficiary="李雷", purpose="个人碳足迹")
    return (await retire_own(connection, new_id(), member_id, new)).retirement_id


async def donate(pool: asyncpg.Pool, member_id: UUID, event_id: UUID, grams: int) -> UUID:
    """Give to an event; return the donation's id."""
    async with transaction(pool) as connection:
        (given,) = await donate_many(connection, [DonationRequest(new_id(), member_id, event_id, grams)])
    assert isinstance(given, Donation)
    return given.donation_id


async def some_of_every_shape(pool: asyncpg.Pool) -> tuple[UUID, Hall, list[UUID]]:
    """A member and an event with an issuance, one by travelling, a donation of several classes, a reversal and a
    retirement. Returns the member, the event, and the transfers' ids."""
    async with transaction(pool) as connection:
        member, event = await open_member(connection), await open_hall(connection)
        ids = [await issue_once(connection, member, 500), await issue_once(connection, member, 80, event.id)]
        reversed_id = await issue_once(connection, member, 30)
        classes = list((await ledger.class_ids(connection, CLASSES[:2])).values())
        several = [Transfer(new_id(), ledger.ISSUANCE, member, each, 10, "issue") for each in classes]
        await ledger.post_many(connection, several)
        retired, reversal = await retire(connection, member, 44), new_id()
        await ledger.reverse(connection, reversed_id, reversal)
    given = await donate(pool, member, event.id, 460)
    return member, event, [*ids, reversed_id, *(each.id for each in several), retired, reversal, given]


async def check_log(connection: Connection, config: Config) -> int:
    """Hold the whole log against the transfers, the definition of a tree, and the running sums; return its size."""
    rows = await connection.fetch(
        """
        SELECT position, sealed.leaf, computed.leaf AS expected, sealed.class_id, first_serial, next_serial, grams,
               reason, computed.class_id AS of_class
        FROM sealed_transfers AS sealed LEFT JOIN transfer_leaves AS computed
            ON computed.id = transfer_id AND computed.ordinal = sealed.ordinal
        ORDER BY position
        """
    )
    assert [row["position"] for row in rows] == list(range(len(rows)))
    assert all(row["leaf"] == row["expected"] for row in rows)
    up_to: dict[int, int] = {}
    for row in rows:
        if row["reason"] == "issue":
            first = up_to.get(row["of_class"], 1)
            up_to[row["of_class"]] = first + row["grams"]
            assert (row["class_id"], row["first_serial"]) == (row["of_class"], first)
            assert row["next_serial"] == first + row["grams"]
        else:
            assert row["class_id"] is row["first_serial"] is row["next_serial"] is None
    leaves = [row["leaf"] for row in rows]
    nodes = {Node(level, at): digest for level, at, digest in merkle.grow(0, [], leaves).nodes}
    stored = await connection.fetch("SELECT level, position, digest FROM log_nodes")
    assert {Node(row["level"], row["position"]): row["digest"] for row in stored} == nodes
    for row in await connection.fetch("SELECT size, root, note FROM log_checkpoints"):
        assert row["root"] == merkle.root_of(leaves[: row["size"]])
        assert read_checkpoint(row["note"], read_key(public_key(config))) == (row["size"], row["root"])
    return len(rows)


async def checked(pool: asyncpg.Pool, config: Config) -> int:
    """The size of a log that holds every transfer, and is right."""
    async with pool.acquire() as connection:
        size = await check_log(connection, config)
        assert size == await connection.fetchval("SELECT count(*) FROM transfers")
        assert await connection.fetchval("SELECT count(*) FROM unsealed_transfers") == 0
    return size


async def older(pool: asyncpg.Pool, config: Config, size: int) -> Bundle:
    """A checkpoint as someone kept it."""
    async with pool.acquire() as connection:
        kept = await transfer_log.published(connection, size)
    return Bundle(key=public_key(config), checkpoint=kept.note)
