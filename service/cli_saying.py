"""What the command line says, in the languages of the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping

import rich_click as click

from service.i18n import LANGUAGES, Language, translate


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
