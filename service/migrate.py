"""Bring a database to the schema of `service/migrations/`: forward only, each file once, in one transaction."""

from __future__ import annotations

import hashlib
from pathlib import Path

import asyncpg

from service.db import Connection

FOLDER = Path(__file__).parent / "migrations"
LOCK = 8_266_354_001


class MigrationError(Exception):
    """A migration that was applied has since been changed, or is unknown to this version."""


async def migrate(database_url: str) -> list[str]:
    """Apply what is missing; return the names of what was applied.

    Safe to call from many processes at once: they wait for one another.
    Raises MigrationError where history and files differ.
    """
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            return await apply_missing(connection)
    finally:
        await connection.close()


async def apply_missing(connection: Connection) -> list[str]:
    """Apply, within the caller's transaction, each file that this database has not seen."""
    await connection.execute(
        """
        CREATE TABLE IF NOT EXISTS migrations (
            name text PRIMARY KEY,
            digest bytea NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    rows = await connection.fetch("SELECT name, digest FROM migrations")
    seen = {row["name"]: row["digest"] for row in rows}
    files = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.sql"))}
    if unknown := sorted(seen.keys() - files.keys()):
        raise MigrationError(f"this database is newer than this version: {', '.join(unknown)}")
    applied = []
    for name, text in files.items():
        digest = hashlib.sha256(text.encode()).digest()
        if name not in seen:
            await connection.execute(text)
            await connection.execute("INSERT INTO migrations (name, digest) VALUES ($1, $2)", name, digest)
            applied.append(name)
        elif seen[name] != digest:
            raise MigrationError(f"{name} was changed after it had been applied")
    return applied
