"""Signing in: the phone, then the code that came to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery

from service import members, sessions
from service.access import Caller
from service.api.callers import COOKIE
from service.api.given import Config, Limits, Pool, Sender
from service.db import new_id, transaction
from service.errors import Refusal
from service.pages.home import safe_path
from service.pages.rendering import Typed, id_in, own_cookie, page, see_other, storable, typed_in
from service.phones import PhoneInvalid
from service.sessions import SESSION_LIFE
from service.sign_in_codes import CodeUsedUp

PHONE = "tanhui_phone"
PHONE_LIFE_S = 600
FIELDS = {"phone_invalid": "phone", "code_wrong": "code", "code_used_up": "code"}


def form_page(
    request: Request[Caller, Any, Any], template: str, typed: Typed, to: str, refusal: Refusal | None = None
) -> Response[Any]:
    """One of the two forms."""
    return page(request, template, typed=typed, refusal=refusal, fields=FIELDS, to=to, id=str(new_id()))


@get("/sign-in")
async def ask_phone(request: Request[Caller, Any, Any], to: FromQuery[str] = "/me") -> Response[Any]:
    """Which phone a code shall go to."""
    if request.user.member_id:
        return see_other(safe_path(to))
    return form_page(request, "sign_in", Typed(phone=phone_of(request)), safe_path(to))


@post("/sign-in", status_code=200)
async def send_code(
    request: Request[Caller, Any, Any],
    pool: Pool,
    config: Config,
    sender: Sender,
    limits: Limits,
) -> Response[Any]:
    """Send a code, unless there is one already, and ask for it."""
    typed = await typed_in(request)
    to, address = safe_path(typed["to"]), request.user.address
    try:
        limits.sign_in(address)
        if not typed["have"]:
            key, now = str(id_in(typed)), datetime.now(UTC)
            await members.request_code(pool, config, sender, typed["phone"], address, key, now)
    except Refusal as refusal:
        return form_page(request, "sign_in", typed, to, refusal)
    phone = own_cookie(PHONE, value=quote(typed["phone"]), path="/sign-in", max_age=PHONE_LIFE_S, secure=config.secure)
    return see_other(f"/sign-in/code?to={quote(to, safe='')}", [phone])


@get("/sign-in/code")
async def ask_sent_code(request: Request[Caller, Any, Any], to: FromQuery[str] = "/me") -> Response[Any]:
    """Which code came."""
    if PHONE not in request.cookies:
        return see_other(f"/sign-in?to={quote(safe_path(to), safe='')}")
    return form_page(request, "sign_in_code", Typed(phone=phone_of(request)), safe_path(to))


@post("/sign-in/code", status_code=200)
async def enter(request: Request[Caller, Any, Any], pool: Pool, config: Config, limits: Limits) -> Response[Any]:
    """Sign in, and on to where one was going."""
    typed = await typed_in(request)
    to, typed["phone"] = safe_path(typed["to"]), phone_of(request)
    try:
        limits.sign_in(request.user.address)
        code, now = typed["code"].strip(), datetime.now(UTC)
        cookie = await members.sign_in_browser(pool, config, typed["phone"], code, str(id_in(typed)), now)
    except (CodeUsedUp, PhoneInvalid) as refusal:
        return form_page(request, "sign_in", Typed(phone=typed["phone"]), to, refusal)
    except Refusal as refusal:
        return form_page(request, "sign_in_code", typed, to, refusal)
    return see_other(to, [session_cookie(config, cookie), forget(PHONE, "/sign-in")])


def phone_of(request: Request[Any, Any, Any]) -> str:
    """The number that was typed a moment ago."""
    return storable(unquote(request.cookies.get(PHONE, "")))


def session_cookie(config: Config, value: str) -> Cookie:
    """The cookie that says who is signed in."""
    return own_cookie(COOKIE, value=value, max_age=int(SESSION_LIFE.total_seconds()), secure=config.secure)


def forget(name: str, path: str = "/") -> Cookie:
    """A cookie's end."""
    return own_cookie(name, value="", path=path, max_age=0)


@post("/sign-out", status_code=200)
async def sign_out(request: Request[Caller, Any, Any], pool: Pool, config: Config) -> Response[Any]:
    """End the session."""
    if request.user.member_id:
        cookie = request.cookies[COOKIE]
        async with transaction(pool) as connection:
            await sessions.sign_out(connection, config, cookie, datetime.now(UTC))
    return see_other("/", [forget(COOKIE)])


routes = [ask_phone, send_code, ask_sent_code, enter, sign_out]
