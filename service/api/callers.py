"""Who is calling: a bearer token on /v1, a session cookie on pages; and whether that role may call this route."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware.authentication import AbstractAuthenticationMiddleware, AuthenticationResult

from service import sessions
from service.access import ACCESS, Caller, Role
from service.errors import NotAllowed, NotSignedIn

COOKIE = "tanhui_session"
PUBLIC_ONLY = frozenset({Role.PUBLIC})


class CallerMiddleware(AbstractAuthenticationMiddleware):
    """Sets `request.user` to the Caller. A token that is no good is refused, not ignored."""

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """The caller by header on /v1, by cookie elsewhere. Raises NotSignedIn for a bad token."""
        address = connection.client.host if connection.client else ""
        state = connection.app.state
        if connection.scope["path"].startswith("/v1/"):
            header = connection.headers.get("authorization")
            if header is None:
                return AuthenticationResult(Caller(None, PUBLIC_ONLY, address), None)
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer":
                raise NotSignedIn
            return AuthenticationResult(sessions.read_access_token(state.config, token, address), None)
        cookie = connection.cookies.get(COOKIE)
        if cookie is None:
            return AuthenticationResult(Caller(None, PUBLIC_ONLY, address), None)
        async with state.pool.acquire() as database:
            caller = await sessions.read_browser_token(database, state.config, cookie, address, datetime.now(UTC))
        return AuthenticationResult(caller, None)


def may_call(connection: ASGIConnection[Any, Caller, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of every route: the caller needs one of the roles in the route's row."""
    if connection.scope["method"] == "OPTIONS":  # type: ignore[typeddict-item]
        return  # the framework's own answer: which methods there are
    allowed = ACCESS[f"{connection.scope['method']} {connection.scope['path_template']}"]  # type: ignore[typeddict-item]
    if allowed & connection.user.roles:
        return
    raise NotAllowed if connection.user.member_id else NotSignedIn
