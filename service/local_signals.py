"""Ctrl-C and its kin: the first interrupts us, or cancels what runs asynchronously; more of them are ignored."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Interruption:
    """What the first of Ctrl-C, SIGTERM and the terminal's end does, while they are listened to.

    Raised in the middle of an event loop, KeyboardInterrupt can leave a connection that waits for ever: what runs
    asynchronously is cancelled instead, ends in good order, and then KeyboardInterrupt is raised.
    """

    def __init__(self) -> None:
        self.cancel: Callable[[], object] | None = None
        self.signals = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self.signals.append(signal.SIGHUP)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen, for the length of the block."""
        with contextlib.ExitStack() as before:
            for number in self.signals:
                before.callback(signal.signal, number, signal.signal(number, self.interrupt))
            yield

    def interrupt(self, *_: object) -> None:
        """Take the first, and listen no more."""
        for number in self.signals:
            signal.signal(number, signal.SIG_IGN)
        if self.cancel is None:
            raise KeyboardInterrupt
        self.cancel()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it in an event loop of its own. Raises KeyboardInterrupt where it was cancelled."""
        try:
            return asyncio.run(self.cancellable(work))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    async def cancellable(self, work: Coroutine[Any, Any, T]) -> T:
        """The work, cancelled by an interruption."""
        task = asyncio.current_task()
        assert task
        self.cancel = partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel)
        try:
            return await work
        finally:
            self.cancel = None
