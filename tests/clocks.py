"""Later: what a test sees when time has passed, at whatever hour it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import time_machine

from scenarios.actions.methodologies import use_published
from service.methodology_versions import GOOD_FOR, day_of


@contextmanager
def later(by: timedelta) -> Iterator[None]:
    """Some time later. An application that runs has read the methodologies anew meanwhile, as it does every half
    minute: it may be another day. Nothing is published but what ships."""
    with time_machine.travel(datetime.now(UTC) + by, tick=True):
        use_published((), day_of(datetime.now(UTC) + GOOD_FOR))
        yield
