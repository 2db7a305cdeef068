"""`verify-certificate`: is what a kept file certifies as it was signed? Offline: by the file and a public key alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import rich_click as click

from service.checkpoints import Untrue
from service.cli_saying import languages, tell
from service.i18n import Language, mark, translate
from service.neutrality_records import Record, check


@click.command("verify-certificate")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--key", help="The public key as published at /v1/keys, in hexadecimal; else the one in the file.")
def verify_certificate(file: Path, key: str | None) -> None:
    """Check a record from /v1/confirmations/ID/record, without network or database; end non-zero when untrue."""
    try:
        record = check(file.read_bytes(), key)
    except Untrue as reason:
        tell(reason.text, **reason.values)
        sys.exit(1)
    if key is None:
        tell(mark("签名与文件里的公钥相符。要确认公钥是谁的，请用 --key 给出公布的公钥。"))
    else:
        tell(mark("签名与公布的公钥相符，内容未改。"))
    for language in languages():
        for line in lines(record, language):
            click.echo(line)
    for serials in serials_of(record):
        click.echo(f"  {serials}")


def lines(record: Record, language: Language) -> Iterator[str]:
    """What is certified, in that language."""
    event, inventory = record.event, record.inventory
    yield f"{event.name} · {event.first} – {event.last} · {record.label_name.said(language)}"
    for text, values in (
        (mark("由{issuer}确认。"), {"issuer": record.issuer.name.said(language)}),
        (mark("需抵销 {need} 克，已注销 {retired} 克。"), {"need": record.need_g, "retired": record.retired_g}),
        (mark("排放清单第 {number} 版，sha256 {digest}。"), {"number": inventory.number, "digest": inventory.digest}),
        (mark("确认之后是否撤销，看 {path}。"), {"path": f"/n/{record.id}"}),
    ):
        yield translate(language, text).format(**values)


def serials_of(record: Record) -> Iterator[str]:
    """Every serial that was retired, block by block."""
    for each in record.offsets:
        yield from (block.serials for block in each.blocks)
        for unit in each.units:
            yield f"{unit.registry} {unit.serials} ({unit.reference})"
