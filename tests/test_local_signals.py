"""Ctrl-C while `up` asks the database something: what is asked ends in good order, and then everything does."""

from __future__ import annotations

import asyncio
import signal

import pytest

from service.local_signals import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_runs_asynchronously_is_cancelled_not_torn(number: signal.Signals) -> None:
    told: list[str] = []

    async def ask() -> None:
        try:
            signal.raise_signal(number)
            told.append("went on to where it waits")
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            told.append("ended in good order")
            raise

    interruption, before = Interruption(), signal.getsignal(number)
    with interruption.listening():
        with pytest.raises(KeyboardInterrupt):
            interruption.run(ask())
        signal.raise_signal(number)  # more of them are ignored
    assert told == ["went on to where it waits", "ended in good order"]
    assert signal.getsignal(number) == before


def test_otherwise_it_interrupts() -> None:
    async def answer() -> int:
        return 7

    interruption = Interruption()
    with interruption.listening():
        assert interruption.run(answer()) == 7
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
