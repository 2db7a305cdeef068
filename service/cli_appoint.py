"""`appoint-authority`, `appoint-operator`: who may act for a place's authority, and who operates the platform."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import rich_click as click

from scenarios.meeting.rule_terms import OfficeKey
from service import operators
from service.cli_saying import tell
from service.config import from_environment
from service.db import open_pool, transaction
from service.i18n import mark
from service.phones import PhoneInvalid


@click.command("appoint-authority")
@click.argument("phone")
@click.argument("region")
@click.option("--office", multiple=True, type=click.Choice(sorted(operators.OFFICES)), help="One or several.")
@click.option("--end", is_flag=True, help="Dismiss instead.")
def appoint_authority(phone: str, region: str, office: Sequence[OfficeKey], *, end: bool) -> None:
    """Make the owner of a PHONE an officer of a REGION's authority (GB/T 2260), with these offices and no others."""
    try:
        changed = asyncio.run(change_authority(phone, region, office, end=end))
    except LookupError:
        tell(mark("没有“{region}”这个省、自治区、直辖市或城市的代码。"), region=region)
        sys.exit(1)
    except PhoneInvalid as refusal:
        tell(refusal.template())
        sys.exit(1)
    tell(mark("已办。") if changed else mark("本来就没有这个任命。"))


@click.command("appoint-operator")
@click.argument("phone")
@click.option("--end", is_flag=True, help="Dismiss instead.")
def appoint_operator(phone: str, *, end: bool) -> None:
    """Make the owner of a PHONE an operator of the platform."""
    try:
        changed = asyncio.run(change_operator(phone, end=end))
    except PhoneInvalid as refusal:
        tell(refusal.template())
        sys.exit(1)
    tell(mark("已办。") if changed else mark("本来就没有这个任命。"))


async def change_authority(phone: str, region: str, offices: Sequence[OfficeKey], *, end: bool) -> bool:
    """Appoint or dismiss; was there anything to do? Raises LookupError, PhoneInvalid."""
    config = from_environment()
    async with await open_pool(config) as pool, transaction(pool) as connection:
        if end:
            return await operators.dismiss_authority(connection, config, phone, region)
        await operators.appoint_authority(connection, config, phone, region, offices)
    return True


async def change_operator(phone: str, *, end: bool) -> bool:
    """The same for an operator. Raises PhoneInvalid."""
    config = from_environment()
    async with await open_pool(config) as pool, transaction(pool) as connection:
        if end:
            return await operators.dismiss_operator(connection, config, phone)
        await operators.appoint_operator(connection, config, phone)
    return True
