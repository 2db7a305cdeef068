"""What handlers are given besides the request: the composition root's dependencies, by these names."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias, cast

import asyncpg
from litestar import Request
from litestar.di import NamedDependency

from service import committers, config, departures, limits, nudges, partner_feed, senders, streams


class Means(NamedTuple):
    """What the hot routes need: looked up, since to be given one of these costs a thirtieth of a check-in."""

    pool: asyncpg.Pool
    config: config.Config
    committers: committers.Committers
    limits: limits.Limits
    nudges: nudges.Nudges
    feeds: partner_feed.Feeds


def means_of(request: Request[Any, Any, Any]) -> Means:
    """What the composition root gave the application."""
    return cast("Means", request.app.state.means)


Pool: TypeAlias = NamedDependency[asyncpg.Pool]
Config: TypeAlias = NamedDependency[config.Config]
Sender: TypeAlias = NamedDependency[senders.Sender]
Limits: TypeAlias = NamedDependency[limits.Limits]
Committers: TypeAlias = NamedDependency[committers.Committers]
Nudges: TypeAlias = NamedDependency[nudges.Nudges]
Streams: TypeAlias = NamedDependency[streams.Streams]
Departed: TypeAlias = NamedDependency[departures.Departures]
