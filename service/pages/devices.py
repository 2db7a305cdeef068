"""This phone: a random token of its own, which says who attends where nobody is signed in."""

from __future__ import annotations

import re
import secrets
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from service.access import Caller
from service.config import Config
from service.pages.rendering import own_cookie
from service.sessions import PUBLIC_ONLY

DEVICE = "tanhui_device"
DEVICE_LIFE_S = 180 * 24 * 3600
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


def device_of(request: Request[Any, Any, Any], typed: str = "") -> str | None:
    """The phone's token from its cookie, else as its form carried it; None where neither is a token."""
    for token in (request.cookies.get(DEVICE, ""), typed):
        if TOKEN.fullmatch(token):
            return token
    return None


def new_device() -> str:
    """A new token: 128 random bits in 22 characters."""
    return secrets.token_urlsafe(16)


def device_cookie(config: Config, token: str) -> Cookie:
    """The cookie that keeps the token on the phone."""
    return own_cookie(DEVICE, value=token, max_age=DEVICE_LIFE_S, secure=config.secure)


def stands_for(caller: Caller, *, guest: bool) -> Caller:
    """Who checks in: whoever is signed in on this phone, or somebody else who borrowed it."""
    return Caller(None, PUBLIC_ONLY, caller.address) if guest else caller
