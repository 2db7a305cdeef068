"""What a crowd at a door asks again and again, remembered by a process."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import NamedTuple

from service import ledger
from service.db import Connection
from service.events import Event, Gate, find_many_by_short_code

BELIEVED_S = 1.0
MOST = 10_000


class Door(NamedTuple):
    """An event and its gate, believed until then by the monotonic clock."""

    event: Event
    gate: Gate
    until_s: float


class Memory:
    """Doors, believed for a second, and ids of credit classes, which never change.

    For statements that commit by themselves: what a transaction takes back must not be remembered.
    """

    def __init__(self) -> None:
        self._doors: dict[str, Door] = {}
        self._classes: dict[ledger.CreditClass, int] = {}

    async def doors(self, connection: Connection, codes: Collection[str]) -> dict[str, tuple[Event, Gate]]:
        """The events and gates that short codes name; an unknown code is left out, and looked for each time."""
        now_s = time.monotonic()
        known = {code: door for code in codes if (door := self._doors.get(code)) and now_s < door.until_s}
        found = {code: (door.event, door.gate) for code, door in known.items()}
        if len(found) < len(codes):
            asked = await find_many_by_short_code(connection, [code for code in codes if code not in found])
            if len(self._doors) > MOST:
                self._doors.clear()
            self._doors |= {code: Door(*door, now_s + BELIEVED_S) for code, door in asked.items()}
            found |= asked
        return found

    async def class_ids(
        self, connection: Connection, classes: Collection[ledger.CreditClass]
    ) -> dict[ledger.CreditClass, int]:
        """The ids of classes, made known where they were not."""
        if missing := [each for each in classes if each not in self._classes]:
            if len(self._classes) > MOST:
                self._classes.clear()
            self._classes |= await ledger.class_ids(connection, missing)
        return {each: self._classes[each] for each in classes}
