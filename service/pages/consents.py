"""A citizen lets a partner report their acts, is sent back to it, and can withdraw."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath, QueryParameter

from service import consents
from service.access import Caller
from service.api.given import Config, Pool
from service.consents import Asking, NewConsents
from service.db import transaction
from service.errors import NotFound, Refusal
from service.pages.rendering import Typed, page, see_other, storable, typed_in
from service.schedules import CHINA

Scenes = Annotated[str, QueryParameter(max_length=2_000)]
State = Annotated[str, QueryParameter(name="state", max_length=500)]
CHOSEN = "scene-"
"""What a ticked scene's field begins with."""
FORMS_GO = "form-action 'self'"


@get("/consents/{partner_id:uuid}")
async def ask_consent(
    request: Request[Caller, Any, Any],
    partner_id: FromPath[UUID],
    pool: Pool,
    scenes: Scenes = "",
    its_state: State = "",
) -> Response[Any]:
    """Who would report what, why, and for how long it is kept."""
    return await consent_page(request, pool, partner_id, Typed(scenes=storable(scenes), state=storable(its_state)))


async def consent_page(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    partner_id: UUID,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The question. From this page alone a form may lead to the partner's site, whose address is registered."""
    async with pool.acquire() as connection:
        found = await consents.asking(connection, partner_id)
    scenes = consents.offered(found, scenes_in(typed))
    if not scenes:
        raise NotFound
    answer = page(
        request,
        "consent",
        typed=typed,
        refusal=refusal,
        fields={"scene_missing": "scenes"},
        partner=found.partner,
        organization=found.organization,
        scenes=scenes,
        declined=back_to(found, typed, {"error": "access_denied"}),
    )
    if found.partner.return_url:
        policy = answer.headers["content-security-policy"]
        answer.headers["content-security-policy"] = policy.replace(
            FORMS_GO, f"{FORMS_GO} {origin_of(found.partner.return_url)}"
        )
    return answer


def scenes_in(typed: Typed) -> list[str]:
    """The scenes that a partner asks for, separated by commas."""
    return [each for each in typed["scenes"].split(",") if each]


def origin_of(address: str) -> str:
    """The site of an address."""
    return f"https://{urlsplit(address).netloc}"


def back_to(found: Asking, typed: Typed, told: dict[str, str]) -> str:
    """Where the citizen goes on: to the address that the partner registered, and to no other."""
    address = found.partner.return_url
    if address is None:
        return "/me/consents"
    told |= {"state": typed["state"]} if typed["state"] else {}
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(told)}"


@post("/consents/{partner_id:uuid}", status_code=200)
async def give_consent(
    request: Request[Caller, Any, Any], partner_id: FromPath[UUID], pool: Pool, config: Config
) -> Response[Any]:
    """Consent, and go back to the partner with the name that it knows the citizen by."""
    typed = await typed_in(request)
    chosen = [name.removeprefix(CHOSEN)[:40] for name in typed if name.startswith(CHOSEN)]
    member, now = request.user.member, datetime.now(UTC)
    try:
        async with transaction(pool) as connection:
            given = await consents.give(connection, config, member, NewConsents(partner_id, chosen[:50]), now)
            found = await consents.asking(connection, partner_id)
    except consents.SceneMissing as refusal:
        return await consent_page(request, pool, partner_id, typed, refusal)
    return see_other(back_to(found, typed, {"subject": str(given.subject)}))


@get("/me/consents")
async def list_consents(request: Request[Caller, Any, Any], pool: Pool) -> Response[Any]:
    """Whom one lets report what, and since when."""
    async with pool.acquire() as connection:
        mine = await consents.of_member(connection, request.user.member)
    return page(
        request,
        "consents",
        given=[each for each in mine if each.withdrawn_at is None],
        withdrawn=[each for each in mine if each.withdrawn_at],
        day_in_china=lambda at: at.astimezone(CHINA).date(),
    )


@post("/me/consents/{consent_id:uuid}/withdrawal", status_code=200)
async def withdraw_consent(request: Request[Caller, Any, Any], consent_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """No longer let a partner report. Twice is once."""
    async with transaction(pool) as connection:
        await consents.withdraw(connection, request.user.member, consent_id, datetime.now(UTC))
    return see_other("/me/consents")


routes = [ask_consent, give_consent, list_consents, withdraw_consent]
