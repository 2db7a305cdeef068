"""Texts in Chinese, which is their source, and English, from `locales/en.po`."""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path
from typing import Literal

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
CATALOG = Path(__file__).parent / "locales" / "en.po"


def mark(message: str) -> str:
    """Mark a Chinese text for the catalog where it stands; it is translated where it is shown."""
    return message


@cache
def texts(language: Language) -> gettext.NullTranslations:
    """The catalog of a language. Chinese is its own: a text without translation shows as written."""
    if language == "zh":
        return gettext.NullTranslations()
    with CATALOG.open("rb") as source:
        catalog = read_po(source, locale="en")
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translate(language: Language, message: str) -> str:
    """The text in that language."""
    return texts(language).gettext(message)


def preferred(accept_language: str | None, chosen: str | None = None) -> Language:
    """The language to answer in: the one chosen, else the first we have of the browser's list, else Chinese."""
    if chosen in LANGUAGES:
        return chosen
    wanted = [part.split(";")[0].strip() for part in (accept_language or "").split(",")]
    found = negotiate_locale([w for w in wanted if w], LANGUAGES, sep="-")
    return "en" if found == "en" else "zh"
