"""Everything asked again, under the same keys, by other clients in another order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from random import Random

from tests.faults.asking import Asked
from tests.faults.load import LONGEST_S, Crowd


async def ask_all_again(crowd: Crowd, clients: int) -> None:
    """Ask for all in the journal once more. What its client had left gets its first answer, and is asked for again."""
    shuffled = Random(crowd.seed).sample(crowd.journal, len(crowd.journal))
    first = [each for each in shuffled if each.answer is None]
    for these in (first, shuffled):
        crowd.given_up_at = time.monotonic() + LONGEST_S
        share = iter(these)
        await asyncio.gather(*(ask_again(crowd, share) for _ in range(clients)))


async def ask_again(crowd: Crowd, share: Iterator[Asked]) -> None:
    """Ask for one after another, as long as there are any."""
    line = crowd.line()
    for asked in share:
        first, asked.answer = asked.answer, None
        await crowd.insist(line, asked)
        if first is not None:
            again, asked.answer = asked.answer, first
            asked.repeats += [again] if again else []
    line.drop()


def never_decided(journal: Sequence[Asked]) -> Iterator[str]:
    """What has no verdict after all, or none when it was asked again."""
    return (f"{each.kind} {each.key} was never answered" for each in journal if not (each.answer and each.repeats))
