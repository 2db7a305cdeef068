"""Programs of this machine: started with their log, waited for, stopped in good order."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from service.i18n import Language, mark, translate

LAUNCH = Path(__file__).with_name("local_launch.py")
LOG_BYTES_KEPT = 10_000_000


class CannotStart(Exception):
    """Why nothing runs. The message is a Chinese text from the catalog and the values named in it."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text, values)
        self.text, self.values = text, values

    def message(self, language: Language) -> str:
        """What to tell the person at the terminal."""
        return translate(language, self.text).format(**self.values)

    def __str__(self) -> str:
        return self.message("en")


@dataclass(frozen=True, kw_only=True)
class Program:
    """How to run one program. `command[0]` is a full path.

    `user` is who it runs as (None: us), `log` the file for its output (None: ours), `prepare` what must hold
    before each start, `is_ready` whether it answers, `stop_with` the signals to try, one `grace_s` each.
    """

    name: str
    command: Sequence[str]
    folder: Path
    is_ready: Callable[[], bool]
    user: pwd.struct_passwd | None = None
    log: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    keep_open: Sequence[int] = ()
    prepare: Callable[[], None] = lambda: None
    stop_with: Sequence[signal.Signals] = (signal.SIGTERM,)
    grace_s: float = 15
    start_s: float = 30


@contextmanager
def running(program: Program) -> Iterator[subprocess.Popen[bytes]]:
    """The program, ready, for the length of the block. Call from the main thread: it ends with its thread."""
    process = start(program)
    try:
        yield process
    finally:
        stop(program, process)


def start(program: Program) -> subprocess.Popen[bytes]:
    """Start and wait until ready. Raises CannotStart, with the log's last lines, when it ends or takes too long."""
    process = spawn(program)
    try:
        wait_until_ready(program, process)
    except BaseException:
        stop(program, process)
        raise
    return process


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """Start, in a session of its own so that the terminal's Ctrl-C reaches us alone; do not wait."""
    program.prepare()
    with contextlib.ExitStack() as opened:
        output = opened.enter_context(open_log(program.log)) if program.log else None
        return subprocess.Popen(
            launcher(program.user, program.stop_with[0]) + list(program.command),
            cwd=program.folder,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=program.keep_open,
            start_new_session=True,
        )


def launcher(user: pwd.struct_passwd | None, at_our_end: signal.Signals) -> list[str]:
    """The words before a command that make it run as a user and end with us."""
    user_id, group_id = (user.pw_uid, user.pw_gid) if user else (-1, -1)
    words = [LAUNCH, os.getpid(), int(at_our_end), user_id, group_id]
    return [sys.executable, "-I", "-S", *map(str, words)]


def open_log(path: Path) -> IO[bytes]:
    """The log, opened at its end; a long one is put aside first, in place of the one put aside before."""
    if path.exists() and path.stat().st_size > LOG_BYTES_KEPT:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def wait_until_ready(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Return when it answers. Raises CannotStart when it ends first, or after `start_s`."""
    deadline = time.monotonic() + program.start_s
    while not program.is_ready():
        if process.poll() is not None:
            text = mark("{name} 启动时就退出了（退出码 {code}）：\n{log}")
            raise CannotStart(text, name=program.name, code=process.returncode, log=last_lines(program.log))
        if time.monotonic() > deadline:
            text = mark("{name} 在 {seconds} 秒内没有就绪：\n{log}")
            raise CannotStart(text, name=program.name, seconds=program.start_s, log=last_lines(program.log))
        time.sleep(0.02)


def last_lines(log: Path | None, count: int = 12) -> str:
    """The end of a log, for a message."""
    if log is None or not log.exists():
        return ""
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-count:])


def stop(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, more firmly each time; at last kill what is left of its session."""
    for number in program.stop_with:
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(program.grace_s)
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def end_leftovers(found: Mapping[psutil.Process, signal.Signals], grace_s: float = 15) -> None:
    """Ask processes that somebody else left running to end, each by its signal; kill those that do not."""
    for process, number in found.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    deadline = time.monotonic() + grace_s
    while any(is_alive(process) for process in found) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in filter(is_alive, found):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def is_alive(process: psutil.Process) -> bool:
    """Whether it is the same process still, and runs; one that ended and waits for its parent does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
