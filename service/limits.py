"""How often one may ask: kept in this process's memory, never in a database.

A limit of n a minute lets n through at once and then one every 60/n seconds (the generic cell rate algorithm).
Each process counts for itself. Whoever is forgotten, the least recently seen of `REMEMBERED`, starts anew.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from math import ceil

from throttled import Throttled, rate_limiter, store

from service.config import Config
from service.errors import TooMany

REMEMBERED = 200_000
ESTIMATES_A_MINUTE = 60


class Limits:
    """The limits of one process. Each method raises TooMany, saying when to come back."""

    def __init__(self, config: Config) -> None:
        self._attendees = a_minute(config.check_ins_per_attendee_a_minute)
        self._doors = a_minute(config.check_ins_per_address_a_minute)
        self._sign_ins = a_minute(config.sign_ins_per_address_a_minute)
        self._estimates = a_minute(ESTIMATES_A_MINUTE)

    def check_in(self, address: str, attendee: object) -> None:
        """Count a check-in from an address, of an attendee (anything whose text names one) or, with None, of nobody."""
        if attendee is not None:
            count(self._attendees, str(attendee))
        count(self._doors, network_of(address))

    def sign_in(self, address: str) -> None:
        """Count an attempt to sign in, whatever the number: nobody tries many numbers with a few guesses each."""
        count(self._sign_ins, network_of(address))

    def estimate(self, address: str) -> None:
        """Count an estimate that somebody asks for from an address."""
        count(self._estimates, network_of(address))


def a_minute(times: int) -> Throttled:
    """A limit of so many times a minute for each key."""
    quota = rate_limiter.per_min(times, burst=times)
    return Throttled(using="gcra", quota=quota, store=store.MemoryStore(options={"MAX_SIZE": REMEMBERED}))


def count(limit: Throttled, key: str) -> None:
    """Count one against a key's limit. Raises TooMany."""
    result = limit.limit(key)
    if result.limited:
        raise TooMany(max(1, ceil(result.state.retry_after)))


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """What one household or venue has: an IPv4 address, or an IPv6 network of 64 bits; any other text as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address or "unknown"
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{parsed.packed[:8].hex()}::/64"
