"""All pages together: their routes, what protects their forms, and how they say no."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Request, Response, Router
from litestar.config.compression import CompressionConfig
from litestar.config.csrf import CSRFConfig
from litestar.enums import RequestEncodingType
from litestar.exceptions import PermissionDeniedException
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.middleware.csrf import CSRFMiddleware
from litestar.types import Middleware

from service.api.problems import WrongMediaType, as_refusal, language_of
from service.config import Config
from service.errors import TITLES, NotAllowed, NotFound, NotSignedIn, Refusal
from service.i18n import translate
from service.pages import (
    accounting,
    activity_data,
    acts,
    cancellations,
    confirmations,
    consents,
    doors,
    estimates,
    event_facts,
    event_files,
    event_marks,
    event_measures,
    events,
    head_counts,
    home,
    imports,
    jobs,
    me,
    members,
    my_acts,
    offers,
    offsets,
    organize,
    partners,
    plans,
    privacy,
    public_log,
    readiness,
    receipts,
    reports,
    retirements,
    reviews,
    sign_in,
    statements,
    stations,
    stewards,
    trail,
    verification,
    verifiers,
    watching,
)
from service.pages.assets import asset
from service.pages.home import safe_path
from service.pages.rendering import CSRF_COOKIE, page, see_other

pages = Router(
    "/",
    include_in_schema=False,
    route_handlers=[
        asset,
        *home.routes,
        *sign_in.routes,
        *doors.routes,
        *receipts.routes,
        *retirements.routes,
        *public_log.routes,
        *me.routes,
        *privacy.routes,
        *statements.routes,
        *acts.routes,
        *my_acts.routes,
        *reviews.routes,
        *consents.routes,
        *events.routes,
        *organize.routes,
        *accounting.routes,
        *activity_data.routes,
        *event_files.routes,
        *imports.routes,
        *head_counts.routes,
        *offsets.routes,
        *offers.routes,
        *estimates.routes,
        *cancellations.routes,
        *partners.routes,
        *stations.routes,
        *stewards.routes,
        *watching.routes,
        *trail.routes,
        *members.routes,
        *verifiers.routes,
        *jobs.routes,
        *reports.routes,
        *confirmations.routes,
        *verification.routes,
        *readiness.routes,
        *event_facts.routes,
        *plans.routes,
        *event_measures.routes,
        *event_marks.routes,
    ],
)


log = logging.getLogger(__name__)


class Fault(Refusal):
    """系统出错，没有办成。错误已经记下，请稍后再试。"""

    status = 500
    code = "fault"


class FormStale(NotAllowed):
    """页面打开得太久，或浏览器没有保存 Cookie。请返回上一页，刷新后再试。"""

    code = "form_stale"


def csrf_config(config: Config) -> CSRFConfig:
    """Forms carry a token that other sites cannot know. The API has none: its callers send no cookies."""
    return CSRFConfig(
        secret=config.key("csrf").hex(),
        cookie_name=CSRF_COOKIE,
        cookie_httponly=True,
        cookie_secure=config.secure,
        exclude="^/v1/",
    )


UNCOMPRESSED = ["^/v1/", "/stream$", "/poster/", "^/photos/", "/export$", "/reports/"]
compression_config = CompressionConfig(backend="gzip", gzip_compress_level=6, exclude=UNCOMPRESSED)
"""Pages are compressed, not the API: its answers are small, and it has other things to do."""


def middleware(config: Config) -> list[Middleware]:
    """What stands before pages only: the API would pay for it at every request, and has no use for it."""
    return [
        DefineMiddleware(CompressionMiddleware, config=compression_config),
        DefineMiddleware(CSRFMiddleware, config=csrf_config(config)),
    ]


def is_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person is reading, not a program."""
    return not request.url.path.startswith(("/v1", "/openapi", "/healthz"))


def refuse_page(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Whatever was raised, as a page that says so; to the sign-in, where that is what lacks."""
    if isinstance(error, PermissionDeniedException):
        error = FormStale()
    elif request.content_type[0] == RequestEncodingType.MULTI_PART and isinstance(error, LookupError | ValueError):
        error = WrongMediaType()  # no browser sends it so; the framework does not catch what such a body may hold
    try:
        refusal = as_refusal(error)
    except Exception:
        log.exception("%s %s", request.method, request.url.path)
        refusal = Fault()
    if isinstance(refusal, NotSignedIn):
        return see_other(f"/sign-in?to={quote(came_from(request), safe='')}")
    title = translate(language_of(request), TITLES[refusal.status])
    return page(request, "refused", refusal=refusal, title=title, lost=refusal.status == NotFound.status)


def came_from(request: Request[Any, Any, Any]) -> str:
    """The page to go back to after signing in: this one, or the one whose form was sent."""
    if request.method == "GET":
        query = request.url.query
        return f"{request.url.path}?{query}" if query else request.url.path
    return safe_path(urlsplit(request.headers.get("referer", "")).path or "/")
