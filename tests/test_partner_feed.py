"""Partners' feeds: each line its verdict, each act once, nothing before the signature, nothing lost of the rest."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from service.config import Config
from tests.partnering import METRO, consenting, make_partner, ride, send


async def test_a_ride_is_credited_and_its_repeat_is_a_duplicate_with_the_same_grams(
    client: httpx.AsyncClient, database: asyncpg.Pool, config: Config
) -> None:
    partner = await make_partner(database, config)
    citizen = await consenting(database, config, partner)
    lines = [ride("t-1", citizen.subject)]
    (first,) = await send(client, partner, lines)
    assert (first["line"], first["external_id"], first["verdict"]) == (1, "t-1", "issued")
    assert first["reduction_g"] > 0
    (again,) = await send(client, partner, lines)
    assert again == first | {"verdict": "duplicate"}
    held = await database.fetchval("SELECT sum(grams) FROM balances WHERE account_id = $1", citizen.member_id)
    assert held == first["reduction_g"]
