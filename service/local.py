"""All of Tanhui on one machine: what `deploy/up` starts, watches and stops.

PostgreSQL and Valkey (unless the environment names others), the HTTP server's processes, the worker. What ends by
itself is started again; whoever ends too often ends all. The state file names what runs, so that the next start
can stop what a killed one left behind.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
import msgspec
import psutil

from service.i18n import mark
from service.local_data import DataFolder, master_secret, only_one, open_folder, write_privately
from service.local_postgres import database_url, postgres_program
from service.local_processes import CannotStart, Program, end_leftovers, spawn, stop, wait_until_ready
from service.local_signals import Interruption
from service.local_valkey import redis_url, valkey_program
from service.migrate import MigrationError, migrate

CHECKOUT = Path(__file__).parent.parent
DEATHS_ALLOWED = 5
DEATHS_WITHIN_S = 60
LOCAL_SETTINGS = {"TANHUI_LOCAL": "true", "TANHUI_CHECK_INS_PER_ADDRESS_A_MINUTE": "60000"}
"""Where the environment does not say otherwise. A replay, which comes from one address, must not meet the limit."""
Tell = Callable[..., None]
"""Shows a text of the catalog with the values named in it."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run: the address to listen on, and how many processes serve it."""

    host: str = "127.0.0.1"
    port: int = 8000
    processes: int = 1
    data: Path | None = None


class Left(msgspec.Struct, frozen=True, array_like=True):
    """A process as the state file names it. Its start (Unix time, seconds) tells it from a later one of that id."""

    process_id: int
    started_at: float
    stop_with: int


class State(msgspec.Struct, frozen=True):
    """What runs on a data folder, and where it answers."""

    address: str
    processes: list[Left] = []


@dataclass
class Child:
    """A program that is to run until told otherwise."""

    program: Program
    process: subprocess.Popen[bytes]
    deaths: list[float] = field(default_factory=list)


class Supervisor:
    """Keeps children running, in the order of their start; stops them in the opposite order."""

    def __init__(self, data: DataFolder, address: str, tell: Tell, interruption: Interruption) -> None:
        self.data, self.address, self.tell, self.interruption = data, address, tell, interruption
        self.environment: Mapping[str, str] = {}
        self.children: list[Child] = []

    def start(self, *programs: Program) -> None:
        """Start some at a time and wait until all are ready. Raises CannotStart."""
        for program in programs:
            self.children.append(Child(program, spawn(program)))
            self.record()
        for child in self.children:
            wait_until_ready(child.program, child.process)

    def watch(self) -> None:
        """Start again what ends, for ever. Raises CannotStart when something ends too often."""
        while True:
            for child in self.children:
                if child.process.poll() is not None:
                    self.restart(child)
            time.sleep(0.2)

    def restart(self, child: Child) -> None:
        """Start again what has ended, more slowly each time, and wait: others that ended too may need it."""
        name, code, now = child.program.name, child.process.returncode, time.monotonic()
        child.deaths = [*(died for died in child.deaths if died > now - DEATHS_WITHIN_S), now]
        if len(child.deaths) > DEATHS_ALLOWED:
            text = mark("{name} 在 {seconds} 秒内退出了 {count} 次（退出码 {code}），不再重启。")
            raise CannotStart(text, name=name, code=code, count=len(child.deaths), seconds=DEATHS_WITHIN_S)
        self.tell(mark("{name} 退出了（退出码 {code}），正在重启。"), name=name, code=code)
        time.sleep(0.05 * 2 ** len(child.deaths))
        child.process = spawn(child.program)
        self.record()
        with contextlib.suppress(CannotStart):  # should it end again, the next look at it will tell
            wait_until_ready(child.program, child.process)

    def stop(self) -> None:
        """Stop all, the last started first."""
        for child in reversed(self.children):
            stop(child.program, child.process)
        write_state(self.data, State(self.address))

    def record(self) -> None:
        """Write down what runs."""
        left = [as_left(child) for child in self.children if child.process.poll() is None]
        write_state(self.data, State(self.address, left))


def as_left(child: Child) -> Left:
    """How the state file names a child."""
    process_id = child.process.pid
    return Left(process_id, psutil.Process(process_id).create_time(), child.program.stop_with[0])


