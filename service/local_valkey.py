"""Valkey of this machine: on a socket, in memory alone. What it holds can be rebuilt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import redis

from service.local_data import DataFolder
from service.local_processes import Program, running
from service.local_software import valkey_binary

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "128mb",
    "maxmemory-policy": "volatile-lru",
    "databases": "64",
    "daemonize": "no",
}


@contextmanager
def valkey(data: DataFolder) -> Iterator[str]:
    """A running server for the length of the block; yields its URL. Raises CannotStart."""
    with running(valkey_program(data)):
        yield redis_url(data)


def redis_url(data: DataFolder, number: int = 0) -> str:
    """Where one of its 64 databases is reached, as redis-py and arq read it."""
    return f"unix://{quote(str(data.sockets / 'valkey'))}?db={number}"


def valkey_program(data: DataFolder) -> Program:
    """How to run the server."""
    socket = data.sockets / "valkey"
    chosen = SETTINGS | {"unixsocket": str(socket), "dir": str(data.sockets)}
    options = [word for name, value in chosen.items() for word in (f"--{name}", value)]

    def is_ready() -> bool:
        try:
            with redis.Redis(unix_socket_path=str(socket)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    return Program(
        name="Valkey",
        command=[str(valkey_binary(data)), *options],
        folder=data.sockets,
        user=data.user,
        log=data.logs / "valkey.log",
        prepare=lambda: socket.unlink(missing_ok=True),
        is_ready=is_ready,
    )
