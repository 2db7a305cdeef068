"""The estimate before an event, with the assumptions that the organizer can change: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath

from scenarios.meeting.estimates import Estimate
from scenarios.meeting.items import items, sources
from scenarios.policies.estimates import LABELS, MIXES, NUMBERS, estimate_policy, keys_of
from scenarios.regions import PROVINCES
from service import estimates
from service.access import Caller
from service.api.given import Pool
from service.errors import Refusal
from service.estimates import Changes, Mixes, OwnFactorText
from service.pages.organize import decoded, seen_event
from service.pages.rendering import LONGEST_TYPED, Typed, page, storable
from service.pages.saying import Unreadable

FIELDS = {"value": "own_value", "unit": "own_unit", "source": "own_source", "unit_contradicts": "own_unit"}


@get("/organize/events/{event_id:uuid}/estimate")
async def show_estimate(request: Request[Caller, Any, Any], event_id: FromPath[UUID], pool: Pool) -> Response[Any]:
    """What the event will probably emit; what is typed stands in the address, so that it can be kept and passed on."""
    typed = Typed({name: storable(text[:LONGEST_TYPED]) for name, text in request.query_params.items()})
    policy = estimate_policy()
    found: Estimate | None = None
    refused: Refusal | None = None
    async with pool.acquire() as connection:
        event, writes = await seen_event(connection, request.user, event_id)
        own = {name: str(getattr(policy.kinds[event.kind], name)) for name in NUMBERS}
        changed = {name: text for name in NUMBERS if (text := typed[name].strip()) not in {"", own[name]}}
        usual = estimates.usual_percents(event.kind)
        mixes = {name: read_mix(typed, name, usual[name]) for name in MIXES}
        mixed = {name: mix for name, mix in mixes.items() if mix != usual[name]}
        region = typed["region"] if typed["region"] in PROVINCES and event.country == "CN" else None
        try:
            changes = decoded(changed | decoded(mixed, Mixes).shares, Changes)
            found = await estimates.for_event(connection, event, changes, read_factor(typed), region)
        except Refusal as refusal:
            refused = at_field(refusal)
    return page(
        request,
        "estimate",
        typed=Typed(typed | own | changed),
        refusal=refused,
        fields=FIELDS,
        event=event,
        writes=writes,
        estimate=found,
        assumptions=LABELS,
        numbers=NUMBERS,
        changed={*changed, *mixed},
        mixes=mixes,
        offered={name: sorted(keys_of(name) - mixes[name].keys()) for name in MIXES},
        regions=tuple(PROVINCES) if event.country == "CN" else (),
        region=region or event.jurisdiction,
        items=items(),
        sources=sources(),
        policy=policy,
    )


def read_mix(typed: Typed, name: str, usual: Mapping[str, str]) -> dict[str, str]:
    """A mix in percent, by key: as typed, else as usual. What is left empty is none; `other` adds one."""
    told = {key: typed.get(f"{name}-{key}", usual.get(key, "")).strip() for key in [*usual, *sorted(keys_of(name))]}
    other = typed[f"{name}-other"]
    if other in keys_of(name) and typed[f"{name}-percent"].strip():
        told[other] = typed[f"{name}-percent"].strip()
    return {key: text or "0" for key, text in told.items() if key in usual or text not in {"", "0"}}


def at_field(refusal: Refusal) -> Refusal:
    """The refusal of an assumption, at that assumption; any other as it is."""
    return Unreadable({refusal.values["name"]: refusal}) if refusal.code == "assumption_absurd" else refusal


def read_factor(typed: Typed) -> dict[str, OwnFactorText]:
    """A factor of the organizer's own, if one was typed. Raises Unreadable."""
    if not typed["own_value"]:
        return {}
    values = {field: typed[f"own_{field}"].strip() for field in ("value", "unit", "source")}
    return {typed["own_item"]: decoded(values, OwnFactorText)}


routes = [show_estimate]
