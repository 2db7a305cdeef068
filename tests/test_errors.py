"""Refusals: their codes, which programs rely on, and their texts, which people read, in both languages."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from pathlib import Path
from string import Formatter

import msgspec
import pytest

import scenarios
import service
import workers
from service.api.problems import Problem
from service.errors import TITLES, TooMany, every_refusal
from service.i18n import CATALOG, preferred, translate

RELEASED = Path(__file__).parent / "data" / "refusals.txt"
"""Each code with its status, sorted. A line once released is never changed or taken out; new ones are added."""

for package in (scenarios, service, workers):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith(("__main__", "local_launch")):  # programs: importing them runs them
            import_module(module.name)
KINDS = sorted(
    {each for each in every_refusal() if each.__module__.startswith("service")},
    key=lambda each: (each.code, each.__name__),
)
CHINESE = re.compile("[\u4e00-\u9fff]")


def fields(template: str) -> set[str]:
    """The names of the values in a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_each_code_is_one_refusals_only() -> None:
    codes = [each.code for each in KINDS if "code" in vars(each)]  # without one: its parent's, in other words
    assert len(set(codes)) == len(codes), [each for each in codes if codes.count(each) > 1]
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", each) for each in codes)


def test_codes_and_their_status_never_change() -> None:
    said = {f"{each.code} {each.status}" for each in KINDS}
    released = set(RELEASED.read_text("utf-8").splitlines())
    assert released - said == set(), "programs rely on these: a released refusal keeps its code and status"
    assert said - released == set(), f"add these to {RELEASED.name}"


def test_each_refusal_speaks_both_languages_of_the_same_values() -> None:
    for kind in KINDS:
        chinese = kind.template()
        english = translate("en", chinese)
        assert CHINESE.search(chinese), kind
        assert not CHINESE.search(english), f"{kind}: no English in service/locales/en.po"
        assert fields(chinese) == fields(english), kind
        assert kind.status in TITLES, kind
        assert translate("en", TITLES[kind.status]) != TITLES[kind.status], kind


def test_a_text_is_translated_once() -> None:
    sources = re.findall(r'^msgid ((?:".*"\n)+)', CATALOG.read_text("utf-8"), re.MULTILINE)
    assert len(set(sources)) == len(sources), [each for each in set(sources) if sources.count(each) > 1]


def test_a_problem_document_is_what_the_openapi_document_says() -> None:
    document = msgspec.json.encode(TooMany(7).document("en"))
    problem = msgspec.json.decode(document, type=Problem)
    assert (problem.status, problem.code, problem.retry_after_s) == (429, "too_many", 7)
    assert problem.detail == problem.texts.en == "Too often. Please try again in 7 seconds."
    assert problem.texts.zh == "太频繁了，请在 7 秒后再试。"
    assert problem.title == "Too often"


@pytest.mark.parametrize(
    ("header", "chosen", "language"),
    [
        (None, None, "zh"),
        ("", None, "zh"),
        ("en-GB,en;q=0.9", None, "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", None, "zh"),
        ("zh-TW", None, "zh"),
        ("fr,de", None, "zh"),
        ("de-AT,en;q=0.5", None, "en"),
        ("*", None, "zh"),
        ("x" * 5000, None, "zh"),
        ("en", "zh", "zh"),
        ("zh", "en", "en"),
        ("zh", "xx", "zh"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browsers_else_chinese(
    header: str | None, chosen: str | None, language: str
) -> None:
    assert preferred(header, chosen) == language
