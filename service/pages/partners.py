"""Partners: an organizer registers them, asks for scopes and makes keys; the region's authority approves or not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from scenarios.actions.methodologies import ActionOffered, actions_of
from scenarios.refusals import CarbonRefusal
from scenarios.regions import CITIES, PROVINCES
from service import organizations, partners, stations
from service.access import Caller
from service.api.given import Config, Pool
from service.api.partners import KeyNumber
from service.carbon import carbon_refusal
from service.db import Connection, new_id, transaction
from service.errors import NotFound, Refusal
from service.organizations import Organization
from service.pages.organize import decoded, done_once
from service.pages.rendering import Typed, page, see_other, typed_in
from service.pages.saying import Unreadable
from service.partners import NewPartner, NewScope, PartnerKey, Scope
from service.schedules import CHINA

FIELDS = {"return_url_unfit": "return_url", "region": "kind", "action": "kind"}

# who registers them ---------------------------------------------------------------------------------------------------


@get("/organize/organizations/{organization_id:uuid}/partners")
async def show_partners(
    request: Request[Caller, Any, Any], organization_id: FromPath[UUID], pool: Pool
) -> Response[Any]:
    """An organization's partners, and a form for another."""
    return await partners_page(request, pool, organization_id, Typed())


async def partners_page(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    organization_id: UUID,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed and what is wrong with it."""
    async with pool.acquire() as connection:
        found = await partners.of_organization(connection, request.user, organization_id)
        owner = await own_organization(connection, request.user, organization_id)
    return page(
        request,
        "partners",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        organization=owner,
        partners=found,
        id=str(new_id()),
    )


async def own_organization(connection: Connection, caller: Caller, organization_id: UUID) -> Organization:
    """An organization that the caller acts for. Raises NotFound."""
    mine = await organizations.of_member(connection, caller.member)
    found = next((each for each in mine if each.id == organization_id), None)
    if found is None:
        raise NotFound
    return found


@post("/organize/organizations/{organization_id:uuid}/partners", status_code=200)
async def register(request: Request[Caller, Any, Any], organization_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Register a partner."""
    typed = await typed_in(request)

    async def make(connection: Connection) -> str:
        made = await partners.register(connection, request.user, organization_id, new)
        return f"/organize/partners/{made.id}"

    try:
        new = decoded({"name": typed["name"], "return_url": typed["return_url"].strip() or None}, NewPartner)
        return see_other(await done_once(request, pool, typed, make))
    except Refusal as refusal:
        return await partners_page(request, pool, organization_id, typed, refusal)


@get("/organize/partners/{partner_id:uuid}")
async def show_partner(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """What a partner may report, its keys, its stations, and where it sends citizens who shall consent."""
    return await partner_page(request, pool, config.base_url, partner_id, Typed())


async def partner_page(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    base_url: str,
    partner_id: UUID,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The same, with what was typed and what is wrong with it."""
    async with pool.acquire() as connection:
        found = await partners.show(connection, request.user, partner_id)
        owner = await own_organization(connection, request.user, found.partner.organization_id)
        places = await stations.of_partner(connection, request.user, partner_id)
    return page(
        request,
        "partner",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        organization=owner,
        partner=found.partner,
        scopes=found.scopes,
        keys=found.keys,
        full=sum(each.revoked_at is None for each in found.keys) >= partners.VALID_AT_ONCE,
        stations=[each for each in places if each.closed_at is None],
        kinds=reportable(found.scopes),
        day_in_china=day_in_china,
        consent_url=f"{base_url}/consents/{partner_id}",
        id=str(new_id()),
    )


def reportable(asked: list[Scope]) -> dict[str, list[ActionOffered]]:
    """What is in force today and was not asked for yet, by region."""
    today, known = day_in_china(datetime.now(UTC)), {(each.region, each.action) for each in asked}
    offered = {
        region: [each for each in actions_of(region, today) if (region, each.key) not in known]
        for region in (*PROVINCES, *CITIES)
    }
    return {region: kinds for region, kinds in offered.items() if kinds}


def day_in_china(at: datetime) -> date:
    """The date of a moment."""
    return at.astimezone(CHINA).date()


@post("/organize/partners/{partner_id:uuid}/scopes", status_code=200)
async def ask_scope(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """Ask the region's authority to let the partner report an act."""
    typed = await typed_in(request)

    async def ask(connection: Connection) -> str:
        await partners.ask_scope(connection, request.user, partner_id, read_scope(typed["kind"]), datetime.now(UTC))
        return f"/organize/partners/{partner_id}#scopes"

    try:
        return see_other(await done_once(request, pool, typed, ask))
    except CarbonRefusal as refusal:
        return await partner_page(request, pool, config.base_url, partner_id, typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return await partner_page(request, pool, config.base_url, partner_id, typed, refusal)


def read_scope(text: str) -> NewScope:
    """A region and an action, as fields hold them. Raises Unreadable."""
    region, _, action = text.partition(" ")
    return decoded({"region": region, "action": action}, NewScope)


@post("/organize/partners/{partner_id:uuid}/keys", status_code=200)
async def make_key(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """A new key and its secret: nowhere shown again, but to the same form sent again."""
    typed = await typed_in(request)

    async def make(connection: Connection) -> str:
        return msgspec.json.encode(await partners.make_key(connection, request.user, partner_id)).decode()

    try:
        made = msgspec.json.decode(await done_once(request, pool, typed, make), type=PartnerKey)
    except Refusal as refusal:
        return await partner_page(request, pool, config.base_url, partner_id, typed, refusal)
    async with pool.acquire() as connection:
        partner = await partners.require_organizer(connection, request.user, partner_id)
    secret = partners.secret_of(config, partner_id, made.number).hex()
    return page(request, "partner_key", partner=partner, number=made.number, secret=secret)


@post("/organize/partners/{partner_id:uuid}/keys/{number:int}/revocation", status_code=200)
async def revoke_key(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], number: KeyNumber, pool: Pool
) -> Response[Any]:
    """Let nothing signed with a key pass any more. Twice is once."""
    async with transaction(pool) as connection:
        await partners.revoke_key(connection, request.user, partner_id, number, datetime.now(UTC))
    return see_other(f"/organize/partners/{partner_id}#keys")


# who lets them report -------------------------------------------------------------------------------------------------


@get("/authority/partners")
async def show_scopes(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """What partners asked to report in one's regions: those that wait, those that may, and those that may not."""
    async with pool.acquire() as connection:
        found = await partners.scopes_of_authority(connection, request.user)
    return page(
        request,
        "authority_partners",
        waiting=[each for each in found if standing(each.scope) == "waiting"],
        approved=[each for each in found if standing(each.scope) == "approved"],
        barred=[each for each in found if standing(each.scope) == "barred"],
        day_in_china=day_in_china,
    )


def standing(scope: Scope) -> Literal["waiting", "approved", "barred"]:
    """How a scope stands."""
    if scope.withdrawn_at is not None:
        return "barred"
    return "waiting" if scope.approved_at is None else "approved"


def scope_meant(typed: Typed) -> NewScope:
    """The scope whose button was pressed. Raises NotFound where its form was tampered with."""
    try:
        return read_scope(typed["kind"])
    except Unreadable:
        raise NotFound from None


@post("/authority/partners/{partner_id:uuid}/approval", status_code=200)
async def approve(request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Let a partner report an act. Twice is once."""
    asked = scope_meant(await typed_in(request))
    async with transaction(pool) as connection:
        await partners.approve_scope(connection, request.user, partner_id, asked, datetime.now(UTC))
    return see_other("/authority/partners")


@post("/authority/partners/{partner_id:uuid}/withdrawal", status_code=200)
async def withdraw(request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """Do not let a partner report an act, or no longer. Twice is once."""
    asked = scope_meant(await typed_in(request))
    async with transaction(pool) as connection:
        await partners.withdraw_scope(connection, request.user, partner_id, asked, datetime.now(UTC))
    return see_other("/authority/partners")


routes = [
    show_partners,
    register,
    show_partner,
    ask_scope,
    make_key,
    revoke_key,
    show_scopes,
    approve,
    withdraw,
]
