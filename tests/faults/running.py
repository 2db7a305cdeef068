"""The service under test: `up` in a process of its own, started again when it ended; its parts, by what they run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from service.config import Config
from service.local_data import master_secret, open_folder
from service.local_postgres import database_url
from service.local_processes import is_alive, launcher
from service.local_valkey import redis_url
from tests.bench.processes import CHECKOUT
from tests.bench.stand import UNLIMITED, UP, Stand, free_port

STARTS_WITHIN_S = 120.0
ENDS_WITHIN_S = 60.0
NO_LIMITS = UNLIMITED | {"TANHUI_CHECK_INS_PER_ATTENDEE_A_MINUTE": "100000000"}
PARTS = {
    "api": ("service.cli", "serve"),
    "worker": ("workers.main",),
    "postgresql": ("/postgres", "-D"),
    "valkey": ("valkey-server",),
}
"""Words of each part's command line."""


class NotRunning(Exception):
    """The service does not start, or does not end: the end of its log."""


class Service:
    """A whole Tanhui on a data folder and a port that stay the same."""

    def __init__(self, data: Path, processes: int) -> None:
        self.data, self.processes, self.port = data, processes, free_port()
        self.log = data.parent / f"{data.name}.log"
        self.up: subprocess.Popen[bytes] | None = None
        self.wanted = False
        self.given_up = 0
        self.killed = 0

    async def start(self) -> None:
        """Start `up`, again if need be, until it serves. Raises NotRunning."""
        self.wanted = True
        deadline = time.monotonic() + STARTS_WITHIN_S
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=2, trust_env=False) as client:
            while not await self.serves(client):
                if self.up is None or self.up.poll() is not None:
                    self.up = self.spawn()
                if time.monotonic() > deadline:
                    raise NotRunning(self.end_of_log())
                await asyncio.sleep(0.05)

    async def serves(self, client: httpx.AsyncClient) -> bool:
        """Whether a page comes from an `up` of ours."""
        if self.up is None or self.up.poll() is not None:
            return False
        with contextlib.suppress(httpx.TransportError):
            return (await client.get("/healthz")).is_success
        return False

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start `up` as a person would, but so that it ends should we be killed."""
        own = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*launcher(None, signal.SIGTERM), *UP, "--port", str(self.port), "--processes", str(self.processes)],
                cwd=CHECKOUT,
                env=own | {"TANHUI_DATA": str(self.data)} | NO_LIMITS,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def keep(self) -> None:
        """Whenever `up` has ended unasked, start it again, as a person would who looks after it."""
        while True:
            if self.wanted and self.up is not None and self.up.poll() is not None:
                if self.up.returncode == -signal.SIGKILL:
                    self.killed += 1
                else:
                    self.given_up += 1
                await self.start()
            await asyncio.sleep(0.1)

    async def stop(self) -> float:
        """SIGTERM to `up`; the seconds until it has ended. Raises NotRunning where it does not, or leaves some."""
        assert self.up
        self.wanted, began, everybody = False, time.monotonic(), self.everybody()
        self.up.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.to_thread(self.up.wait, ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            raise NotRunning(f"it has not ended {ENDS_WITHIN_S:g} s after SIGTERM: {self.end_of_log()}") from None
        took_s = time.monotonic() - began
        left = [each for each in everybody if is_alive(each)]
        if code or left:
            raise NotRunning(f"exit code {code} after SIGTERM, left running: {left}: {self.end_of_log()}")
        return took_s

    def end(self) -> None:
        """SIGTERM to `up`, and wait; SIGKILL should it not end."""
        if self.up is None or self.up.poll() is not None:
            return
        self.up.send_signal(signal.SIGTERM)
        try:
            self.up.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.up.kill()
            self.up.wait()

    def everybody(self) -> list[psutil.Process]:
        """`up` and all below it, as far as they run."""
        try:
            process = psutil.Process(self.up.pid) if self.up else None
            return [process, *process.children(recursive=True)] if process else []
        except psutil.NoSuchProcess:
            return []

    def parts(self, name: str) -> list[psutil.Process]:
        """The processes of a part that `up` started itself, without their children."""
        return [each for each in self.everybody()[1:] if is_part(each, name) and each.ppid() == self.up_pid]

    @property
    def up_pid(self) -> int | None:
        """The id of `up`'s process."""
        return self.up.pid if self.up else None

    def end_of_log(self) -> str:
        """What was said last."""
        return self.log.read_text("utf-8", "replace")[-2_000:] if self.log.exists() else ""

    def stand(self) -> Stand:
        """Where it answers, and the settings of its processes."""
        found = open_folder(self.data)
        config = Config(
            database_url=database_url(found),
            redis_url=redis_url(found),
            secret=master_secret(found),
            base_url=f"http://127.0.0.1:{self.port}",
            local=True,
            bench=True,
        )
        return Stand(self.port, config)


def is_part(process: psutil.Process, name: str) -> bool:
    """Whether a process runs such a part."""
    with contextlib.suppress(psutil.Error):
        line = " ".join(process.cmdline())
        return all(word in line for word in PARTS[name])
    return False


@asynccontextmanager
async def running(data: Path, processes: int) -> AsyncIterator[Service]:
    """The service for the length of the block, looked after."""
    service = Service(data, processes)
    await service.start()
    keeping = asyncio.create_task(service.keep())
    try:
        yield service
    except BaseException as error:
        error.add_note(service.end_of_log())
        raise
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        service.end()
