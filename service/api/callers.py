"""Who is calling: a bearer token on /v1, a session cookie on pages; and whether that role may call this route."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection

from service import sessions
from service.access import ACCESS, Caller, Role
from service.errors import NotAllowed, NotSignedIn

COOKIE = "tanhui_session"
PUBLIC_ONLY = frozenset({Role.PUBLIC})
ERASURE = "POST /v1/me/erasure"
"""The one route that hears somebody who was just erased: to say so again, where the first answer was lost."""


async def know_caller(request: Request[Any, Any, Any]) -> None:
    """Set `request.user` to the Caller, and let nobody on whom the route's row of the table does not name.

    A hook before each request: a guard copies the route's handler, and a middleware costs a twentieth of a request.
    OPTIONS asks nothing of anyone. Raises NotSignedIn for a bad token or none where one is needed, SessionEnded
    for somebody who was erased, NotAllowed for a wrong role.
    """
    scope = request.scope
    if scope["method"] == "OPTIONS":
        return
    caller = caller_by_token(request) if scope["path"].startswith("/v1/") else await caller_by_cookie(request)
    route = f"{scope['method']} {scope['path_template']}"
    if caller.member_id and caller.member_id in request.app.state.departed and route != ERASURE:
        raise sessions.SessionEnded
    if ACCESS[route].isdisjoint(caller.roles):
        raise NotAllowed if caller.member_id else NotSignedIn
    scope["user"] = caller


def caller_by_token(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """The caller of the API, by header. A token that is no good is refused, not ignored: NotSignedIn."""
    address = connection.client.host if connection.client else ""
    header = connection.headers.get("authorization")
    if header is None:
        return Caller(None, PUBLIC_ONLY, address)
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedIn
    return sessions.read_access_token(connection.app.state.config, token, address)


async def caller_by_cookie(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
    """The caller of a page, by cookie; nobody in particular when it is no good."""
    address = connection.client.host if connection.client else ""
    cookie = connection.cookies.get(COOKIE)
    if cookie is None:
        return Caller(None, PUBLIC_ONLY, address)
    state = connection.app.state
    async with state.pool.acquire() as database:
        return await sessions.read_browser_token(database, state.config, cookie, address, datetime.now(UTC))
