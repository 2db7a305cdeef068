"""Registered verifiers, for everyone; with a form for who keeps the list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, Response, get, post

from service import verifiers
from service.access import Caller
from service.api.given import Pool
from service.db import Connection, new_id
from service.errors import Refusal
from service.pages.organize import decoded, done_once
from service.pages.partners import day_in_china
from service.pages.rendering import Typed, page, see_other, typed_in
from service.verifiers import NewRegistration

FIELDS = {"not_found": "organization_id"}
EVERYWHERE = "everywhere"


class Named(msgspec.Struct):
    """The organization that a form is of."""

    organization_id: UUID


@get("/verifiers")
async def show_verifiers(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """Who may verify events, and where."""
    return await verifiers_page(request, pool, Typed())


async def verifiers_page(
    request: Request[Caller, Any, Any], pool: asyncpg.Pool, typed: Typed, refusal: Refusal | None = None
) -> Response[Any]:
    """The same, with what was typed and what is wrong with it."""
    async with pool.acquire() as connection:
        registered = await verifiers.of_region(connection)
        keeps = await verifiers.regions_of(connection, request.user) if request.user.member_id else []
    return page(
        request,
        "verifiers",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        registered=registered,
        keeps=keeps,
        day_in_china=day_in_china,
        everywhere=EVERYWHERE,
        id=str(new_id()),
    )


@post("/verifiers", status_code=200)
async def register(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """Register one."""
    typed = await typed_in(request)

    async def keep(connection: Connection) -> str:
        organization_id, new = read(typed)
        await verifiers.register(connection, request.user, organization_id, new, datetime.now(UTC))
        return "/verifiers"

    return await done_or_said(request, pool, typed, keep)


@post("/verifiers/end", status_code=200)
async def strike_off(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """Strike one off."""
    typed = await typed_in(request)

    async def end(connection: Connection) -> str:
        organization_id, new = read(typed)
        await verifiers.strike_off(connection, request.user, organization_id, new, datetime.now(UTC))
        return "/verifiers"

    return await done_or_said(request, pool, typed, end)


def read(typed: Typed) -> tuple[UUID, NewRegistration]:
    """Which organization, where and by what reference. Raises Unreadable."""
    region = None if typed["region"] == EVERYWHERE else typed["region"]
    organization_id = decoded({"organization_id": typed["organization_id"].strip()}, Named).organization_id
    return organization_id, decoded({"region": region, "reference": typed["reference"]}, NewRegistration)


async def done_or_said(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    typed: Typed,
    work: Callable[[Connection], Awaitable[str]],
) -> Response[Any]:
    """Do what was asked; where it is refused, the page says why."""
    try:
        return see_other(await done_once(request, pool, typed, work))
    except Refusal as refusal:
        return await verifiers_page(request, pool, typed, refusal)


routes = [show_verifiers, register, strike_off]
