"""Organizations and who acts for them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from service import organizations
from service.access import Caller
from service.api.given import Config, Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.db import transaction
from service.organizations import Colleague, LastOwner, MemberChange, NewColleague, NewOrganization, Organization
from service.phones import PhoneInvalid


@post("/organizations", status_code=201, responses=refuses(*WRITES))
async def found(
    request: Request[Caller, Any, Any], data: JSONBody[NewOrganization], key: Key, pool: Pool
) -> Response[Organization]:
    """Found an organization. Rotate the token afterwards: the next one is an owner's."""
    return await answer_once(request, pool, key, data, lambda c: organizations.found(c, request.user.member, data))


@get("/organizations", responses=refuses())
async def list_mine(request: Request[Caller, Any, Any], pool: Pool) -> list[Organization]:
    """The organizations that the caller acts for."""
    async with pool.acquire() as connection:
        return await organizations.of_member(connection, request.user.member)


@get("/organizations/{organization_id:uuid}/members", responses=refuses())
async def list_members(
    request: Request[Caller, Any, Any], organization_id: FromPath[UUID], pool: Pool
) -> list[Colleague]:
    """Who acts for the caller's organization."""
    async with pool.acquire() as connection:
        return await organizations.colleagues(connection, request.user, organization_id)


@post(
    "/organizations/{organization_id:uuid}/members",
    status_code=201,
    responses=refuses(PhoneInvalid, LastOwner, *WRITES),
)
async def add_member(
    request: Request[Caller, Any, Any],
    organization_id: FromPath[UUID],
    data: JSONBody[NewColleague],
    key: Key,
    pool: Pool,
    config: Config,
) -> Response[Colleague]:
    """Let the owner of a phone number act for the organization, as owner, editor or viewer, or at the gates only."""
    caller = request.user
    return await answer_once(
        request, pool, key, data, lambda c: organizations.add_member(c, config, caller, organization_id, data)
    )


@delete(
    "/organizations/{organization_id:uuid}/members/{member_id:uuid}",
    status_code=204,
    responses=refuses(LastOwner),
)
async def remove_member(
    request: Request[Caller, Any, Any], organization_id: FromPath[UUID], member_id: FromPath[UUID], pool: Pool
) -> None:
    """Let someone no longer act for the organization, at once."""
    async with transaction(pool) as connection:
        await organizations.remove_member(connection, request.user, organization_id, member_id)


@get("/organizations/{organization_id:uuid}/member-changes", responses=refuses())
async def list_changes(
    request: Request[Caller, Any, Any], organization_id: FromPath[UUID], pool: Pool
) -> list[MemberChange]:
    """Who came to act for the caller's organization, changed roles, and left."""
    async with pool.acquire() as connection:
        return await organizations.changes_of(connection, request.user, organization_id)


routes: list[ControllerRouterHandler] = [found, list_mine, list_members, add_member, remove_member, list_changes]
