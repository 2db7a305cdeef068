"""Partners: registered by organizers, scoped by authorities, keyed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody, PathParameter
from litestar.types import ControllerRouterHandler

from scenarios.refusals import NoMethodologyInForce, UnknownAction
from service import partners
from service.access import Caller
from service.api.given import Config, Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.carbon import CLASSES
from service.db import transaction
from service.partners import (
    KeysInUse,
    NewPartner,
    NewScope,
    Partner,
    PartnerKey,
    PartnerShown,
    ReturnUrlUnfit,
    Scope,
    ScopeAsked,
)

KeyNumber = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]


class KeyMade(msgspec.Struct, frozen=True):
    """A new key. `secret` (32 bytes, in hexadecimal) is shown to whoever made it, and kept nowhere."""

    number: int
    secret: str


@post(
    "/organizations/{organization_id:uuid}/partners",
    status_code=201,
    responses=refuses(ReturnUrlUnfit, *WRITES),
)
async def register(
    request: Request[Caller, Any, Any],
    organization_id: FromPath[UUID],
    data: JSONBody[NewPartner],
    key: Key,
    pool: Pool,
) -> Response[Partner]:
    """Register a partner of the organization: a system that shall report citizens' acts."""
    caller = request.user
    return await answer_once(request, pool, key, data, lambda c: partners.register(c, caller, organization_id, data))


@get("/organizations/{organization_id:uuid}/partners", responses=refuses())
async def list_partners(
    request: Request[Caller, Any, Any], organization_id: FromPath[UUID], pool: Pool
) -> list[Partner]:
    """The organization's partners."""
    async with pool.acquire() as connection:
        return await partners.of_organization(connection, request.user, organization_id)


@get("/partners/{partner_id:uuid}", responses=refuses())
async def show_partner(request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool) -> PartnerShown:
    """A partner of the caller's organization, what it may report, and its keys by number."""
    async with pool.acquire() as connection:
        return await partners.show(connection, request.user, partner_id)


@post(
    "/partners/{partner_id:uuid}/scopes",
    status_code=201,
    responses=refuses(*WRITES, *(CLASSES[each] for each in (UnknownAction, NoMethodologyInForce))),
)
async def ask_scope(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], data: JSONBody[NewScope], key: Key, pool: Pool
) -> Response[Scope]:
    """Ask the region's authority to let the partner report an action."""
    caller, now = request.user, datetime.now(UTC)
    return await answer_once(request, pool, key, data, lambda c: partners.ask_scope(c, caller, partner_id, data, now))


@get("/partner-scopes", responses=refuses())
async def list_scopes(request: Request[Caller, Any, Any], pool: Pool) -> list[ScopeAsked]:
    """What partners asked to report in the caller's regions: those that wait first, up to 500."""
    async with pool.acquire() as connection:
        return await partners.scopes_of_authority(connection, request.user)


@post("/partners/{partner_id:uuid}/scopes/approval", status_code=201, responses=refuses(*WRITES))
async def approve_scope(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], data: JSONBody[NewScope], key: Key, pool: Pool
) -> Response[Scope]:
    """As the region's authority, let a partner report what it asked for."""
    caller, now = request.user, datetime.now(UTC)
    return await answer_once(
        request, pool, key, data, lambda c: partners.approve_scope(c, caller, partner_id, data, now)
    )


@post("/partners/{partner_id:uuid}/scopes/withdrawal", status_code=201, responses=refuses(*WRITES))
async def withdraw_scope(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], data: JSONBody[NewScope], key: Key, pool: Pool
) -> Response[Scope]:
    """As the region's authority, refuse what a partner asked for, or no longer let it."""
    caller, now = request.user, datetime.now(UTC)
    return await answer_once(
        request, pool, key, data, lambda c: partners.withdraw_scope(c, caller, partner_id, data, now)
    )


@post("/partners/{partner_id:uuid}/keys", status_code=201, responses=refuses(KeysInUse, *WRITES))
async def make_key(
    request: Request[Caller, Any, Any],
    partner_id: FromPath[UUID],
    key: Key,
    pool: Pool,
    config: Config,
) -> Response[KeyMade]:
    """Make a key. Its secret is derived anew for a repeat of this request, and never shown otherwise."""
    caller = request.user
    answer: Response[Any] = await answer_once(
        request, pool, key, None, lambda c: partners.make_key(c, caller, partner_id)
    )
    if answer.status_code == 201:
        number = msgspec.json.decode(answer.content, type=PartnerKey).number
        answer.content = KeyMade(number, partners.secret_of(config, partner_id, number).hex())
    return answer


@delete("/partners/{partner_id:uuid}/keys/{number:int}", status_code=204, responses=refuses())
async def revoke_key(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], number: KeyNumber, pool: Pool
) -> None:
    """Let nothing signed with this key pass any more, at once."""
    async with transaction(pool) as connection:
        await partners.revoke_key(connection, request.user, partner_id, number, datetime.now(UTC))


routes: list[ControllerRouterHandler] = [
    register,
    list_partners,
    show_partner,
    ask_scope,
    list_scopes,
    approve_scope,
    withdraw_scope,
    make_key,
    revoke_key,
]
