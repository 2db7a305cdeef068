"""What handlers are given besides the request: the composition root's dependencies, by these names."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import asyncpg
from litestar.di import NamedDependency

from service import committers, config, limits, nudges, senders, streams


class Means(NamedTuple):
    """What the hot routes need, as one dependency: several are resolved in tasks of their own, at a third of the cost
    of a whole check-in."""

    pool: asyncpg.Pool
    config: config.Config
    committers: committers.Committers
    limits: limits.Limits
    nudges: nudges.Nudges


Hot: TypeAlias = NamedDependency[Means]
Pool: TypeAlias = NamedDependency[asyncpg.Pool]
Config: TypeAlias = NamedDependency[config.Config]
Sender: TypeAlias = NamedDependency[senders.Sender]
Limits: TypeAlias = NamedDependency[limits.Limits]
Committers: TypeAlias = NamedDependency[committers.Committers]
Nudges: TypeAlias = NamedDependency[nudges.Nudges]
Streams: TypeAlias = NamedDependency[streams.Streams]
