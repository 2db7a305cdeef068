"""The composition root: which routes there are, and what they share."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ControllerRouterHandler

from scenarios.places import warm
from service.access import ACCESS
from service.api import (
    accounting,
    actions,
    activity_data,
    cancellations,
    check_ins,
    confirmations,
    consents,
    donations,
    echo,
    estimates,
    event_facts,
    event_files,
    event_marks,
    event_measures,
    events,
    evidence,
    expiries,
    head_counts,
    imports,
    jobs,
    log,
    me,
    methodologies,
    methodology_versions,
    mode_corrections,
    offsets,
    organizations,
    partner_actions,
    partners,
    places,
    plans,
    posters,
    readiness,
    reports,
    reservations,
    retirements,
    reviews,
    serials,
    sign_in,
    statements,
    stations,
    tallies,
    trail,
    verification,
    verifiers,
)
from service.api.callers import know_caller
from service.api.given import Means
from service.api.problems import as_refusal, problem_response
from service.committers import Committers, committers
from service.config import Config, from_environment
from service.db import open_pool
from service.departures import Departures
from service.limits import Limits
from service.methodology_versions import kept_fresh
from service.nudges import Nudges
from service.pages import site
from service.pages.rendering import template_config
from service.partner_feed import Feeds
from service.senders import find_sender
from service.streams import Streams

API: list[ControllerRouterHandler] = [
    *sign_in.routes,
    *me.routes,
    *organizations.routes,
    *places.routes,
    *methodologies.routes,
    *methodology_versions.routes,
    *events.routes,
    *posters.routes,
    *cancellations.routes,
    *head_counts.routes,
    *offsets.routes,
    *mode_corrections.routes,
    *estimates.routes,
    *activity_data.routes,
    *accounting.routes,
    *event_files.routes,
    *imports.routes,
    *actions.routes,
    *evidence.routes,
    *reviews.routes,
    *partners.routes,
    *consents.routes,
    *partner_actions.routes,
    *donations.routes,
    *reservations.routes,
    *expiries.routes,
    *retirements.routes,
    *confirmations.routes,
    *verification.routes,
    *statements.routes,
    *check_ins.routes,
    *tallies.routes,
    *log.routes,
    *serials.routes,
    *stations.routes,
    *jobs.routes,
    *reports.routes,
    *event_facts.routes,
    *plans.routes,
    *event_measures.routes,
    *event_marks.routes,
    *readiness.routes,
    *trail.routes,
    *verifiers.routes,
]


@get("/healthz", sync_to_thread=False, include_in_schema=False)
def healthz() -> dict[str, str]:
    """Whether the process serves; it says nothing of the database."""
    return {"status": "ok"}


def refuse(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer whatever was raised. A fault of our own is raised on, logged, and answered 500 by the framework."""
    if site.is_page(request):
        return site.refuse_page(request, error)
    return problem_response(request, as_refusal(error))


def find_pool(state: State) -> asyncpg.Pool:
    """The process's connections."""
    return state.pool


def find_committers(state: State) -> Committers:
    """The process's hot writes."""
    return cast("Committers", state.committers)


def find_streams(state: State) -> Streams:
    """The process's viewers of tallies."""
    return cast("Streams", state.streams)


def find_limits(state: State) -> Limits:
    """The process's counts of who asks how often."""
    return cast("Limits", state.limits)


def find_departed(state: State) -> Departures:
    """Whose tokens the process refuses."""
    return cast("Departures", state.departed)


def find_nudges(state: State) -> Nudges:
    """The process's way to wake the workers."""
    return cast("Nudges", state.nudges)


def give(value: Any) -> Provide:
    """A dependency that is the same for every request."""
    return Provide(lambda: value, use_cache=True, sync_to_thread=False)


@asynccontextmanager
async def resources(app: Litestar) -> AsyncIterator[None]:
    """What a process holds while it serves. At its end, streams end and what waits to be committed is committed."""
    config: Config = app.state.config
    async with (
        await open_pool(config) as pool,
        await open_pool(config, hot=True) as hot,
        kept_fresh(pool),
        Nudges(config.redis_url).running() as nudges,
        Departures(pool).running() as departed,
    ):
        app.state.pool, app.state.nudges, app.state.departed = pool, nudges, departed
        app.state.committers = committers(hot, config)
        feeds = Feeds(hot)
        app.state.means = Means(pool, config, app.state.committers, app.state.limits, nudges, feeds)
        async with Streams(pool, config.database_url).running() as streams:
            app.state.streams = streams
            await asyncio.to_thread(warm)  # a search that came meanwhile would do all of it a second time
            gc.freeze()  # what stays as long as the process: to look through it for garbage takes a tenth of a second
            yield
            gc.unfreeze()
        await feeds.close()
        await app.state.committers.close()


def create_app(config: Config | None = None) -> Litestar:
    """The ASGI application.

    Raises ConfigError for settings that do not suffice, LookupError for a route without a row in the table of access.
    """
    config = config or from_environment()
    app = Litestar(
        route_handlers=[
            healthz,
            Router("/v1", route_handlers=[*API, *(echo.routes if config.bench else ())]),
            Router("/", route_handlers=[site.pages], middleware=site.middleware(config)),
        ],
        lifespan=[resources],
        before_request=know_caller,
        exception_handlers={Exception: refuse},
        template_config=template_config,
        dependencies={
            "pool": Provide(find_pool, sync_to_thread=False),
            "committers": Provide(find_committers, sync_to_thread=False),
            "streams": Provide(find_streams, sync_to_thread=False),
            "departed": Provide(find_departed, sync_to_thread=False),
            "nudges": Provide(find_nudges, sync_to_thread=False),
            "config": give(config),
            "sender": give(find_sender(config)),
            "limits": Provide(find_limits, sync_to_thread=False),
        },
        openapi_config=OpenAPIConfig(
            title="Tanhui 碳惠",
            version="1",
            path="/openapi",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        ),
        request_max_body_size=1_000_000,
    )
    app.state.config, app.state.limits = config, Limits(config)
    if unlisted := [route for route in routes(app) if route not in ACCESS]:
        raise LookupError(f"no row in service/access.py for {', '.join(unlisted)}")
    if unguarded := [str(route.path) for route in app.routes if not is_guarded(route)]:
        raise LookupError(f"not asked who calls: {', '.join(unguarded)}")
    return app


def is_guarded(route: BaseRoute) -> bool:
    """Whether every request of this route comes by `know_caller`: no handler has a hook or a cache of its own."""
    if not isinstance(route, HTTPRoute):
        return False
    handlers = [handler for handler, _ in route.route_handler_map.values()]
    return all(each.resolve_before_request() is know_caller and not each.cache for each in handlers)


def routes(app: Litestar) -> list[str]:
    """Every route served, as `METHOD /path/{template}`."""
    return sorted(
        f"{method} {route.path_format}"
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    )
