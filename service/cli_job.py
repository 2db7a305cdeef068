"""`follow`: long work of a running server as it goes on, until it is over."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from uuid import UUID

import httpx
import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from service import demo, jobs, replay
from service.cli_saying import in_languages, languages, tell
from service.i18n import mark
from service.jobs import Job
from service.replay import Organizer, Stopped

COLUMNS = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
SAID = {"waiting": mark("等待开始"), "running": mark("正在处理"), "done": mark("已完成"), "failed": mark("没有完成")}
PATIENCE = httpx.Timeout(30, read=jobs.WATCHED_S + 30)
"""A stream says nothing while nothing moves, and ends by itself."""
STREAMS = 100
"""How many of them, one after the other: a day."""


@click.command("follow")
@click.argument("job", type=click.UUID)
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where Tanhui runs.")
@click.option("--phone", default=demo.ORGANIZER, show_default=True, help="Whose job, or an organizer's of its event.")
@click.option("--code", help="The sign-in code; else one is asked for.")
def follow_command(job: UUID, url: str, phone: str, code: str | None) -> None:
    """Follow a JOB (an import, a report) by its id until it is over; end non-zero where it was refused."""
    try:
        over = asyncio.run(follow_at(url, job, phone, code))
    except Stopped as stopped:
        tell(stopped.text, **stopped.values)
        sys.exit(1)
    sys.exit(not show_end(over))


async def follow_at(url: str, job_id: UUID, phone: str, code: str | None) -> Job:
    """The job once it is over. Raises Stopped."""
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as client:
        if code is None:
            await replay.ask_for_code(client, phone)
            code = str(await asyncio.to_thread(click.prompt, in_languages(mark("验证码（见 deploy/up 的终端）"))))
        tokens = await replay.ask(client, "POST", "/v1/sign-in/sessions", {"phone": phone, "code": code})
        return await follow(Organizer(client, tokens), job_id)


async def follow(caller: Organizer, job_id: UUID) -> Job:
    """The same, with a bar on the error stream meanwhile."""
    with Progress(*COLUMNS, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=100)
        async with aclosing(moving(caller, job_id)) as seen:
            async for job in seen:
                progress.update(task, completed=job.percent, description=in_languages(SAID[job.state]))
                if job.is_over:
                    return job
    raise Stopped(mark("等了一天仍未完成。"))


async def moving(caller: Organizer, job_id: UUID) -> AsyncGenerator[Job, None]:
    """The job whenever it has moved, whatever breaks off between. Raises Stopped."""
    for _ in range(STREAMS):
        with suppress(httpx.TransportError):
            async with aclosing(one_stream(caller, job_id)) as stream:
                async for job in stream:
                    yield job
        await caller.rotate()


async def one_stream(caller: Organizer, job_id: UUID) -> AsyncGenerator[Job, None]:
    """What one stream of server-sent events says. Raises Stopped and httpx.TransportError."""
    path = f"/v1/jobs/{job_id}/stream"
    headers = {"Authorization": f"Bearer {caller.tokens['access_token']}"}
    async with caller.client.stream("GET", path, headers=headers) as answer:
        if not answer.is_success:
            await answer.aread()
            raise Stopped(mark("{path} 被拒绝：{reason}"), path=path, reason=replay.reason_of(answer))
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                yield msgspec.json.decode(line.removeprefix("data:"), type=Job)


def show_end(job: Job) -> bool:
    """Say what became of it; return whether it was done."""
    if job.refusal:
        for language in languages():
            click.echo(job.refusal["texts"][language])
    if job.result:
        click.echo(msgspec.json.format(msgspec.json.encode(job.result)).decode())
    return job.state == "done"
