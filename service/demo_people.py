"""Made-up people for the example: how they come, what they did, what they give. The same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from scenarios.meeting.travel import Leg, Trip
from service import codes
from service.action_rows import ActionRequest
from service.attendees import Attendee, attendee_of_device
from service.check_in_rows import CheckIn
from service.codes import Scanned
from service.config import Config
from service.donations import DonationRequest
from service.events import Event
from service.idempotency import digest
from service.schedules import CHINA

CITIES: Mapping[str, float] = {
    "上海": 10,
    "天津": 9,
    "石家庄": 7,
    "保定": 6,
    "西安": 4,
    "武汉": 4,
    "杭州": 4,
    "沈阳": 4,
    "太原": 4,
    "广州": 3,
    "深圳": 3,
    "成都": 3,
    "哈尔滨": 2,
}
ABROAD: Mapping[str, float] = {"首尔": 3, "东京": 3, "新加坡": 2, "维也纳": 1, "法兰克福": 1}
NEAR: Mapping[str, float] = {"metro": 44, "bus": 18, "car": 14, "taxi": 9, "shared_bike": 8, "bicycle": 4, "walk": 3}
SHARES: Mapping[str, float] = {"near": 76, "by rail": 19, "by air": 4, "from abroad": 1}
FARTHEST_M: Mapping[str, int] = {"walk": 2_500, "bicycle": 6_000, "shared_bike": 5_000}
ACTIONS: Mapping[str, Sequence[tuple[str, int, int]]] = {
    "110000": (("metro", 6_000, 32_000), ("bus", 2_000, 12_000), ("cycling", 1_000, 8_000), ("walking", 500, 4_000)),
    "140000": (("shared_bike", 1_000, 6_000), ("charging", 8_000, 45_000), ("no_cutlery", 1, 3)),
}
"""By region: an act, and between how much and how much of it (metres, Wh, times)."""
STARTS, LASTING = (time(7, 30), time(12), time(18)), timedelta(minutes=100)
"""When acts of a day begin, and how long they take at most."""
RETURNING = 0.6
"""How many of yesterday's people come again today."""


class Told(NamedTuple):
    """What someone says at the door."""

    trip: Trip
    origin: str | None


def pick(chance: random.Random, weights: Mapping[str, float]) -> str:
    """One of the keys, by their weights."""
    return chance.choices(list(weights), list(weights.values()))[0]


def local_legs(chance: random.Random) -> tuple[Leg, ...]:
    """A way across town."""
    mode = pick(chance, NEAR)
    distance_m = chance.randrange(800, FARTHEST_M.get(mode, 26_000), 100)
    occupants = chance.choice((1, 1, 2, 3)) if mode in {"car", "taxi"} else None
    leg = Leg(mode, distance_m, occupants)
    return (leg, Leg("walk", 600)) if mode == "metro" and chance.random() < 0.3 else (leg,)


def journey(chance: random.Random) -> Told:
    """How someone came from home: most from near, some by rail, few by air."""
    share = pick(chance, SHARES)
    companions = chance.choice((0, 0, 0, 0, 1, 2))
    if share == "near":
        return Told(Trip("journey", local_legs(chance), round_trip=True, companions=companions), None)
    nights = chance.choice((0, 1, 1, 2, 3))
    mode = "plane" if share != "by rail" else pick(chance, {"high_speed_rail": 8, "train": 2})
    origin = pick(chance, ABROAD if share == "from abroad" else CITIES)
    legs = (Leg(mode), Leg("metro", 9_000))
    return Told(Trip("journey", legs, round_trip=True, nights=nights, companions=companions), origin)


def local_trip(chance: random.Random) -> Told:
    """How someone who told before came again."""
    return Told(Trip("local", local_legs(chance), round_trip=True), None)


def arrivals(
    config: Config, event: Event, members: Sequence[UUID], first: int, again: int, now: datetime
) -> tuple[list[CheckIn], list[CheckIn]]:
    """Yesterday's people, most in the morning; and today's until now, many of them for the second time.

    The first ones have accounts, the others a device of their own.
    """
    chance = seeded(event.id)
    yesterday, today = event.hours[0], event.hours[1]
    attendees = [Attendee("member", each) for each in members]
    attendees += [device_of(config, event, number) for number in range(len(members), first)]
    came = []
    for number, attendee in enumerate(attendees):
        at = yesterday.opens_at + timedelta(hours=chance.triangular(3.5, 16, 5.5))
        came.append(check_in_of(config, event, chance, attendee, journey(chance), at, number))
    come = []
    for number in range(first, first + again):
        returns = chance.random() < RETURNING
        attendee = attendees[number - first] if returns else device_of(config, event, number)
        told = local_trip(chance) if returns else journey(chance)
        at = today.opens_at + (now - today.opens_at) * chance.betavariate(2, 2)
        come.append(check_in_of(config, event, chance, attendee, told, at, number))
    return came, come


def seeded(*ids: UUID) -> random.Random:
    """Chance that falls the same for the same ids. Nothing secret hangs on it."""
    return random.Random("".join(map(str, ids)))  # noqa: S311


def device_of(config: Config, event: Event, number: int) -> Attendee:
    """Somebody with a phone and without an account."""
    return Attendee("device", attendee_of_device(config, event.id, f"demo-{number}"))


def check_in_of(
    config: Config, event: Event, chance: random.Random, attendee: Attendee, told: Told, at: datetime, number: int
) -> CheckIn:
    """A check-in under an id derived from the event's, so that it is made once."""
    gate = chance.choices(event.gates, range(len(event.gates), 0, -1))[0]
    return CheckIn(
        id=uuid5(event.id, f"check-in {number}"),
        event_id=event.id,
        code=codes.poster_code(config, gate.short_code),
        scanned=Scanned(gate.short_code, fresh=chance.random() < 0.5),
        attendee=attendee,
        trip=told.trip,
        origin=told.origin,
        request_digest=digest(event.id, told.trip, told.origin, attendee),
        at=at,
    )


def acts_of(event: Event, member_id: UUID, today: date, count: int) -> list[ActionRequest]:
    """What a citizen of the event's region did in the days before it."""
    assert event.region
    region, chance = event.region, seeded(event.id, member_id)
    first_day = event.hours[0].opens_at.date()
    requests = []
    for number in range(count):
        action, least, most = chance.choice(ACTIONS[region])
        quantity, occurred_on = chance.randint(least, most), first_day - timedelta(days=number // len(STARTS) + 1)
        started_at = datetime.combine(occurred_on, STARTS[number % len(STARTS)], CHINA)
        requests.append(
            ActionRequest(
                id=uuid5(event.id, f"action {member_id} {number}"),
                member_id=member_id,
                region=region,
                action=action,
                quantity=quantity,
                occurred_on=occurred_on,
                request_digest=digest(region, action, quantity, occurred_on),
                today=today,
                started_at=started_at,
                ended_at=started_at + LASTING,
            )
        )
    return requests


def gift_of(event: Event, member_id: UUID, earned_g: int) -> DonationRequest:
    """What a citizen gives of what these acts earned."""
    share = seeded(event.id, member_id).uniform(0.5, 0.9)
    return DonationRequest(uuid5(event.id, f"donation {member_id}"), member_id, event.id, max(1, int(earned_g * share)))
