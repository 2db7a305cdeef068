"""The receipt: what a steward reads at arm's length, what the trip came to, and what can still be done about it.

Its address may be shared: it holds no secret. The key is in a cookie that is sent to this one receipt only, and in
the receipt's own forms, so that phones without cookies can use them too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from scenarios.labels import CABIN_LABELS
from service import claims, corrections, forms, receipts
from service.access import Caller
from service.api.given import Config, Nudges, Pool
from service.db import new_id, transaction
from service.errors import NotFound, Refusal
from service.idempotency import digest
from service.pages.rendering import Typed, id_in, own_cookie, page, see_other, typed_in
from service.pages.trips import FIELDS, as_typed, choices, read_origin, read_trip
from service.receipts import Receipt

KEY = "tanhui_receipt"
KEY_LIFE_S = 180 * 24 * 3600


def receipt_path(receipt: Receipt, *, at: str = "", again: bool = False) -> str:
    """A receipt's address; `at` is the code of the door, for the next person on this phone."""
    query = "&".join([*(["again=1"] if again else []), *([f"at={quote(at, safe='')}"] if at else [])])
    return f"/r/{receipt.check_in_id}{'?' if query else ''}{query}"


def with_receipt_cookie(config: Config, receipt: Receipt, response: Response[Any]) -> Response[Any]:
    """The response, leaving the receipt's key on this phone."""
    if receipt.receipt_key:
        path = f"/r/{receipt.check_in_id}"
        response.set_cookie(
            own_cookie(KEY, value=receipt.receipt_key, path=path, max_age=KEY_LIFE_S, secure=config.secure)
        )
    return response


