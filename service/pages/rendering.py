"""How pages are made: one template environment for both languages, one set of headers, one way to answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Request
from litestar.datastructures import Cookie
from litestar.enums import MediaType
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.template import TemplateConfig
from litestar.utils.empty import value_or_default
from litestar.utils.scope.state import ScopeState

from scenarios.actions.methodologies import label_of, methodologies
from scenarios.meeting.modes import MODES
from service.api.problems import language_of
from service.errors import NotFound, Refusal
from service.i18n import texts, translate
from service.pages import act_figures, figures
from service.pages.assets import asset_url
from service.pages.saying import sentences

TEMPLATES = Path(__file__).parent / "templates"
FILTERS = {**figures.FILTERS, **act_figures.FILTERS}

CSRF_COOKIE = "tanhui_csrf"
NOWHERE: Mapping[str, str] = {}

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
    "vary": "Cookie, Accept-Language",
}
"""On every page: nothing comes from another host, nothing runs that is not ours, nothing is kept."""


@pass_context
def gettext(context: Context, message: str) -> str:
    """A text in the page's language."""
    return translate(context["language"], message)


@pass_context
def ngettext(context: Context, singular: str, plural: str, count: int) -> str:
    """A text that depends on how many, in the page's language."""
    return texts(context["language"]).ngettext(singular, plural, count)


def in_language(function: Any) -> Any:
    """A filter that is given the page's language behind its own arguments."""

    @pass_context
    def filtered(context: Context, *values: Any) -> Any:
        return function(*values, context["language"])

    return filtered


def action_labels() -> dict[str, str]:
    """What citizens' actions are called, by key."""
    return {action.key: action.label for each in methodologies() for action in each.actions.values()}


class Labels(dict[str, str]):
    """The same for templates, by the methodologies of the moment."""

    def __missing__(self, action: str) -> str:
        return label_of(action) or action


def make_environment() -> Environment:
    """The templates' environment. A name that a page lacks is an error, never an empty place."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {"asset": asset_url, "MODES": MODES, "labels": Labels()}
    environment.filters |= {name: in_language(function) for name, function in FILTERS.items()}
    environment.filters["t"] = gettext
    return environment


ENVIRONMENT = make_environment()
template_config = TemplateConfig(instance=JinjaTemplateEngine.from_environment(ENVIRONMENT))


class Typed(dict[str, str]):
    """What a person typed, by field. A field that was not sent is an empty text."""

    def __missing__(self, field: str) -> str:
        return ""


LONGEST_TYPED = 2_000
UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


async def typed_in(request: Request[Any, Any, Any]) -> Typed:
    """The form that was sent: texts only, each cut at a length that no field reaches."""
    form = await request.form()
    return Typed({name: storable(value[:LONGEST_TYPED]) for name, value in form.items() if isinstance(value, str)})


def storable(text: str) -> str:
    """The text without what neither a database nor a page may hold: controls, halves of characters, none at all."""
    return UNSPEAKABLE.sub("", text)


def id_in(typed: Typed) -> UUID:
    """The id that a form carries against being sent twice. Raises NotFound where it was tampered with."""
    try:
        return UUID(typed["id"])
    except ValueError:
        raise NotFound from None


def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    status: int = 200,
    cookies: Sequence[Cookie] = (),
    typed: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
    fields: Mapping[str, str] = NOWHERE,
    **context: Any,
) -> Template:
    """A page in the reader's language. A refusal is said at the field that `fields` names for its code."""
    errors = sentences(refusal, fields, language_of(request))
    waiting = {"retry-after": str(refusal.retry_after_s)} if refusal and refusal.retry_after_s is not None else {}
    return Template(
        f"{template}.html",
        context={**common(request), "typed": typed or Typed(), "errors": errors, **context},
        status_code=refusal.status if refusal else status,
        cookies=list(cookies),
        headers={**HEADERS, **waiting, "content-language": language_of(request)},
        media_type=MediaType.HTML,
    )


def common(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """What every template may use."""
    path = request.url.path
    query = request.url.query
    return {
        "language": language_of(request),
        "caller": request.scope.get("user"),
        "here": f"{path}?{query}" if query and request.method == "GET" else path,
        "csrf": value_or_default(ScopeState.from_scope(request.scope).csrf_token, request.cookies.get(CSRF_COOKIE, "")),
    }


def fragment(template: str, language: str, **context: Any) -> str:
    """A piece of a page, for a stream."""
    return ENVIRONMENT.get_template(f"{template}.html").render(language=language, **context)


def see_other(path: str, cookies: Iterable[Cookie] = ()) -> Redirect:
    """After a form was taken: look there."""
    return Redirect(path, status_code=303, cookies=list(cookies), headers={"cache-control": "no-store"})


own_cookie = partial(Cookie, httponly=True, samesite="lax")
"""A cookie that scripts can't read and other sites' forms don't carry."""
