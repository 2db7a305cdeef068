"""What clients ask, each under an Idempotency-Key that they keep until it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from service import codes, sessions
from service.access import Role
from service.config import Config
from tests.bench.world import TRIPS, World
from tests.faults.wire import Answer

Kind = Literal["check_in", "action", "donation", "undo", "organization"]
ROLES = frozenset({Role.PUBLIC, Role.CITIZEN})
CHINA = ZoneInfo("Asia/Shanghai")
COME_LATER = {429, 503}


@dataclass(eq=False)
class Asked:
    """A request, and the answer that decided it. `subject` is its event, or the check-in that an undo takes back.

    `part` of it was sent by a client that then went away for good: 'half' cannot have been done, 'whole' may have.
    """

    kind: Kind
    key: UUID
    path: str
    said: Mapping[str, Any]
    member: UUID | None = None
    device: str | None = None
    receipt_key: str | None = None
    subject: UUID | None = None
    part: Literal["half", "whole"] | None = None
    answer: Answer | None = None
    repeats: list[Answer] = field(default_factory=list)

    def on_the_wire(self, config: Config) -> bytes:
        """The request as it is sent, with a token of now."""
        body = msgspec.json.encode(self.said) if self.said else b""
        head = [f"POST {self.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        head += [f"Idempotency-Key: {self.key}", f"Content-Length: {len(body)}"]
        if self.member:
            token = sessions.access_token(config, self.member, ROLES, datetime.now(UTC))
            head.append(f"Authorization: Bearer {token}")
        if self.device:
            head.append(f"Tanhui-Device: {self.device}")
        if self.receipt_key:
            head.append(f"Tanhui-Receipt-Key: {self.receipt_key}")
        return "\r\n".join([*head, "", ""]).encode() + body

    @property
    def accepted(self) -> bool:
        """Whether it was acknowledged as done."""
        return self.answer is not None and self.answer.status < 300

    @cached_property
    def told(self) -> dict[str, Any]:
        """What the deciding answer says. Look only once there is one."""
        assert self.answer
        return content(self.answer)


def is_decided(answer: Answer) -> bool:
    """Whether an answer is a verdict, and no wish to be asked again or fault."""
    return answer.status < 500 and answer.status not in COME_LATER


def content(answer: Answer) -> dict[str, Any]:
    """An answer's JSON."""
    decoded: dict[str, Any] = msgspec.json.decode(answer.body)
    return decoded


def new_key(random: Random) -> UUID:
    """A random id, the same for the same seed."""
    return UUID(int=random.getrandbits(128), version=4)


def check_in(world: World, random: Random, member: UUID | None = None, *, forged: bool = False) -> Asked:
    """A check-in with the ticket of a form just served, by an account or else a new device."""
    key, gate, (trip, origin) = new_key(random), random.choice(world.event.gates), random.choice(TRIPS)
    code = codes.ticket(world.stand.config, gate.short_code, key, fresh=True, now=datetime.now(UTC))
    said = {"code": code[:-1] + "?" if forged else code, "trip": trip, "origin": origin}
    path = f"/v1/events/{world.event.id}/check-ins"
    device = None if member else f"{random.getrandbits(128):032x}"
    return Asked("check_in", key, path, said, member=member, device=device, subject=world.event.id)


def action(random: Random, member: UUID) -> Asked:
    """Something that Beijing's methodology rewards, in an hour of the last weeks in which nothing else was done."""
    what = random.choice(("metro", "bus", "cycling", "walking"))
    began = (datetime.now(CHINA) - timedelta(minutes=random.randint(61, 25 * 24 * 60))).replace(microsecond=0)
    said = {
        "region": "110000",
        "action": what,
        "quantity": random.randint(500, 8_000),
        "occurred_on": began.date(),
        "started_at": began,
        "ended_at": began + timedelta(minutes=60),
    }
    return Asked("action", new_key(random), "/v1/actions", said, member=member)


def donation(world: World, random: Random, member: UUID, most_g: int = 600) -> Asked:
    """Grams for an event, perhaps more than the member holds."""
    path, said = f"/v1/events/{world.event.id}/donations", {"grams": random.randint(1, most_g)}
    return Asked("donation", new_key(random), path, said, member=member, subject=world.event.id)


def undo(random: Random, first: Asked) -> Asked:
    """Taking an acknowledged check-in back."""
    path, receipt_key = f"/v1/check-ins/{first.key}/undo", first.told["receipt_key"]
    return Asked("undo", new_key(random), path, {}, member=first.member, receipt_key=receipt_key, subject=first.key)


def organization(random: Random, member: UUID) -> Asked:
    """Founding an organization: a request whose whole answer is kept for repeats."""
    key = new_key(random)
    return Asked("organization", key, "/v1/organizations", {"name": f"会务组 {key}"}, member=member)
