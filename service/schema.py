"""The data model on one page: `schema.sql`, written from a migrated database's own catalog.

`python -m service.schema` writes it, reading the database that DATABASE_URL names.
"""

from __future__ import annotations

import asyncio
import os
from itertools import groupby
from pathlib import Path

import asyncpg

from service.db import Connection

PAGE = Path(__file__).parent / "schema.sql"
HEAD = "-- Generated from the migrations by `python -m service.schema`: the data model on one page.\n"


async def describe(connection: Connection) -> str:
    """Tables with columns, constraints, indexes and triggers, then views and functions' names."""
    rows = await connection.fetch(
        """
        WITH ours AS (
            SELECT oid, relname, relkind FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
        )
        SELECT relname, 1 AS part, attnum::integer AS place,
               format('    %s %s%s%s', attname, format_type(atttypid, atttypmod),
                      CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END,
                      CASE WHEN attidentity <> '' THEN ' GENERATED ALWAYS AS IDENTITY'
                           ELSE coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '') END) AS line
        FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relkind = 'r'
        UNION ALL
        SELECT relname, 2, 0, format('    %s', pg_get_constraintdef(pg_constraint.oid))
        FROM ours JOIN pg_constraint ON conrelid = ours.oid WHERE contype IN ('p', 'u', 'f', 'c', 'x')
        UNION ALL
        SELECT relname, 3, 0, pg_get_indexdef(indexrelid) || ';'
        FROM ours JOIN pg_index ON indrelid = ours.oid
        WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
        UNION ALL
        SELECT relname, 4, 0, pg_get_triggerdef(pg_trigger.oid) || ';'
        FROM ours JOIN pg_trigger ON tgrelid = ours.oid WHERE NOT tgisinternal
        UNION ALL
        SELECT relname, 5, 0, format(E'CREATE VIEW %s AS\n%s', relname, pg_get_viewdef(oid))
        FROM ours WHERE relkind = 'v'
        ORDER BY relname, part, place, line
        """
    )
    return HEAD + "\n".join(
        page_of(name, [(row["part"], row["line"]) for row in lines])
        for name, lines in groupby(rows, key=lambda row: row["relname"])
    )


def page_of(name: str, lines: list[tuple[int, str]]) -> str:
    """One table or view, in SQL."""
    inside = [line for part, line in lines if part <= 2]
    outside = "".join(f"{line}\n" for part, line in lines if part > 2)
    table = f"CREATE TABLE {name} (\n" + ",\n".join(inside) + "\n);\n" if inside else ""
    return f"\n{table}{outside}".replace(" public.", " ")


async def write() -> None:
    """Write the page."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        PAGE.write_text(await describe(connection), "utf-8")
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(write())
