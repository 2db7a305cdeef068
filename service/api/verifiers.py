"""Registered verifiers: a public list, kept by places' authorities and the platform's operator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from service import verifiers
from service.access import Caller
from service.api.given import Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.engagements import VerifierNotRegistered
from service.verifiers import NewRegistration, RegionUnknown, Registered

Region = Annotated[str | None, QueryParameter(pattern=r"^[0-9]{6}$", description="Who may verify there.")]


@get("/verifiers", responses=refuses())
async def list_verifiers(pool: Pool, region: Region = None) -> list[Registered]:
    """Who may verify events: in a region, or each with where they may."""
    async with pool.acquire() as connection:
        return await verifiers.of_region(connection, region)


@post(
    "/organizations/{organization_id:uuid}/verifier-registrations",
    status_code=201,
    responses=refuses(RegionUnknown, *WRITES),
)
async def register(
    request: Request[Caller, Any, Any],
    organization_id: FromPath[UUID],
    data: JSONBody[NewRegistration],
    key: Key,
    pool: Pool,
) -> Response[Registered]:
    """Register an organization as a verifier: an officer who guides or supervises there, or an operator."""
    caller, now = request.user, datetime.now(UTC)
    return await answer_once(
        request, pool, key, data, lambda c: verifiers.register(c, caller, organization_id, data, now)
    )


@post(
    "/organizations/{organization_id:uuid}/verifier-registrations/ending",
    status_code=201,
    responses=refuses(RegionUnknown, VerifierNotRegistered, *WRITES),
)
async def strike_off(
    request: Request[Caller, Any, Any],
    organization_id: FromPath[UUID],
    data: JSONBody[NewRegistration],
    key: Key,
    pool: Pool,
) -> Response[list[Registered]]:
    """End a registration; what is left of the organization's comes back."""
    caller, now = request.user, datetime.now(UTC)

    async def strike(connection: Any) -> list[Registered]:
        await verifiers.strike_off(connection, caller, organization_id, data, now)
        return await verifiers.of_organization(connection, organization_id)

    return await answer_once(request, pool, key, data, strike)


routes: list[ControllerRouterHandler] = [list_verifiers, register, strike_off]
