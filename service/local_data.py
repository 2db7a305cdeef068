"""The data folder of one machine: who owns it, what is in it, who may use it at a time.

    secret        the master secret, made at first start            logs/        one file a server
    lock          held by the one `up` that runs                    sockets/     0700, the servers'
    state.json    what runs, for whoever finds it left over         postgresql/  the cluster
                                                                    software/    copies for the servers' user

An ordinary user owns all of it. As root the folder is root's and the servers run as the system user `tanhui`, who
may pass through it and owns only `postgresql/` and `sockets/`. No mode outside of the folder is ever changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from service.i18n import mark
from service.local_processes import CannotStart

SYSTEM_USER = "tanhui"
SECRET_BYTES = 32
LONGEST_SOCKET_PATH = 100
"""Bytes. A socket's address holds 108 of them on Linux and 104 on macOS, the closing zero included (unix(7))."""


@dataclass(frozen=True)
class DataFolder:
    """Where things are, and the user that servers run as (None: ourselves)."""

    path: Path
    user: pwd.struct_passwd | None

    @property
    def sockets(self) -> Path:
        return self.path / "sockets"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def cluster(self) -> Path:
        return self.path / "postgresql"

    @property
    def software(self) -> Path:
        return self.path / "software"

    def make_private(self, folder: Path) -> None:
        """Make a folder (if need be) that only the servers' user may enter."""
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        if self.user:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)

    def can_reach(self, path: Path) -> bool:
        """Whether the servers' user can pass to a folder or run a file: tried, not guessed from modes."""
        if self.user is None:
            return os.access(path, os.X_OK)
        tried = subprocess.run(
            ["/bin/sh", "-c", 'test -x "$0"', str(path)],
            user=self.user.pw_uid,
            group=self.user.pw_gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return tried.returncode == 0


def default_path() -> Path:
    """`$TANHUI_DATA`, else /var/lib/tanhui for root and ~/.local/share/tanhui for anybody else."""
    if chosen := os.environ.get("TANHUI_DATA"):
        return Path(chosen).absolute()
    return Path("/var/lib/tanhui") if os.geteuid() == 0 else Path.home() / ".local" / "share" / "tanhui"


def open_folder(path: Path | None = None, *, own_servers: bool = True) -> DataFolder:
    """The data folder, made if need be; without `own_servers` no user for them is needed.

    Raises CannotStart where it cannot be ours or the servers cannot reach it.
    """
    path = path or default_path()
    longest = len(os.fsencode(path / "sockets" / ".s.PGSQL.5432"))
    if longest > LONGEST_SOCKET_PATH:
        text = mark("数据目录 {path} 的路径太长，放不下套接字：请把 TANHUI_DATA 设为更短的路径。")
        raise CannotStart(text, path=path)
    claim(path)
    data = DataFolder(path, system_user() if own_servers and os.geteuid() == 0 else None)
    if data.user:
        os.chown(path, 0, data.user.pw_gid)
        path.chmod(0o710)
        if not data.can_reach(path):
            text = mark("系统用户 {user} 到不了数据目录 {path}：请把 TANHUI_DATA 设为它能进入的目录。")
            raise CannotStart(text, user=data.user.pw_name, path=path)
    data.logs.mkdir(mode=0o700, exist_ok=True)
    data.make_private(data.sockets)
    return data


def claim(path: Path) -> None:
    """Make the folder, or check that an existing one is ours. Raises CannotStart."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        stranger = path.stat().st_uid != os.geteuid()
        unknown = not (path / "lock").exists() and any(path.iterdir())
        if not stranger and not unknown:
            (path / "lock").touch(mode=0o600)
    except OSError as error:
        text = mark("不能使用数据目录 {path}：{reason}")
        raise CannotStart(text, path=path, reason=error.strerror) from None
    if stranger or unknown:
        text = mark("数据目录 {path} 不是空的，或属于别人：请把 TANHUI_DATA 设为一个空目录。")
        raise CannotStart(text, path=path)


def system_user() -> pwd.struct_passwd:
    """The user that servers run as when we are root, made when missing. Raises CannotStart where it cannot be."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    command = shutil.which("useradd", path="/usr/sbin:/sbin:" + os.environ.get("PATH", ""))
    options = [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/bin/false",
    ]
    if command:
        subprocess.run([command, *options, SYSTEM_USER], check=False, capture_output=True)
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        text = mark("数据库不以 root 运行，而系统用户 {user} 不存在也无法建立：请先建立它，或以普通用户启动。")
        raise CannotStart(text, user=SYSTEM_USER) from None


def master_secret(data: DataFolder) -> bytes:
    """The secret that all keys derive from: made once, readable by us alone."""
    path = data.path / "secret"
    if not path.exists():
        write_privately(path, secrets.token_bytes(SECRET_BYTES))
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise CannotStart(mark("密钥文件 {path} 已损坏：应有 32 字节。请从备份恢复。"), path=path)
    return secret


def write_privately(path: Path, content: bytes) -> None:
    """Put a file in place, whole or not at all, mode 0600."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def only_one(data: DataFolder) -> Iterator[bool]:
    """Hold the folder's lock for the length of the block; False when somebody else holds it."""
    with (data.path / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
