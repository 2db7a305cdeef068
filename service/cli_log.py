"""`check-log`: is a transfer in the public log, and did the log only grow? Offline: by files and a public key alone."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from service.checkpoints import Untrue
from service.cli_saying import tell
from service.i18n import mark
from service.log_bundles import check, read_bundle

File = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command("check-log")
@click.argument("bundle", type=File)
@click.option("--key", required=True, help="The log's public key, as it was published: NAME+HASH+KEY.")
@click.option("--since", type=File, help="A bundle kept before: check that the log only grew since.")
def check_log(bundle: Path, key: str, since: Path | None) -> None:
    """Check a proof from /v1/transfers/ID/proof or /v1/log, without network or database; end non-zero when untrue."""
    try:
        kept = read_bundle(bundle.read_bytes())
        older = read_bundle(since.read_bytes()) if since else None
        checkpoint = check(kept, key, older)
    except Untrue as reason:
        tell(reason.text, **reason.values)
        sys.exit(1)
    tell(mark("检查点由这把公钥签名：日志共 {size} 行。"), size=checkpoint.size)
    for row in kept.rows:
        text = mark("编号 {id} 的第 {ordinal} 行（{grams} 克）在日志的第 {position} 位，内容未改。")
        tell(text, id=row.transfer.id, ordinal=row.transfer.ordinal, grams=row.transfer.grams, position=row.position)
    if older:
        tell(mark("日志自 {file} 以来只增不改。"), file=since.name if since else "")
