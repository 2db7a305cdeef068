"""How sign-in codes reach phones. Locally they go to the log; elsewhere an operator's gateway implements `Sender`."""

from __future__ import annotations

import logging
from typing import Protocol, runtime_checkable

from service.config import Config, ConfigError

log = logging.getLogger(__name__)


class SendingFailed(Exception):
    """The gateway did not take the message, or did not say whether it did."""


@runtime_checkable
class Sender(Protocol):
    """Sends text messages."""

    async def send(self, phone: str, code: str) -> None:
        """Send a sign-in code to a number (E.164). Raises SendingFailed."""
        ...


class LogSender:
    """Writes codes to the log: for one machine whose operator is its user."""

    async def send(self, phone: str, code: str) -> None:
        """Log the code, loud enough to be seen without any configuration."""
        log.warning("sign-in code for %s: %s", phone, code)


def find_sender(config: Config) -> Sender:
    """The sender that this deployment uses. Raises ConfigError where there is none."""
    if config.local:
        return LogSender()
    raise ConfigError("nothing here sends sign-in codes: set TANHUI_LOCAL=true to have them in the log")
