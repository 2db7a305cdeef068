"""Every text that a person sees has its English: found where it stands, not in a list that someone must keep."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from scenarios import texts as scenario_texts
from scenarios.refusals import CarbonRefusal
from service import app  # noqa: F401 - whatever it brings in may refuse
from service.errors import TITLES, every_refusal
from service.i18n import CATALOG

SERVICE = CATALOG.parent.parent
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
KEYWORDS = {"mark": None, "_": None, "ngettext": (1, 2)}


def found_in_code() -> Iterator[str]:
    """The texts that the service marks, in its modules and in its templates."""
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    options = {"**/templates/**.html": {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.do"}}
    for _, _, message, _, _ in extract_from_dir(SERVICE, methods, options, KEYWORDS):
        yield from (message,) if isinstance(message, str) else message[:1]


@cache
def wanted() -> frozenset[str]:
    """Every msgid."""
    refusals = (kind.template() for kind in every_refusal() if kind.__module__.startswith("service."))
    return frozenset(
        [*found_in_code(), *refusals, *TITLES.values(), *scenario_texts.msgids(), CarbonRefusal.__doc__ or ""]
    )


@cache
def catalog() -> Catalog:
    """The English texts."""
    with CATALOG.open("rb") as source:
        return read_po(source, locale="en")


def written() -> dict[str, Message]:
    """The catalog's entries by msgid."""
    return {each.id if isinstance(each.id, str) else each.id[0]: each for each in catalog() if each.id}


def english_of(message: Message) -> tuple[str, ...]:
    """An entry's English, in each number."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def test_the_extractor_finds_what_there_is() -> None:
    assert {"报到", "已报到", "会议", "克", "请先登录。", "地铁"} <= wanted()
    assert len(wanted()) > 300


def test_every_text_has_its_english() -> None:
    missing = sorted(wanted() - written().keys())
    assert not missing, "\n".join(f'msgid "{each}"' for each in missing)


def test_no_english_is_left_over() -> None:
    assert sorted(written().keys() - wanted()) == []


def test_english_is_english_and_keeps_its_placeholders() -> None:
    for msgid, message in written().items():
        for english in english_of(message):
            assert english.strip(), msgid
            assert not CHINESE.search(english.replace("碳惠", "").replace("中文", "")), english
            assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(msgid)), english


def test_no_template_shows_chinese_past_the_catalog() -> None:
    """What stands in a template outside of `_()` would be Chinese for everybody."""
    for path in sorted((SERVICE / "pages" / "templates").glob("*.html")):
        text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.DOTALL)
        assert list(CHINESE.findall(text.replace("中文", ""))) == [], path.name


def test_no_module_shows_chinese_past_the_catalog() -> None:
    """Chinese in a string of the pages is either marked, a refusal's docstring, or forgotten."""
    for path in sorted((SERVICE / "pages").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CHINESE.search(node.value):
                assert node.value.strip() in wanted(), f"{path.name}: {node.value}"
