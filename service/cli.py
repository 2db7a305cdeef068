"""The command line: `python -m service.cli COMMAND`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import rich_click as click
import uvicorn
from qrcode import QRCode
from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress, TaskID

from service import demo
from service.config import Config, from_environment
from service.db import open_pool
from service.i18n import LANGUAGES, Language, mark, translate
from service.local import Options, everything
from service.local_processes import CannotStart
from service.migrate import migrate

out = Console(highlight=False)
SERVER: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "none",
    "lifespan": "on",
    "access_log": False,
    "log_level": "warning",
    "server_header": False,
}
"""How uvicorn serves. The bench's servers for comparison are run so too."""


def languages() -> tuple[Language, ...]:
    """What the person at the terminal reads, by the locale; both languages when that does not say."""
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return tuple(language for language in LANGUAGES if locale.startswith(language)) or LANGUAGES


def tell(text: str, **values: object) -> None:
    """Say something of the catalog. Values that are catalog texts themselves are translated too."""
    click.echo(in_languages(text, "\n", **values))


def in_languages(text: str, between: str = " · ", **values: object) -> str:
    """A text of the catalog with its values put in, in each of the terminal's languages."""
    return between.join(dict.fromkeys(in_language(language, text, values) for language in languages()))


def in_language(language: Language, text: str, values: Mapping[str, object]) -> str:
    """A text of the catalog with its values put in."""
    said = {
        name: translate(language, each) if each and isinstance(each, str) else each for name, each in values.items()
    }
    return translate(language, text).format(**said)


@click.group()
def main() -> None:
    """碳惠 Tanhui."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 lets phones of this network in.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Serving HTTP.")
@click.option("--demo", is_flag=True, help="Fill the database with a lively example.")
def up(host: str, port: int, processes: int, *, demo: bool) -> None:
    """Start everything on this machine, and stop it at Ctrl-C."""
    try:
        with everything(Options(host=host, port=port, processes=processes), tell) as running:
            show_start(running.address, from_environment(running.environment), fill=demo)
            running.watch()
    except CannotStart as reason:
        tell(reason.text, **reason.values)
        sys.exit(1)
    except KeyboardInterrupt:
        tell(mark("已停止，数据都在。"))


def show_start(address: str, config: Config, *, fill: bool) -> None:
    """Say where to look."""
    found = asyncio.run(look(config, fill=fill))
    lines = [(in_languages(label), value) for label, value in ((mark("地址"), address), *found.lines)]
    widest = max(cell_len(label) for label, _ in lines)
    for label, value in lines:
        click.echo(f"{label}{' ' * (widest - cell_len(label))}  {value}")
    draw_qr(found.check_in_url)
    tell(mark("按 Ctrl-C 停止。"))


async def look(config: Config, *, fill: bool) -> demo.FirstLook:
    """What to show first; with `fill`, put the example into the database before."""
    now = datetime.now(UTC)
    async with await open_pool(config) as pool:
        if fill:
            with Progress(console=out, transient=True) as progress:
                task = progress.add_task(translate(languages()[0], mark("正在填入示例……")), total=None)
                await demo.fill(pool, config, now, partial(show_progress, progress, task))
        async with pool.acquire() as connection:
            return await demo.first_look(connection, config, now)


def show_progress(progress: Progress, task: TaskID, done: int, total: int) -> None:
    """Move the bar."""
    progress.update(task, completed=done, total=total)


def draw_qr(url: str) -> None:
    """A QR in the terminal, dark on light whatever the terminal's colours are."""
    code = QRCode(border=2)
    code.add_data(url)
    code.print_ascii(tty=sys.stdout.isatty(), invert=not sys.stdout.isatty())


@main.command()
@click.option("--fd", type=int, help="A bound socket that processes share, by its descriptor.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def serve(fd: int | None, host: str, port: int) -> None:
    """Serve HTTP alone, with settings from the environment (deploy/env.example)."""
    proxies = os.environ.get("TANHUI_TRUSTED_PROXIES", "")
    config = uvicorn.Config(
        "service.app:create_app",
        factory=True,
        host=host,
        port=port,
        **SERVER,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=None if fd is None else [socket.socket(fileno=fd)])


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database of DATABASE_URL up to date."""
    for name in asyncio.run(migrate(os.environ["DATABASE_URL"])):
        click.echo(name)


if __name__ == "__main__":
    main()
