"""The command line: `python -m service.cli COMMAND`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import rich_click as click
import uvicorn
from qrcode import QRCode
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from service import codes, demo, demo_visits, replay
from service.audits import find_faults
from service.cli_appoint import appoint_authority, appoint_operator
from service.cli_certificate import verify_certificate
from service.cli_job import follow_command
from service.cli_log import check_log
from service.cli_report import recompute_command
from service.cli_saying import in_languages, languages, tell
from service.config import Config, from_environment
from service.db import open_pool
from service.i18n import mark, translate
from service.local import CHECKOUT, Options, Supervisor, everything
from service.local_processes import CannotStart, Program
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
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


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
            config = from_environment(running.environment)
            visitors = running.interruption.run(fill_example(config)) if demo else []
            show_start(running, config)
            if visitors:
                running.start(visiting(running, visitors))
            running.watch()
    except CannotStart as reason:
        tell(reason.text, **reason.values)
        sys.exit(1)
    except KeyboardInterrupt:
        tell(mark("已停止，数据都在。"))


def show_start(running: Supervisor, config: Config) -> None:
    """Say where to look."""
    found = running.interruption.run(look(config))
    lines = [(in_languages(label), value) for label, value in ((mark("地址"), running.address), *found.lines)]
    widest = max(cell_len(label) for label, _ in lines)
    for label, value in lines:
        click.echo(f"{label}{' ' * (widest - cell_len(label))}  {value}")
    draw_qr(found.check_in_url)
    tell(mark("按 Ctrl-C 停止。"))


async def look(config: Config) -> demo.FirstLook:
    """What to show first."""
    async with await open_pool(config) as pool, pool.acquire() as connection:
        return await demo.first_look(connection, config, datetime.now(UTC))


async def fill_example(config: Config) -> list[str]:
    """Put the example into the database, where it is not yet; return the codes at its doors."""
    async with await open_pool(config) as pool:
        with Progress(console=out, transient=True) as progress:
            task = progress.add_task(translate(languages()[0], mark("正在填入示例……")), total=None)
            doors = await demo.fill(pool, config, datetime.now(UTC), partial(show_progress, progress, task))
    return [codes.poster_code(config, gate.short_code) for _, gate in doors]


def visiting(running: Supervisor, doors: Sequence[str]) -> Program:
    """The example's visitors, who keep coming while it runs."""
    return Program(
        name=mark("示例来客"),
        command=[sys.executable, "-m", "service.cli", "visit", running.address, *doors],
        folder=CHECKOUT,
        environment=running.environment,
        is_ready=lambda: True,
    )


@main.command(hidden=True)
@click.argument("url")
@click.argument("doors", nargs=-1, required=True)
def visit(url: str, doors: Sequence[str]) -> None:
    """Send made-up visitors to doors, by their codes, until stopped."""
    asyncio.run(demo_visits.visit_on(url, doors))


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


@main.command("replay")
@click.argument("table", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where Tanhui runs.")
@click.option("--rate", default=200.0, show_default=True, type=click.FloatRange(min=0.1), help="Check-ins a second.")
@click.option("--phone", default=demo.ORGANIZER, show_default=True, help="The organizer's.")
@click.option("--code", help="The organizer's sign-in code, as `up` shows it; else one is asked for.")
@click.option("--rows", is_flag=True, help="Enter the table's rows as activity data instead.")
@click.option("--new", is_flag=True, help="Begin again with another event.")
def replay_command(table: Path, url: str, rate: float, phone: str, code: str | None, *, rows: bool, new: bool) -> None:
    """Replay the attendance of EGU 2019 (tests/data/egu2019.csv) as check-ins; go on where it was interrupted."""
    try:
        sys.exit(not asyncio.run(replay_table(replay.read_table(table), url, rate, phone, code, rows=rows, new=new)))
    except replay.Stopped as stopped:
        tell(stopped.text, **stopped.values)
        sys.exit(1)


async def replay_table(
    table: Sequence[replay.City], url: str, rate: float, phone: str, code: str | None, *, rows: bool, new: bool
) -> bool:
    """Replay it; say what it comes to, and return whether that is as published."""
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        if code is None:
            await replay.ask_for_code(client, phone)
            code = await asyncio.to_thread(click.prompt, in_languages(mark("验证码（见 deploy/up 的终端）"), " · "))
        organizer = await replay.sign_in(client, phone, str(code))
        if rows:
            return all([await replay_rows(organizer, table, each, new=new) for each in replay.ROWS_T])
        event = await replay.open_event(organizer, replay.FACTOR_SET, replay.now_utc(), anew=new)
        tell(mark("统计页：{url}"), url=f"{url}/organize/events/{event['id']}")
        people = replay.people_of(table)
        with Progress(*COLUMNS, console=out) as progress:
            task = progress.add_task("EGU 2019", total=len(people))
            await replay.replay_people(client, event, people, rate, partial(progress.advance, task))
        found = await replay.await_tally(organizer, event["id"], len(people))
    return show_replayed(found.check_ins, found.emissions_g, replay.WHOLE_PEOPLE_T)


async def replay_rows(organizer: replay.Organizer, table: Sequence[replay.City], rule: str, *, new: bool) -> bool:
    """Enter the rows to an event with that factor set; say what they come to."""
    event = await replay.open_event(organizer, rule, replay.now_utc(), anew=new)
    emissions_g = await replay.enter_rows(organizer, event["id"], table)
    click.echo(rule)
    return show_replayed(len(table), emissions_g, replay.ROWS_T[rule])


def show_replayed(count: int, emissions_g: int, published_t: Decimal) -> bool:
    """Say what it comes to and whether that is what is published."""
    met = replay.is_met(emissions_g, published_t)
    verdict = mark("一致") if met else mark("不一致")
    text = mark("{count} 条，出行排放 {found} 吨；公布值 {published} 吨：{verdict}")
    tell(text, count=count, found=f"{emissions_g / 1e6:,.3f}", published=f"{published_t:,}", verdict=verdict)
    return met


@main.command()
def audit() -> None:
    """Check the ledger of DATABASE_URL, and count every tally anew; end non-zero where something is wrong."""
    findings = asyncio.run(find_faults(from_environment()))
    for finding in findings:
        click.echo(finding, err=True)
    sys.exit(bool(findings))


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database of DATABASE_URL up to date."""
    for name in asyncio.run(migrate(os.environ["DATABASE_URL"])):
        click.echo(name)


main.add_command(check_log)
main.add_command(verify_certificate)
main.add_command(recompute_command)
main.add_command(follow_command)
main.add_command(appoint_authority)
main.add_command(appoint_operator)

if __name__ == "__main__":
    main()
