"""The audit: silent while all is well, and whatever is planted in the books is named by the invariant it breaks."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from click.testing import CliRunner

from service import ledger
from service.audits import find_faults
from service.cli import main
from service.config import Config
from service.db import Connection
from tests.books import rich_member
from tests.ledger_day import live_through, meddle, tell_of_walks

WITHOUT_REFERENCES = """
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT conrelid::regclass AS referring, conname FROM pg_constraint WHERE contype = 'f' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', each.referring, each.conname);
    END LOOP;
END
$$
"""
TRIGGERS = """
DO $$
DECLARE
    guarded regclass;
BEGIN
    FOR guarded IN SELECT DISTINCT tgrelid FROM pg_trigger WHERE NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', guarded);
    END LOOP;
END
$$
"""
NO_TRIGGERS = TRIGGERS.replace("ENABLE", "DISABLE")

REASONS = {"issue", "donate", "retire", "expire", "reverse", "refund", "reserve", "post", "void", "lapse"}

FAULTS = {
    "a gift to nobody": (
        1,
        "a donate from member to nowhere",
        "UPDATE transfers SET destination = gen_random_uuid() WHERE reason = 'donate'",
    ),
    "a transfer of no class": (1, "of class none", "UPDATE transfers SET class_id = 999 WHERE reason = 'donate'"),
    "a gift to another member": (
        1,
        "a donate from member to member",
        """
        UPDATE transfers SET destination = (SELECT max(member_id::text)::uuid FROM donations WHERE member_id <> source)
        WHERE reason = 'donate'
        """,
    ),
    "half a donation": (
        1,
        "of 150 g, 100 g moved",
        "DELETE FROM transfers WHERE reason = 'donate' AND ordinal = 1",
    ),
    "a donation refused and made": (
        1,
        "donation",
        "UPDATE donations SET refusal = 'overdraft', held_g = 0 WHERE refusal IS NULL",
    ),
    "a gift without donation": (1, "transfer", "DELETE FROM donations"),
    "half a retirement": (1, "retirement", "UPDATE retirements SET grams = grams * 2"),
    "more reserved than set aside": (1, "reservation", "UPDATE reservations SET grams = grams + 1"),
    "more posted than moved": (1, "ending", "UPDATE reservation_endings SET posted_g = 161 WHERE posted_g = 160"),
    "journal that can be rewritten": (
        2,
        "trigger append_only of table transfers",
        "ALTER TABLE transfers DISABLE TRIGGER append_only",
    ),
    "blocks that can be rewritten": (
        2,
        "trigger append_only of table serial_blocks",
        "DROP TRIGGER append_only ON serial_blocks",
    ),
    "a journal that only refuses deletion": (
        2,
        "trigger append_only of table transfers",
        """
        DROP TRIGGER append_only ON transfers;
        CREATE TRIGGER append_only BEFORE DELETE ON transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """,
    ),
    "transfers nobody looks at": (
        2,
        "trigger apply_transfers",
        "ALTER TABLE transfers ENABLE REPLICA TRIGGER apply_transfers",
    ),
    "a transfer gone": (2, "gone since it was sealed", "DELETE FROM transfers WHERE reason = 'expire'"),
    "a transfer changed": (
        3,
        "not as it was sealed",
        "UPDATE transfers SET made_at = made_at + interval '1 microsecond'",
    ),
    "a class renamed": (3, "not as it was sealed", "UPDATE credit_classes SET version = '2025'"),
    "a transfer never sealed": (
        3,
        "neither sealed nor waiting",
        "DELETE FROM sealed_transfers WHERE position = 0",
    ),
    "a place left empty": (3, "log: ", "UPDATE sealed_transfers SET position = 1000 WHERE position = 3"),
    "a leaf changed": (3, "log node", "UPDATE sealed_transfers SET leaf = sha256('') WHERE position = 0"),
    "a node changed": (3, "log node", "UPDATE log_nodes SET digest = sha256('') WHERE level = 2"),
    "a node gone": (3, "log node 0 at level 1", "DELETE FROM log_nodes WHERE (level, position) = (1, 0)"),
    "another root signed": (3, "the root signed", "UPDATE log_checkpoints SET root = sha256('')"),
    "an old tree with new leaves": (
        3,
        "log node",
        """
        UPDATE transfers SET grams = grams + 1 WHERE reason = 'issue';
        UPDATE sealed_transfers SET leaf = written.leaf
        FROM transfer_leaves AS written WHERE (id, written.ordinal) = (transfer_id, sealed_transfers.ordinal)
        """,
    ),
    "grams from nothing": (7, "does not add up", "UPDATE balances SET grams = grams + 1 WHERE grams > 0"),
    "an account overdrawn": (
        7,
        "overdrawn by",
        """
        UPDATE transfers SET grams = grams + 10000 WHERE reason = 'expire';
        ALTER TABLE balances DROP CONSTRAINT no_overdraft;
        UPDATE balances SET grams = balances.grams - 10000 FROM transfers
        WHERE reason = 'expire' AND (source, transfers.class_id) = (account_id, balances.class_id)
        """,
    ),
    "a balance changed": (8, "by its balance", "UPDATE balances SET grams = grams + 1 WHERE grams > 0"),
    "balances lost": (8, "0 g of class", "DELETE FROM balances"),
    "a balance of nothing": (
        8,
        "0 g by the journal",
        "INSERT INTO balances SELECT gen_random_uuid(), max(id), 5 FROM credit_classes",
    ),
    "grams with fractions": (
        10,
        "retirements.grams is numeric",
        "DROP VIEW event_trail; ALTER TABLE retirements ALTER grams TYPE numeric(20, 3)",
    ),
    "more issued than earned": (
        10,
        "earned",
        "UPDATE check_ins SET reduction_g = reduction_g - 1 WHERE credited_to IS NOT NULL",
    ),
    "earned and never issued": (
        10,
        "issued  g",
        """
        DELETE FROM transfers WHERE reason = 'issue' AND id IN (SELECT id FROM check_ins WHERE ended_at IS NULL)
        """,
    ),
    "issued to another": (
        10,
        "earned",
        """
        UPDATE transfers SET destination = (SELECT max(id::text)::uuid FROM members WHERE id <> destination)
        WHERE reason = 'issue' AND id IN (SELECT id FROM check_ins)
        """,
    ),
    "a refund in another class": (
        11,
        "refers to",
        "UPDATE transfers SET class_id = (SELECT max(id) FROM credit_classes) WHERE reason = 'refund'",
    ),
    "a block of another class": (
        11,
        "block of transfer",
        """
        ALTER TABLE serial_blocks DROP CONSTRAINT no_overlap;
        UPDATE serial_blocks SET class_id = (SELECT max(id) FROM credit_classes), next_serial = next_serial + 9999,
            first_serial = first_serial + 9999
        """,
    ),
    "the same reduction twice": (
        11,
        "earned by travelling to the event",
        """
        UPDATE credit_classes SET event_id = (SELECT max(id::text)::uuid FROM events)
        WHERE id IN (SELECT class_id FROM transfers WHERE reason = 'donate')
        """,
    ),
    "the same reduction twice, retired": (
        11,
        "earned by travelling to the event",
        """
        UPDATE retirements SET event_id = credit_classes.event_id
        FROM credit_classes WHERE credit_classes.event_id IS NOT NULL AND retirements.event_id IS NULL;
        UPDATE transfers SET class_id = (SELECT id FROM credit_classes WHERE event_id IS NOT NULL)
        WHERE reason = 'retire' AND source IN (SELECT id FROM members)
        """,
    ),
    "a reversal of less": (12, "does not fit", "UPDATE transfers SET grams = grams - 1 WHERE reason = 'reverse'"),
    "a refund of more": (12, "does not fit", "UPDATE transfers SET grams = 101 WHERE reason = 'refund'"),
    "a refund of a reservation": (
        12,
        "does not fit",
        """
        UPDATE transfers SET (refers_to, ordinal) = (
            SELECT id, 0 FROM reservations WHERE id NOT IN (SELECT reservation_id FROM reservation_endings)
        )
        WHERE reason = 'refund'
        """,
    ),
    "a reversal of a reversal": (
        12,
        "does not fit",
        """
        INSERT INTO transfers (id, ordinal, source, destination, class_id, grams, reason, refers_to)
        SELECT gen_random_uuid(), ordinal, destination, source, class_id, grams, 'reverse', id
        FROM transfers WHERE reason = 'reverse'
        """,
    ),
    "a second reversal": (
        12,
        "ended 2 times",
        """
        DROP INDEX one_ending_a_transfer;
        INSERT INTO transfers (id, ordinal, source, destination, class_id, grams, reason, refers_to)
        SELECT gen_random_uuid(), ordinal, source, destination, class_id, grams, reason, refers_to
        FROM transfers WHERE reason = 'reverse'
        """,
    ),
    "taken back and kept": (
        12,
        "taken back is t",
        "UPDATE check_ins SET ended_at = now(), ended_because = 'undone' WHERE credited_to IS NOT NULL",
    ),
    "a reservation half emptied": (
        12,
        "are left",
        "UPDATE transfers SET grams = grams - 1 WHERE reason = 'void' AND grams > 1",
    ),
    "a reservation emptied and open": (12, "ended by nothing", "DELETE FROM reservation_endings"),
    "a reservation ended and full": (
        12,
        "are left",
        "DELETE FROM transfers WHERE reason IN ('post', 'void', 'lapse')",
    ),
    "a post to another event": (
        12,
        "reservation",
        "UPDATE reservations SET event_id = gen_random_uuid()",
    ),
    "a gap between blocks": (
        13,
        "a block begins at",
        """
        ALTER TABLE serial_blocks DROP CONSTRAINT no_overlap;
        UPDATE serial_blocks SET first_serial = first_serial + 1, next_serial = next_serial + 1
        """,
    ),
    "retired without serials": (13, "without serials", "DELETE FROM serial_blocks"),
    "serials given twice": (
        13,
        "serials from",
        """
        DROP INDEX serials_once;
        UPDATE sealed_transfers SET first_serial = 1 WHERE first_serial > 1
        """,
    ),
    "a tally that forgot": (13, "told that it was given", "DELETE FROM tally_changes WHERE donated_g > 0"),
    "a tally that imagined": (13, "told that it was given", "UPDATE tallies SET donated_g = donated_g + 1"),
    "a class forgotten": (13, "of class", "DELETE FROM event_holdings; UPDATE tally_changes SET transfers = NULL"),
    "given before it was got": (
        14,
        "before it got them",
        "UPDATE transfers SET made_at = made_at + interval '1 hour' WHERE reason = 'issue'",
    ),
    "back in time along the log": (
        14,
        "stands before it in the log",
        "UPDATE transfers SET made_at = made_at - interval '1 s' WHERE reason = 'lapse'",
    ),
    "ended before it was": (
        14,
        "to which it refers",
        "UPDATE transfers SET made_at = made_at - interval '1 hour' WHERE refers_to IS NOT NULL",
    ),
}


async def test_every_fault_is_named_by_the_invariant_it_breaks(database: asyncpg.Pool, config: Config) -> None:
    await live_through(database, config)
    missed = {}
    async with database.acquire() as connection:
        unguarded = connection.transaction()
        await unguarded.start()
        await connection.execute(WITHOUT_REFERENCES)
        await connection.execute(NO_TRIGGERS)
        for name, (invariant, text, fault) in FAULTS.items():
            found = await findings_of(connection, fault)
            if not any(each.startswith(f"invariant {invariant}: ") and text in each for each in found):
                missed[name] = found
        await unguarded.rollback()
        assert await ledger.audit(connection) == []
    assert missed == {}


async def findings_of(connection: Connection, fault: str) -> list[str]:
    """What the audit says of a fault that got past the triggers, or is one of them. It is taken back."""
    planting = connection.transaction()
    await planting.start()
    try:
        if "TRIGGER" in fault:
            await connection.execute(TRIGGERS)
        await connection.execute(fault)
        return await ledger.audit(connection)
    finally:
        await planting.rollback()


async def test_a_day_of_every_kind_leaves_the_books_in_order(database: asyncpg.Pool, config: Config) -> None:
    day = await live_through(database, config)
    async with database.acquire() as connection:
        reasons = {row["reason"] for row in await connection.fetch("SELECT DISTINCT reason FROM transfers")}
        assert reasons == REASONS
        assert await ledger.audit(connection) == []
    passed = await meddle(database, day)
    async with database.acquire() as connection:
        assert await ledger.audit(connection) == []
    assert passed == []


async def test_the_command_says_what_is_wrong_and_ends_non_zero(
    database: asyncpg.Pool, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", config.database_url)
    monkeypatch.setenv("REDIS_URL", config.redis_url)
    monkeypatch.setenv("TANHUI_SECRET", config.secret.hex())
    await live_through(database, config)
    well = await asyncio.to_thread(CliRunner().invoke, main, ["audit"])
    assert (well.exit_code, well.output) == (False, "")
    await database.execute("ALTER TABLE transfers DISABLE TRIGGER append_only")
    ended = await asyncio.to_thread(CliRunner().invoke, main, ["audit"])
    await database.execute("ALTER TABLE transfers ENABLE TRIGGER append_only")
    assert ended.exit_code == 1
    assert "invariant 2: trigger append_only of table transfers is missing or off" in ended.output


async def test_an_issuance_for_no_known_act_is_found_by_night(database: asyncpg.Pool, config: Config) -> None:
    await rich_member(database, 5)
    issued = await database.fetchval("SELECT id FROM transfers")
    assert await find_faults(config) == [f"invariant 10: issuance {issued}/0: 5 g for no known act"]
    await tell_of_walks(database)
    assert await find_faults(config) == []
