"""Who acts for an organization, and what each may do: its owners decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath

from service import organizations, verifiers
from service.access import Caller
from service.api.given import Config, Pool
from service.db import Connection, new_id
from service.errors import Refusal
from service.i18n import mark
from service.organizations import NewColleague, Part
from service.pages.organize import decoded, done_once
from service.pages.partners import day_in_china, own_organization
from service.pages.rendering import Typed, page, see_other, typed_in

FIELDS = {"phone_invalid": "phone"}
MAY: Mapping[Part, str] = {
    "owner": mark("决定谁为组织做事；其余同经办人。"),
    "editor": mark("建活动、录数据、办理减排、抵销和确认；替组织捐赠和核查。"),
    "viewer": mark("看经办人能看的一切，不能改。"),
    "gate": mark("只在入口报到：大屏二维码和胸卡。"),
}
"""What each may do; msgids."""


@get("/organize/organizations/{organization_id:uuid}/members")
async def show_members(
    request: Request[Caller, Any, Any], organization_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """An organization's people, what they may do, and who changed it."""
    return await members_page(request, pool, organization_id, Typed(role="editor"))


async def members_page(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    organization_id: UUID,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed and what is wrong with it."""
    async with pool.acquire() as connection:
        people = await organizations.colleagues(connection, request.user, organization_id)
        organization = await own_organization(connection, request.user, organization_id)
        changes = await organizations.changes_of(connection, request.user, organization_id)
        registered = await verifiers.of_organization(connection, organization_id)
    return page(
        request,
        "members",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        organization=organization,
        people=people,
        changes=changes,
        registered=registered,
        parts_in=organizations.PARTS,
        may=MAY,
        day_in_china=day_in_china,
        id=str(new_id()),
    )


@post("/organize/organizations/{organization_id:uuid}/members", status_code=200)
async def put_member(
    request: Request[Caller, Any, Any], organization_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """Let somebody act for the organization, or in another role."""
    typed = await typed_in(request)

    async def add(connection: Connection) -> str:
        new = decoded({"phone": typed["phone"], "role": typed["role"]}, NewColleague)
        await organizations.add_member(connection, config, request.user, organization_id, new)
        return f"/organize/organizations/{organization_id}/members"

    return await done_or_said(request, pool, organization_id, typed, add)


@post("/organize/organizations/{organization_id:uuid}/members/{member_id:uuid}/remove", status_code=200)
async def remove_member(
    request: Request[Caller, Any, Any], organization_id: FromPath[UUID], member_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """Let somebody no longer act for it."""
    typed = await typed_in(request)

    async def remove(connection: Connection) -> str:
        await organizations.remove_member(connection, request.user, organization_id, member_id)
        return "/organize" if member_id == request.user.member_id else str(request.url.path).rsplit("/", 2)[0]

    return await done_or_said(request, pool, organization_id, typed, remove)


async def done_or_said(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    organization_id: UUID,
    typed: Typed,
    work: Callable[[Connection], Awaitable[str]],
) -> Response[Any]:
    """Do what was asked; where it is refused, the page says why."""
    try:
        return see_other(await done_once(request, pool, typed, work))
    except Refusal as refusal:
        return await members_page(request, pool, organization_id, typed, refusal)


routes = [show_members, put_member, remove_member]
