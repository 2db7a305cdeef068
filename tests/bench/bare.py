"""The least that a Litestar application does: decode a check-in's body, encode it again. `python -m tests.bench.bare`.

It prints its port. It has the service's HTTP server with the same settings, and nothing of the service's but that.
"""

from __future__ import annotations

import socket

import uvicorn
from litestar import Litestar, post

from service.api.check_ins import CheckInAnswers
from service.cli import SERVER


@post("/")
async def echo(data: CheckInAnswers) -> CheckInAnswers:
    """Answer with what was asked."""
    return data


if __name__ == "__main__":
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)  # noqa: T201 - whoever started us reads it
        uvicorn.Server(uvicorn.Config(Litestar([echo], openapi_config=None), **SERVER)).run(sockets=[listener])
