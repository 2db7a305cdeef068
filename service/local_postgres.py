"""PostgreSQL of this machine: a cluster in the data folder, reached by a socket that only we and its user may enter."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil

from service.i18n import mark
from service.local_data import DataFolder, sync_folder
from service.local_processes import CannotStart, Program, end_leftovers, last_lines, launcher, running
from service.local_software import postgres_binaries

ROLE = "tanhui"
MEMORY = {
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
}
"""Beside `shares_of_memory`. They stand in the cluster's postgresql.conf, where an operator may change them."""
LEAST_BUFFERS_MB, MOST_BUFFERS_MB = 128, 4096
CONTAINERS_LIMIT = Path("/sys/fs/cgroup/memory.max")
RECORDS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%a ",
    "log_min_duration_statement": "1s",
    "log_lock_waits": "on",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "128MB"}
SERVERS_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@contextmanager
def postgres(data: DataFolder, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """A running server for the length of the block; yields the URL of its database `tanhui`.

    Not `durable` is for tests: it forgets what a power cut interrupts. `settings` are PostgreSQL's own, by name.
    Raises CannotStart.
    """
    with running(postgres_program(data, durable=durable, settings=settings)):
        yield database_url(data)


def database_url(data: DataFolder, database: str = ROLE) -> str:
    """Where a database of the cluster is reached, as asyncpg and psql read it."""
    return f"postgresql://{ROLE}@/{database}?host={quote(str(data.sockets))}"


def postgres_program(data: DataFolder, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> Program:
    """How to run the server. Its cluster is made before the first start."""
    binaries = postgres_binaries(data)
    chosen = {
        "listen_addresses": "",
        "unix_socket_directories": str(data.sockets),
        "unix_socket_permissions": "0700",
        **({} if durable else NOT_DURABLE),
        **(settings or {}),
    }

    def prepare() -> None:
        if not data.cluster.exists():
            make_cluster(data, binaries, durable=durable)
        stop_leftover(data.cluster)

    return Program(
        name="PostgreSQL",
        command=[str(binaries / "postgres"), "-D", str(data.cluster), *as_options(chosen)],
        folder=data.sockets,
        user=data.user,
        log=data.logs / "postgresql.log",
        environment=SERVERS_ENVIRONMENT,
        prepare=prepare,
        is_ready=lambda: answers(binaries, data),
        stop_with=(signal.SIGINT, signal.SIGQUIT),  # fast, then immediate shutdown
    )


def as_options(settings: Mapping[str, str]) -> list[str]:
    """Settings as the words `-c name=value`."""
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def answers(binaries: Path, data: DataFolder) -> bool:
    """Whether the server takes connections."""
    command = [str(binaries / "pg_isready"), "-q", "-h", str(data.sockets), "-U", ROLE, "-d", ROLE, "-t", "5"]
    return subprocess.run(command, check=False, env=SERVERS_ENVIRONMENT).returncode == 0


def make_cluster(data: DataFolder, binaries: Path, *, durable: bool) -> None:
    """Make the cluster with our role and database. Killed half way it leaves nothing that counts.

    Raises CannotStart with what `initdb` said.
    """
    for abandoned in data.path.glob("postgresql.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    draft = data.path / f"postgresql.new-{os.getpid()}"
    data.make_private(draft)
    options = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += ["--data-checksums", "--auth-local=peer", "--auth-host=reject", "--username=postgres"]
    options += as_options(shares_of_memory(memory_mb()) | MEMORY | RECORDS) + ([] if durable else ["--no-sync"])
    run_as_servers(data, [str(binaries / "initdb"), "-D", str(draft), *options])
    write_access(data, draft)
    run_as_servers(data, [str(binaries / "postgres"), "--single", "-D", str(draft), "postgres"], FIRST_STATEMENTS)
    draft.rename(data.cluster)
    sync_folder(data.path)


def memory_mb() -> int:
    """What this machine has, or its container may take."""
    told = CONTAINERS_LIMIT.read_text().strip() if CONTAINERS_LIMIT.exists() else "max"
    total = int(psutil.virtual_memory().total)
    return (min(total, int(told)) if told.isdecimal() else total) // 1_048_576


def shares_of_memory(total_mb: int) -> dict[str, str]:
    """Settings for a box of so much memory that others use too: an eighth holds pages, half may be thought cached."""
    buffers_mb = min(max(total_mb // 8, LEAST_BUFFERS_MB), MOST_BUFFERS_MB)
    return {"shared_buffers": f"{buffers_mb}MB", "effective_cache_size": f"{max(total_mb // 2, buffers_mb)}MB"}


FIRST_STATEMENTS = f"CREATE ROLE {ROLE} LOGIN CREATEDB\nCREATE DATABASE {ROLE} OWNER {ROLE}\n"
"""One a line, as the single-user mode reads them. The service's role is no superuser."""


def run_as_servers(data: DataFolder, command: list[str], words: str = "") -> None:
    """Run to its end, as the servers' user. Raises CannotStart with the end of what it said."""
    log = data.logs / "initdb.log"
    with log.open("ab") as output:
        ended = subprocess.run(
            launcher(data.user, signal.SIGKILL) + command,
            cwd=data.sockets,
            env=SERVERS_ENVIRONMENT,
            input=words.encode(),
            stdout=output,
            stderr=output,
            start_new_session=True,
            check=False,
        )
    if ended.returncode != 0:
        raise CannotStart(mark("数据库未能建立：\n{log}"), log=last_lines(log))


def write_access(data: DataFolder, cluster: Path) -> None:
    """Let in by the socket, on the kernel's word for who they are: us, and the servers' user. Nobody by network."""
    users = {pwd.getpwuid(os.geteuid()).pw_name, data.user.pw_name if data.user else ""} - {""}
    names = [f'{ROLE} "{user}" {role}\n' for user in sorted(users) for role in (ROLE, "postgres")]
    (cluster / "pg_ident.conf").write_text("".join(names))
    (cluster / "pg_hba.conf").write_text(f"local all all peer map={ROLE}\n")


def stop_leftover(cluster: Path) -> None:
    """End what an earlier server left running here, known by its working folder, and clear its pid file.

    Only when no process is left may the file go: it is what keeps two servers off one cluster.
    """
    found = [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(cluster)]
    parents = {process.ppid() for process in found}
    end_leftovers({each: signal.SIGINT for each in found if each.pid in parents})
    end_leftovers(dict.fromkeys(found, signal.SIGTERM))
    (cluster / "postmaster.pid").unlink(missing_ok=True)
