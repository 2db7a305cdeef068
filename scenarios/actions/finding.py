"""Finding an act among those offered: by its name, its example, or another word that people use for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from scenarios.actions.methodologies import ActionOffered
from scenarios.citations import parse_toml
from scenarios.place_names import plain

FILE = Path(__file__).parent.parent / "policies" / "words.toml"
Translate = Callable[[str], str]


@cache
def words() -> dict[str, tuple[str, ...]]:
    """What people call acts besides their labels, by the act's key. Raises PackUnreadable."""
    return parse_toml(FILE.read_bytes(), dict[str, tuple[str, ...]], FILE.name)


def matching(offered: Iterable[ActionOffered], text: str, translate: Translate) -> Sequence[ActionOffered]:
    """Those that a text may mean, the likeliest first; `translate` looks a msgid up in the reader's language."""
    asked = [plain(term) for term in (text, *text.split())]
    ranked = [(rank, each) for each in offered if (rank := rank_of(each, list(filter(None, asked)), translate))]
    return [each for _, each in sorted(ranked, key=lambda pair: -pair[0])]


def rank_of(offered: ActionOffered, asked: Sequence[str], translate: Translate) -> int:
    """How well the best of the terms fits: 3 is the word itself, 2 part of one, 1 has one as its part, 0 not at all."""
    return max((fit(each, word) for word in names_of(offered, translate) for each in asked), default=0)


def fit(asked: str, word: str) -> int:
    """How well one term fits one word, both plain."""
    return 3 if asked == word else 2 if asked in word else 1 if word in asked else 0


def names_of(offered: ActionOffered, translate: Translate) -> Iterator[str]:
    """What it is called, in the reader's language and in Chinese, plain."""
    for text in (translate(offered.label), offered.label, *words().get(offered.key, ())):
        if named := plain(text):
            yield named
