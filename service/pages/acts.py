"""A citizen finds a low-carbon act and says that they did it: where, what, how much, when, and photos of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery

from scenarios.actions.earnings import earning_of, most_counted
from scenarios.actions.finding import matching
from scenarios.actions.groups import groups_of
from scenarios.actions.methodologies import Action as Kind
from scenarios.actions.methodologies import ActionOffered, actions_of, methodology_for
from scenarios.refusals import CarbonRefusal
from scenarios.regions import CITIES, PROVINCES, is_region
from service import act_lists, actions, devices, evidence, photos
from service.access import Caller
from service.action_rows import Action
from service.api.actions import action_request
from service.api.given import Committers, Config, Pool
from service.api.problems import language_of
from service.carbon import carbon_refusal
from service.db import new_id, transaction
from service.errors import NotFound, Refusal
from service.i18n import translate
from service.pages.act_forms import (
    KEPT,
    MOST_PHOTOS,
    PhotoRefused,
    TooManyPhotos,
    empty,
    fields_of,
    filled,
    keep_in,
    kept_in,
    moment_text,
    photos_in,
    read_act,
)
from service.pages.devices import DEVICE, device_cookie, device_of, new_device
from service.pages.rendering import Typed, id_in, own_cookie, page, see_other, storable, typed_in
from service.schedules import CHINA

REGION = "tanhui_region"
REGION_LIFE_S = 365 * 24 * 3600
LONGEST_SEARCH = 60
BODY_BYTES = (MOST_PHOTOS + 1) * photos.LARGEST_BYTES
"""So that photos that are somewhat too large, or too many, are said to be so at their field."""


def today() -> date:
    """The date in China."""
    return datetime.now(UTC).astimezone(CHINA).date()


@get("/act")
async def find_act(
    request: Request[Caller, Any, Any],
    pool: Pool,
    config: Config,
    region: FromQuery[str] = "",
    action: FromQuery[str] = "",
    q: FromQuery[str] = "",
    again: FromQuery[str] = "",
) -> Response[Any]:
    """Where, what, how much and when: one question after the other. The place is remembered."""
    region = region or request.cookies.get(REGION, "")
    offered = actions_of(region, today())
    if not offered:
        return place_page(request, region)
    if any(each.key == action for each in offered):
        kind, now = kind_of(region, action), datetime.now(UTC)
        before = await told_before(pool, request.user.member, again) if again else None
        typed = filled(kind, before, now) if before and before.action == action else empty(kind, now)
        return form_page(request, config, region, kind, typed)
    async with pool.acquire() as connection:
        habits = await act_lists.habits(connection, request.user.member, region)
    return acts_page(request, config, region, offered, storable(q)[:LONGEST_SEARCH].strip(), habits)


def place_page(request: Request[Caller, Any, Any], asked: str) -> Response[Any]:
    """Which place."""
    offering = [each for each in (*PROVINCES, *CITIES) if actions_of(each, today())]
    return page(request, "act_place", regions=offering, lacking=asked if is_region(asked) else "")


def acts_page(
    request: Request[Caller, Any, Any],
    config: Config,
    region: str,
    offered: tuple[ActionOffered, ...],
    asked: str,
    habits: list[act_lists.Habit],
) -> Response[Any]:
    """Which act: those of a search, what is told often, and all by group."""
    kinds = {each.key: kind_of(region, each.key) for each in offered}
    return page(
        request,
        "act",
        cookies=[own_cookie(REGION, value=region, max_age=REGION_LIFE_S, secure=config.secure)],
        typed=Typed(q=asked),
        region=region,
        found=matching(offered, asked, partial(translate, language_of(request))) if asked else None,
        habits=[each for each in habits if each.action in kinds],
        groups=groups_of(region, today()),
        earnings={key: earning_of(kind) for key, kind in kinds.items()},
        units={key: kind.unit for key, kind in kinds.items()},
    )


def kind_of(region: str, action: str) -> Kind:
    """The act as today's methodology there has it. Raises CarbonRefusal."""
    return methodology_for(region, action, today()).action(action)


async def told_before(pool: asyncpg.Pool, member_id: UUID, text: str) -> Action:
    """The act that shall be told again. Raises NotFound."""
    try:
        action_id = UUID(text)
    except ValueError:
        raise NotFound from None
    async with pool.acquire() as connection:
        return await actions.find_own(connection, member_id, action_id)


def form_page(
    request: Request[Caller, Any, Any],
    config: Config,
    region: str,
    kind: Kind,
    typed: Typed,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """How much, when, and photos: with what was typed and what is wrong with it."""
    used = methodology_for(region, kind.key, today()).used
    return page(
        request,
        "act_form",
        cookies=device_cookies(request, config),
        typed=typed,
        refusal=refusal,
        fields=fields_of(kind),
        kept_fields=KEPT,
        region=region,
        kind=kind,
        earning=earning_of(kind),
        limits=most_counted(kind),
        used=used,
        today=today().isoformat(),
        now=moment_text(datetime.now(UTC)),
        id=str(new_id()),
    )


def device_cookies(request: Request[Caller, Any, Any], config: Config) -> list[Cookie]:
    """A token for this phone, where it has none."""
    return [] if request.cookies.get(DEVICE) else [device_cookie(config, new_device())]


@post("/act", status_code=200, request_max_body_size=BODY_BYTES)
async def act(request: Request[Caller, Any, Any], pool: Pool, config: Config, committers: Committers) -> Response[Any]:
    """Log the act, and show what it earned."""
    typed = await typed_in(request)
    region = typed["region"]
    try:
        kind = kind_of(region, typed["action"])
    except CarbonRefusal:
        return place_page(request, region)
    try:
        await keep_photos(request, pool, typed)
        said = read_act(typed, kind)
        device = device_of(request)
        digest = devices.device_digest(config, device) if device else None
        logged = await committers.actions.submit(action_request(id_in(typed), request.user.member, said, digest))
    except CarbonRefusal as refusal:
        return form_page(request, config, region, kind, typed, carbon_refusal(refusal))
    except Refusal as refusal:
        return form_page(request, config, region, kind, typed, refusal)
    return see_other(f"/me/actions/{logged.action_id}")


async def keep_photos(request: Request[Caller, Any, Any], pool: asyncpg.Pool, typed: Typed) -> None:
    """Keep the photos that came, besides those kept when the form was sent before: the form holds them all.

    Raises TooManyPhotos, and keeps none of those that came; for one that is refused, the others are kept.
    """
    kept, sent = kept_in(typed), await photos_in(request)
    keep_in(typed, kept)
    if len(kept) + len(sent) > MOST_PHOTOS:
        raise TooManyPhotos(most=MOST_PHOTOS, count=len(kept) + len(sent))
    refused: Refusal | None = None
    for name, content in sent:
        try:
            keep_in(typed, [*kept_in(typed), await keep_photo(pool, request.user.member, content)])
        except Refusal as refusal:
            refused = refused or (PhotoRefused(name, refusal) if len(sent) > 1 else refusal)
    if refused:
        raise refused


async def keep_photo(pool: asyncpg.Pool, member_id: UUID, content: bytes) -> str:
    """Keep a photo; its digest. Raises what `photos.clean` and `evidence.keep` raise."""
    photo = await photos.clean(content)
    async with transaction(pool) as connection:
        return (await evidence.keep(connection, member_id, photo, datetime.now(UTC))).digest


routes = [find_act, act]
