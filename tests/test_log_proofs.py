"""Proofs from the log: each row is proved to whose it is, and whatever is changed afterwards shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from service import ledger, merkle, transfer_log
from service.checkpoints import Untrue, public_key
from service.cli import main
from service.config import Config
from service.db import new_id, transaction
from service.errors import NotFound
from service.log_bundles import Bundle, LoggedTransfer, check
from tests.books import issue, open_event_account, open_member, rich_member
from tests.people import HAN, WANG, ZHAO, appoint, found_organization, sign_in
from tests.sealed import citizen, donate, headers, issue_once, older, proof, seal_all, some_of_every_shape

# Proofs ---------------------------------------------------------------------------------------------------------------


async def test_every_row_of_every_transfer_is_proved_from_any_checkpoint_on(
    database: asyncpg.Pool, config: Config
) -> None:
    told: list[tuple[UUID, UUID]] = []
    for limit in (1, 4, 100):
        member, _, ids = await some_of_every_shape(database)
        told += [(member, each) for each in ids]
        await seal_all(database, config, limit)
    sizes = [row["size"] for row in await database.fetch("SELECT size FROM log_checkpoints ORDER BY size")]
    assert len(sizes) > 6
    for member, transfer in told:
        kept = await proof(database, config, member, transfer)
        assert check(kept, public_key(config)).size == 27
        assert kept.rows
    for size in sizes:
        kept = await proof(database, config, *told[0], size)
        check(kept, public_key(config), await older(database, config, size))
    async with database.acquire() as connection:
        for old in sizes:
            for new in sizes:
                if old <= new:
                    grown = await transfer_log.consistency(connection, config, old, new)
                    check(grown, public_key(config), await older(database, config, old))


async def test_the_line_that_a_checker_writes_is_the_databases_own(database: asyncpg.Pool, config: Config) -> None:
    member, event, ids = await some_of_every_shape(database)
    await seal_all(database, config)
    lines = {(row["id"], row["ordinal"]): row["line"] for row in await database.fetch("SELECT * FROM transfer_leaves")}
    for transfer in ids:
        for row in (await proof(database, config, member, transfer)).rows:
            assert row.transfer.line() == lines.pop((transfer, row.transfer.ordinal))
            assert merkle.leaf_digest(row.transfer.line().encode()) == await database.fetchval(
                "SELECT leaf FROM sealed_transfers WHERE position = $1", row.position
            )
    assert not lines
    travelled = (await proof(database, config, member, ids[1])).rows[0].transfer
    assert travelled.event_id == event.id
    assert str(event.id) in travelled.line()


@given(st.datetimes())
def test_a_moment_in_a_line_is_exact_to_the_microsecond(moment: datetime) -> None:
    """Through a float, one in a few would be off by one."""
    nobody, made_at = UUID(int=9), moment.replace(tzinfo=UTC)
    transfer = LoggedTransfer(
        id=nobody, ordinal=0, source=nobody, destination=nobody, region="", methodology="", version="",
        vintage=moment.date(), event_id=None, grams=1, reason="issue", refers_to=None, made_at=made_at,
    )  # fmt: skip
    micros = (made_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert transfer.line().split("\t")[-1] == str(micros)


async def test_a_proof_reads_few_nodes_however_long_the_log(database: asyncpg.Pool, config: Config) -> None:
    members = [await rich_member(database, *range(1, 4)) for _ in range(100)]
    await seal_all(database, config)
    transfer = await database.fetchval("SELECT id FROM transfers WHERE destination = $1 LIMIT 1", members[50])
    kept = await proof(database, config, members[50], transfer)
    (row,) = kept.rows
    assert len(row.proof) <= 9


async def test_a_transfer_not_yet_sealed_has_no_proof_yet(database: asyncpg.Pool, config: Config) -> None:
    member, _, ids = await some_of_every_shape(database)
    with pytest.raises(transfer_log.NotSealedYet):
        await proof(database, config, member, ids[0])


async def test_a_proof_is_for_those_whose_transfer_it_is(database: asyncpg.Pool, config: Config) -> None:
    _, _, ids = await some_of_every_shape(database)
    stranger, _, _ = await some_of_every_shape(database)
    await seal_all(database, config)
    for transfer in [*ids, new_id()]:
        with pytest.raises(NotFound):
            await proof(database, config, stranger, transfer)


async def test_the_bundle_shows_a_changed_field_of_a_row(database: asyncpg.Pool, config: Config) -> None:
    member, _, ids = await some_of_every_shape(database)
    await seal_all(database, config)
    kept = await proof(database, config, member, ids[-1])
    changes = {"grams": 999, "destination": new_id(), "region": "310000", "refers_to": ids[0]}
    for field, value in changes.items():
        changed = msgspec.structs.replace(kept.rows[1].transfer, **{field: value})
        row = msgspec.structs.replace(kept.rows[1], transfer=changed)
        with pytest.raises(Untrue, match="不符"):
            check(msgspec.structs.replace(kept, rows=[kept.rows[0], row]), public_key(config))


# Tampering ------------------------------------------------------------------------------------------------------------

TAMPERING = [
    "UPDATE transfers SET grams = grams + 1 WHERE id = $1",
    "UPDATE transfers SET class_id = (SELECT min(id) FROM credit_classes) WHERE id = $1",
    "UPDATE transfers SET made_at = made_at + interval '1 microsecond' WHERE id = $1",
    "DELETE FROM transfers WHERE id = $1 AND ordinal = 1",
]


@pytest.mark.parametrize("tampering", TAMPERING)
async def test_a_row_changed_by_the_databases_owner_is_found(
    database: asyncpg.Pool, config: Config, tampering: str
) -> None:
    member, _, ids = await some_of_every_shape(database)
    await seal_all(database, config)
    kept = await proof(database, config, member, ids[-1])
    async with database.acquire() as connection:
        undo = connection.transaction()
        await undo.start()
        await connection.execute("ALTER TABLE transfers DISABLE TRIGGER USER")
        await connection.execute(tampering, ids[-1])
        now = await transfer_log.inclusion(connection, config, citizen(member), ids[-1])
        if len(now.rows) == len(kept.rows):
            with pytest.raises(Untrue, match="不符"):
                check(now, public_key(config))
        assert [each for each in await ledger.audit(connection) if str(ids[-1]) in each]
        await undo.rollback()
    check(kept, public_key(config))


async def test_a_whole_log_written_anew_is_found_by_whoever_kept_a_checkpoint(
    database: asyncpg.Pool, config: Config
) -> None:
    member, _, ids = await some_of_every_shape(database)
    await seal_all(database, config)
    kept = await proof(database, config, member, ids[0])
    async with database.acquire() as connection:
        undo = connection.transaction()
        await undo.start()
        for table in ("transfers", "sealed_transfers", "log_nodes", "log_checkpoints"):
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await connection.execute("TRUNCATE sealed_transfers, log_nodes, log_checkpoints")
        await connection.execute("UPDATE transfers SET grams = grams + 1 WHERE id = $1", ids[0])
        await connection.execute(
            "INSERT INTO unsealed_transfers (transfers) SELECT array_agg(DISTINCT id) FROM transfers"
        )
        await transfer_log.seal(connection, config)
        same_size = await transfer_log.inclusion(connection, config, citizen(member), ids[0])
        check(same_size, public_key(config))
        with pytest.raises(Untrue, match="只增不改"):
            check(same_size, public_key(config), kept)
        await connection.execute("ALTER TABLE transfers ENABLE TRIGGER USER")
        await issue(connection, member, [1])
        await transfer_log.seal(connection, config)
        longer = await transfer_log.inclusion(connection, config, citizen(member), ids[0], 9)
        check(longer, public_key(config))
        with pytest.raises(Untrue, match="只增不改"):
            check(longer, public_key(config), kept)
        await undo.rollback()


async def test_a_log_that_became_shorter_or_does_not_show_how_it_grew_is_not_believed(
    database: asyncpg.Pool, config: Config
) -> None:
    member, _, ids = await some_of_every_shape(database)
    await seal_all(database, config)
    before = await proof(database, config, member, ids[0])
    await some_of_every_shape(database)
    await seal_all(database, config)
    after = await proof(database, config, member, ids[0])
    with pytest.raises(Untrue, match="变短"):
        check(before, public_key(config), after)
    with pytest.raises(Untrue, match="缺少"):
        check(after, public_key(config), before)
    with pytest.raises(Untrue, match="签名"):
        check(after, public_key(Config(database_url="", redis_url="", secret=b"else" * 8)))


# By HTTP and by command -----------------------------------------------------------------------------------------------


async def test_the_log_is_public_and_grows_provably(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    assert (await client.get("/v1/log")).json()["code"] == "no_checkpoint"
    await some_of_every_shape(database)
    await seal_all(database, config)
    first = (await client.get("/v1/log")).json()
    assert first["key"] == public_key(config)
    await some_of_every_shape(database)
    await seal_all(database, config)
    grown = await client.get("/v1/log/consistency", params={"from": 9})
    assert check(as_bundle(grown), first["key"], msgspec.convert(first, Bundle)).size == 18
    assert (await client.get("/v1/log/consistency", params={"from": 18, "to": 9})).status_code == 404
    assert (await client.get("/v1/log/consistency", params={"from": 8})).json()["code"] == "no_checkpoint"
    assert (await client.get("/v1/log/consistency", params={"from": 0})).status_code == 400


def as_bundle(answer: httpx.Response) -> Bundle:
    """The bundle that was sent."""
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Bundle)


async def test_the_owner_the_organizer_and_the_authority_get_the_proof_and_nobody_else(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    organizer, organization = await found_organization(client, WANG)
    authority = await appoint(client, database, config, ZHAO, "140000")
    stranger = await sign_in(client, HAN)
    async with transaction(database) as connection:
        event, member = await open_event_account(connection), await open_member(connection)
        await connection.execute(
            """
            INSERT INTO events (id, organization_id, name, kind, country, region, place, venue, latitude, longitude,
                time_zone, expected_people, factor_set)
            VALUES ($1, $2, '零碳会议', 'meeting', 'CN', '140000', 'x', 'x', 37, 112, 'Asia/Shanghai', 300, 'travel-cn')
            """,
            event,
            organization,
        )
        await connection.execute("INSERT INTO tallies (event_id) VALUES ($1)", event)
        issued = await issue_once(connection, member, 100)
    donation = await donate(database, member, event, 60)
    url = f"/v1/transfers/{donation}/proof"
    early = await client.get(url, headers=headers(config, member))
    assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (422, "not_sealed_yet", "2")
    await seal_all(database, config)
    for who in (headers(config, member), organizer, authority):
        bundle = as_bundle(await client.get(url, headers=who))
        check(bundle, public_key(config))
        assert bundle.rows[0].transfer.grams == 60
    assert (await client.get(url, headers=stranger)).status_code == 404
    assert (await client.get(url)).status_code == 401
    earned = f"/v1/transfers/{issued}/proof"
    assert (await client.get(earned, headers=organizer)).status_code == 404
    assert (await client.get(earned, headers=headers(config, member), params={"since": 5})).status_code == 404


async def test_the_command_checks_offline_and_names_what_is_wrong(
    database: asyncpg.Pool, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, _, ids = await some_of_every_shape(database)
    await seal_all(database, config)
    before = await proof(database, config, member, ids[-1])
    await some_of_every_shape(database)
    await seal_all(database, config)
    after = await proof(database, config, member, ids[-1], 9)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def run(bundle: Bundle | bytes, *more: str, verifier: str = public_key(config)) -> tuple[int, str]:
        (tmp_path / "b.json").write_bytes(bundle if isinstance(bundle, bytes) else msgspec.json.encode(bundle))
        result = CliRunner().invoke(main, ["check-log", str(tmp_path / "b.json"), "--key", verifier, *more])
        return result.exit_code, result.output

    old = tmp_path / "old.json"
    old.write_bytes(msgspec.json.encode(before))
    assert run(after) == (0, run(after)[1])
    code, said = run(after, "--since", str(old))
    assert code == 0
    assert "只增不改" in said
    assert str(ids[-1]) in said
    tampered = msgspec.json.encode(after).replace(b'"grams":456', b'"grams":457')
    assert run(tampered) == (1, f"编号 {ids[-1]} 的第 0 行与日志不符，或不在日志的第 {after.rows[0].position} 位。\n")
    assert run(before, "--since", str(tmp_path / "b.json"))[0] == 0
    other = public_key(Config(database_url="", redis_url="", secret=b"else" * 8))
    assert run(after, verifier=other) == (1, "检查点没有这把公钥的有效签名。\n")
    assert run(after, verifier="x") == (1, "公钥无法读懂。\n")
    assert run(b"{")[0] == 1
