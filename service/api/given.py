"""What handlers are given besides the request: the composition root's dependencies, by these names."""

from __future__ import annotations

from typing import TypeAlias

import asyncpg
from litestar.di import NamedDependency

from service import committers, config, limits, nudges, senders, streams

Pool: TypeAlias = NamedDependency[asyncpg.Pool]
Config: TypeAlias = NamedDependency[config.Config]
Sender: TypeAlias = NamedDependency[senders.Sender]
Limits: TypeAlias = NamedDependency[limits.Limits]
Committers: TypeAlias = NamedDependency[committers.Committers]
Nudges: TypeAlias = NamedDependency[nudges.Nudges]
Streams: TypeAlias = NamedDependency[streams.Streams]
