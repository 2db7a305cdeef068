"""Auditing by night."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from service.audits import find_faults

LOOKED_BACK = timedelta(days=2)

log = logging.getLogger(__name__)


async def audit_books(context: dict[str, Any]) -> None:
    """Job: audit the ledger, and every tally that changed in the last two days. A finding is logged as an error."""
    findings = await find_faults(context["config"], datetime.now(UTC) - LOOKED_BACK)
    for finding in findings:
        log.error("audit: %s", finding)
    if not findings:
        log.info("audit: the books are in order")
