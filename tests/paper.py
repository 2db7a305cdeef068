"""Pages as a browser without scripts sees them: parsed strictly, their forms filled in and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

import html5lib
import httpx

File = tuple[str, bytes, str]
Files = Mapping[str, File | list[File]]
"""By field: a file's name, content and media type, or several."""


@dataclass
class Form:
    """A form: where it leads, how, and what its fields hold as served. One with `files` takes them besides."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    files: bool = False


@dataclass
class Paper:
    """A page that was read."""

    answer: httpx.Response
    root: Element

    @property
    def text(self) -> str:
        """What is to be read, in one line."""
        body = self.root.find("body")
        assert body is not None
        return " ".join("".join(body.itertext()).split())

    @property
    def title(self) -> str:
        """The heading."""
        return " ".join("".join(self.root.find(".//h1").itertext()).split())  # type: ignore[union-attr]

    def all(self, tag: str) -> list[Element]:
        """Elements of a name."""
        return list(self.root.iter(tag))

    def forms(self) -> list[Form]:
        """The forms as served."""
        return [form_of(each, str(self.answer.url)) for each in self.all("form")]

    def form(self, end: str = "") -> Form:
        """The form whose address ends so."""
        return next(each for each in self.forms() if each.action.partition("?")[0].endswith(end))


def form_of(element: Element, base: str) -> Form:
    """A form with what it would send if nobody touched it."""
    form = Form(urljoin(base, element.get("action", "")), element.get("method", "get"))
    form.files = element.get("enctype") == "multipart/form-data"
    for each in element.iter():
        name = each.get("name")
        if name is None:
            continue
        if each.tag == "input":
            unticked = each.get("type") in {"radio", "checkbox"} and each.get("checked") is None
            form.fields |= {} if unticked else {name: each.get("value", "")}
        elif each.tag == "textarea":
            form.fields[name] = "".join(each.itertext())
        elif each.tag == "select":
            options = list(each.iter("option"))
            chosen = next((o for o in options if o.get("selected") is not None), options[0])
            form.fields[name] = chosen.get("value", "")
    return form


def read(answer: httpx.Response) -> Paper:
    """Parse a page as the standard says, refusing what it does not allow."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return Paper(answer, parser.parse(answer.text))


async def see(client: httpx.AsyncClient, url: str, **options: Any) -> Paper:
    """Open an address, follow where it leads, and read."""
    return read(await client.get(url, follow_redirects=True, **options))


async def send(
    client: httpx.AsyncClient, form: Form, *, follow: bool = True, files: Files | None = None, **typed: str
) -> Paper:
    """Fill in a form, send it, and read what comes."""
    return read(await post(client, form, follow=follow, files=files, **typed))


async def post(
    client: httpx.AsyncClient, form: Form, *, follow: bool = False, files: Files | None = None, **typed: str
) -> httpx.Response:
    """Fill in a form and send it, with files where it takes some, chosen or not."""
    assert form.method == "post"
    fields = form.fields | typed
    if not form.files:
        assert not files
        return await client.post(form.action, data=fields, follow_redirects=follow)
    parts = [(name, (None, value.encode())) for name, value in fields.items() if name not in (files or ())]
    groups = ((name, some if isinstance(some, list) else [some]) for name, some in (files or {}).items())
    chosen = [(name, each) for name, some in groups for each in some]
    return await client.post(form.action, files=[*parts, *chosen], follow_redirects=follow)
