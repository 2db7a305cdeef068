"""Citizens let partners report their acts, see whom they let, and withdraw."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from service import consents
from service.access import Caller
from service.api.given import Config, Pool
from service.api.problems import WRITES, refuses
from service.api.requests import Key, answer_once
from service.consents import Consent, ConsentsGiven, NewConsents, SceneMissing, SceneNotOffered


@post("/consents", status_code=201, responses=refuses(SceneMissing, SceneNotOffered, *WRITES))
async def give(
    request: Request[Caller, Any, Any], data: JSONBody[NewConsents], key: Key, pool: Pool, config: Config
) -> Response[ConsentsGiven]:
    """Let a partner report acts of these kinds that begin from now on."""
    member, now = request.user.member, datetime.now(UTC)
    return await answer_once(request, pool, key, data, lambda c: consents.give(c, config, member, data, now))


@get("/consents", responses=refuses())
async def list_mine(request: Request[Caller, Any, Any], pool: Pool) -> list[Consent]:
    """The caller's consents: those in force first."""
    async with pool.acquire() as connection:
        return await consents.of_member(connection, request.user.member)


@post("/consents/{consent_id:uuid}/withdrawal", status_code=201, responses=refuses(*WRITES))
async def withdraw(
    request: Request[Caller, Any, Any], consent_id: FromPath[UUID], key: Key, pool: Pool
) -> Response[Consent]:
    """No longer let a partner report: acts that begin from now on are not credited by its reports."""
    member, now = request.user.member, datetime.now(UTC)
    return await answer_once(request, pool, key, None, lambda c: consents.withdraw(c, member, consent_id, now))


routes: list[ControllerRouterHandler] = [give, list_mine, withdraw]
