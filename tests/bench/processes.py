"""Programs that the bench starts: the load, and servers to compare with."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.bench.load import Plan, Result

CHECKOUT = Path(__file__).parent.parent.parent


def run_load(plan: Plan) -> Result:
    """Run a load to its end. Raises RuntimeError where something else than success was answered."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        input=msgspec.msgpack.encode(plan),
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
        check=True,
    )
    result = msgspec.msgpack.decode(done.stdout, type=Result)
    if result.strange is not None:
        raise RuntimeError(f"{result.statuses}: {result.strange[:500]}")
    return result


@contextmanager
def serving(module: str) -> Iterator[int]:
    """A server of the bench's own for the length of the block; yields its port."""
    with subprocess.Popen([sys.executable, "-m", module], stdout=subprocess.PIPE, cwd=CHECKOUT) as process:
        assert process.stdout
        try:
            port = int(process.stdout.readline())
            wait_for_port(port)
            yield port
        finally:
            process.terminate()


def wait_for_port(port: int, patience_s: float = 20) -> None:
    """Return when somebody listens. Raises OSError after a while."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