def receipt_page(
    request: Request[Caller, Any, Any],
    config: Config,
    receipt: Receipt,
    *,
    at: str = "",
    again: bool = False,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The receipt, and above it why something could not be done with it."""
    response = page(
        request,
        "receipt",
        refusal=refusal,
        receipt=receipt,
        trip=receipt.trip,
        cabins=CABIN_LABELS,
        at=at[:200],
        again=again or receipt.duplicate,
        correctable=corrections.is_correctable(receipt, datetime.now(UTC)),
    )
    return with_receipt_cookie(config, receipt, response)


@get("/r/{check_in_id:uuid}")
async def show_receipt(
    request: Request[Caller, Any, Any],
    check_in_id: FromPath[UUID],
    config: Config,
    pool: Pool,
    at: FromQuery[str] = "",
    again: FromQuery[bool] = False,
) -> Response[Any]:
    """The receipt, on the phone that checked in or for the account that did."""
    async with pool.acquire() as connection:
        found = await receipts.receipt(connection, config, check_in_id, request.user, request.cookies.get(KEY))
    return receipt_page(request, config, found, at=at, again=again)


async def held(request: Request[Caller, Any, Any], config: Config, pool: asyncpg.Pool, check_in_id: UUID) -> Receipt:
    """The receipt whose key the form carries. Raises NotFound: the key stands for the token against forged forms."""
    key = (await typed_in(request))["key"]
    async with pool.acquire() as connection:
        return await receipts.receipt(connection, config, check_in_id, Caller(None, frozenset()), key)


def shown(request: Request[Caller, Any, Any], config: Config, receipt: Receipt, at: str) -> Response[Any]:
    """Back to the receipt; at once for a phone that keeps no cookies."""
    if KEY not in request.cookies and not request.user.member_id:
        return receipt_page(request, config, receipt, at=at)
    return with_receipt_cookie(config, receipt, see_other(receipt_path(receipt, at=at)))


@post("/r/{check_in_id:uuid}/undo", exclude_from_csrf=True, status_code=200)
async def undo(
    request: Request[Caller, Any, Any], check_in_id: FromPath[UUID], config: Config, pool: Pool, nudges: Nudges
) -> Response[Any]:
    """Take the check-in back."""
    receipt, typed = await held(request, config, pool, check_in_id), await typed_in(request)
    try:
        async with transaction(pool) as connection:
            ended = await corrections.undo(
                connection, config, check_in_id, request.user, receipt.receipt_key, datetime.now(UTC)
            )
    except NotFound:
        raise
    except Refusal as refusal:
        return receipt_page(request, config, receipt, at=typed["at"], refusal=refusal)
    nudges.fold(ended.event_id)
    return shown(request, config, ended, typed["at"])


@get("/r/{check_in_id:uuid}/change")
async def ask_change(
    request: Request[Caller, Any, Any], check_in_id: FromPath[UUID], config: Config, pool: Pool, at: FromQuery[str] = ""
) -> Response[Any]:
    """The form again, with the trip as it was said."""
    async with pool.acquire() as connection:
        receipt = await receipts.receipt(connection, config, check_in_id, request.user, request.cookies.get(KEY))
    return await change_page(request, pool, receipt, at=at)


async def change_page(
    request: Request[Caller, Any, Any],
    pool: asyncpg.Pool,
    receipt: Receipt,
    *,
    at: str = "",
    typed: Typed | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """The form to say a trip again."""
    async with pool.acquire() as connection:
        form = await forms.form_to_correct(connection, receipt)
    typed = typed or as_typed(forms.trip_said(receipt))
    return page(
        request,
        "change",
        typed=typed,
        refusal=refusal,
        fields=FIELDS,
        form=form,
        receipt=receipt,
        at=at,
        places=choices(typed, form.country) if refusal else (),
        id=typed["id"] or str(new_id()),
    )


@post("/r/{check_in_id:uuid}/change", exclude_from_csrf=True, status_code=200)
async def change(
    request: Request[Caller, Any, Any], check_in_id: FromPath[UUID], config: Config, pool: Pool, nudges: Nudges
) -> Response[Any]:
    """Say the trip again: the answer is the new receipt."""
    receipt, typed = await held(request, config, pool, check_in_id), await typed_in(request)
    try:
        corrected = await corrected_by(request, config, pool, receipt, typed)
    except (corrections.TooLateToCorrect, corrections.AlreadyEnded, corrections.CreditsSpent) as refusal:
        return receipt_page(request, config, receipt, at=typed["at"], refusal=refusal)
    except Refusal as refusal:
        return await change_page(request, pool, receipt, at=typed["at"], typed=typed, refusal=refusal)
    nudges.fold(corrected.event_id)
    return shown(request, config, corrected, typed["at"])


async def corrected_by(
    request: Request[Caller, Any, Any], config: Config, pool: asyncpg.Pool, receipt: Receipt, typed: Typed
) -> Receipt:
    """The new receipt. Raises Unreadable and what `corrections.correct` raises."""
    trip = read_trip(typed, receipt.part)
    origin = read_origin(typed, trip)
    async with transaction(pool) as connection:
        return await corrections.correct(
            connection,
            config,
            receipt.check_in_id,
            id_in(typed),
            trip,
            origin,
            digest(receipt.check_in_id, trip, origin),
            request.user,
            receipt.receipt_key,
            datetime.now(UTC),
        )


@post("/r/{check_in_id:uuid}/claim", status_code=200)
async def claim(
    request: Request[Caller, Any, Any], check_in_id: FromPath[UUID], config: Config, pool: Pool
) -> Response[Any]:
    """Take what the check-in earned into one's account."""
    receipt, typed = await held(request, config, pool, check_in_id), await typed_in(request)
    try:
        async with transaction(pool) as connection:
            claimed = await claims.claim(
                connection, config, check_in_id, receipt.receipt_key or "", request.user.member
            )
    except Refusal as refusal:
        return receipt_page(request, config, receipt, at=typed["at"], refusal=refusal)
    return shown(request, config, claimed, typed["at"])


routes = [show_receipt, undo, ask_change, change, claim]
