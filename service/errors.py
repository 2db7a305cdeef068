"""Refusals: why a request was not done, in words for people and a code for programs.

Refusal                       the docstring is the Chinese message, the msgid of its translation
├── BadInput            400   it cannot be read, or says something impossible
├── NotSignedIn         401   no token, or one that is forged or expired
├── NotAllowed          403   known, but not of the role that this asks
├── NotFound            404   no such thing, or none that the caller may see
├── Conflict            409   it contradicts what is already recorded
├── NotNow              422   well said, but the rules or facts do not allow it
├── TooMany             429   too often; `retry_after_s` says when again
└── NotReady            503   we cannot at the moment; nothing was done; `retry_after_s`

Values named in the message are given to the constructor and stand in the problem document beside it; a Text is said in
each language. What a rule says is raised `under` its ground: the problem document then names clause and document.
A subclass's own docstring is its message; its `code` never changes once released.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

from scenarios.meeting.rule_terms import Ground, Text
from service.i18n import LANGUAGES, Language, translate


class Refusal(Exception):
    """请求未能完成。"""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    retry_after_s: int | None = None
    ground: Ground | None = None

    def __init__(self, **values: Any) -> None:
        super().__init__(values)
        self.values = values

    def under(self, ground: Ground | None) -> Self:
        """The same refusal, with where a rule says so."""
        self.ground = ground
        return self

    def message(self, language: Language) -> str:
        """What happened, in that language."""
        shown = {key: each.said(language) if isinstance(each, Text) else each for key, each in self.values.items()}
        return translate(language, type(self).template()).format(**shown)

    @classmethod
    def template(cls) -> str:
        """The Chinese message before its values are put in."""
        assert cls.__doc__, cls
        return cls.__doc__.strip()

    def document(self, language: Language) -> dict[str, Any]:
        """The problem document (RFC 9457), with the text in every language we have."""
        return {
            "type": f"/problems/{self.code}",
            "title": translate(language, TITLES[self.status]),
            "status": self.status,
            "code": self.code,
            "detail": self.message(language),
            "texts": {each: self.message(each) for each in LANGUAGES},
            **({"retry_after_s": self.retry_after_s} if self.retry_after_s is not None else {}),
            **({"values": self.values} if self.values else {}),
            **self.cited(),
        }

    def cited(self) -> dict[str, str]:
        """The clause and the document that says so, where one does."""
        citation = self.ground.citation if self.ground else None
        return {"clause": citation.clause, "document": citation.text} if citation else {}


TITLES = {
    400: "请求有误",
    401: "请先登录",
    403: "没有权限",
    404: "没有找到",
    405: "请求有误",
    409: "与已有记录冲突",
    413: "内容太大",
    415: "请求有误",
    422: "不能办理",
    429: "太频繁了",
    500: "出错了",
    503: "暂时无法办理",
}


class BadInput(Refusal):
    """请求的内容无法读懂：{reason}"""

    code = "bad_input"


class NotSignedIn(Refusal):
    """请先登录。"""

    status = 401
    code = "not_signed_in"


class NotAllowed(Refusal):
    """您的身份不能进行这项操作。"""

    status = 403
    code = "not_allowed"


class NotFound(Refusal):
    """没有找到。"""

    status = 404
    code = "not_found"


class Conflict(Refusal):
    """与已有记录冲突。"""

    status = 409
    code = "conflict"


class IdReused(Conflict):
    """这个编号已经用于另一个内容不同的请求。"""

    code = "id_reused"


class NotNow(Refusal):
    """现在不能办理。"""

    status = 422
    code = "not_now"


class TooMany(Refusal):
    """太频繁了，请在 {retry_after_s} 秒后再试。"""

    status = 429
    code = "too_many"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class NotReady(Refusal):
    """系统繁忙，没有办理，请稍后再试。"""

    status = 503
    code = "not_ready"
    retry_after_s = 2


def every_refusal(root: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """Each class of the tree, for the documentation and the tests."""
    yield root
    for child in root.__subclasses__():
        yield from every_refusal(child)