def write_state(data: DataFolder, state: State) -> None:
    """Put the state file in place."""
    write_privately(data.path / "state.json", msgspec.json.encode(state))


def read_state(data: DataFolder) -> State:
    """What the last start wrote, or nothing."""
    path = data.path / "state.json"
    return msgspec.json.decode(path.read_bytes(), type=State) if path.exists() else State("")


@contextmanager
def everything(options: Options, tell: Tell) -> Iterator[Supervisor]:
    """All of it, serving, for the length of the block.

    Raises CannotStart. SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt, once.
    """
    data = open_folder(options.data, own_servers=not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys())
    with only_one(data) as alone, contextlib.ExitStack() as stack:
        if not alone:
            text = mark("这个数据目录已在使用中，地址是 {address}：请打开它，或先停止它。")
            raise CannotStart(text, address=read_state(data).address)
        interruption = Interruption()
        stack.enter_context(interruption.listening())
        end_left(read_state(data))
        listener = stack.enter_context(listen(options))
        address = reachable_address(options.host, listener.getsockname()[1])
        supervisor = Supervisor(data, address, tell, interruption)
        stack.callback(supervisor.stop)
        supervisor.environment = start_servers(supervisor)
        supervisor.start(*serving(supervisor.environment, options, listener))
        stack.callback(listener.close)
        yield supervisor


def end_left(state: State) -> None:
    """Stop what an earlier start left running, the servers last, as each likes to be stopped."""
    for left in reversed(state.processes):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(left.process_id)
            if abs(process.create_time() - left.started_at) < 2:
                end_leftovers({process: signal.Signals(left.stop_with)})


def listen(options: Options) -> socket.socket:
    """The socket that the HTTP server's processes share, not yet listening. Raises CannotStart when it is taken."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as on_failure:
            listener = on_failure.enter_context(socket.socket(family, kind))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            on_failure.pop_all()
            return listener
    except OSError as error:
        text = mark("不能在 {host} 的 {port} 端口上提供服务（{reason}）：请用 --port 另选一个。")
        raise CannotStart(text, host=options.host, port=options.port, reason=error.strerror) from None


def reachable_address(host: str, port: int) -> str:
    """The address to open in a browser. For a server that listens on every network, by the name others see us by."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.connect(("192.0.2.1", 9))  # a documentation address (RFC 5737); a datagram socket sends nothing yet
            host = probe.getsockname()[0]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def start_servers(supervisor: Supervisor) -> Mapping[str, str]:
    """Start the servers that the environment does not name and bring the database up to date.

    Returns the environment for our own processes. Raises CannotStart.
    """
    data = supervisor.data
    environment = {"TANHUI_SECRET": master_secret(data).hex(), "TANHUI_BASE_URL": supervisor.address}
    environment |= LOCAL_SETTINGS | os.environ
    servers = []
    if "DATABASE_URL" not in os.environ:
        environment["DATABASE_URL"] = database_url(data)
        servers.append(postgres_program(data))
    if "REDIS_URL" not in os.environ:
        environment["REDIS_URL"] = redis_url(data)
        servers.append(valkey_program(data))
    supervisor.start(*servers)
    try:
        supervisor.interruption.run(migrate(environment["DATABASE_URL"]))
    except (MigrationError, OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotStart(mark("数据库没有准备好：{reason}"), reason=error) from error
    return environment


def serving(environment: Mapping[str, str], options: Options, listener: socket.socket) -> list[Program]:
    """Our own programs: the worker, then as many HTTP servers as wanted on one socket."""
    worker = Program(
        name=mark("后台任务"),
        command=[sys.executable, "-m", "workers.main"],
        folder=CHECKOUT,
        environment=environment,
        is_ready=lambda: True,
    )
    server = replace(
        worker,
        name=mark("网页服务"),
        command=[sys.executable, "-m", "service.cli", "serve", "--fd", str(listener.fileno())],
        keep_open=[listener.fileno()],
        is_ready=lambda: is_healthy(listener),
    )
    return [worker, *[server] * options.processes]


def is_healthy(listener: socket.socket) -> bool:
    """Whether the service answers on its socket."""
    host, port = listener.getsockname()[:2]
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(here, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
