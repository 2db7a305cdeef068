"""The least that a request's body may be: a value of a type that is decoded, found by trying."""

from __future__ import annotations

import types
import typing
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Union
from uuid import UUID

import msgspec

GUESSES: tuple[Any, ...] = (
    *(1, 2000, "a", True, "1", str(UUID(int=7)), "2026-11-20", datetime(2026, 11, 20, tzinfo=UTC).isoformat()),
    *("440300", "metro", "pkm", "13800000009", "+86 138 0000 0009", "owner", "Asia/Shanghai", "0.5", "https://a.cn/"),
)


def least(kind: Any) -> Any:
    """A value that decodes as this type, structs with as little as they can be. Raises LookupError where none does."""
    found = next((each for each in candidates(kind) if decodes(each, kind)), None)
    if found is None:
        raise LookupError(kind)
    return found


def candidates(kind: Any) -> typing.Iterator[Any]:
    """What may be of this type."""
    origin = typing.get_origin(kind)
    if origin is Annotated:
        yield from candidates(typing.get_args(kind)[0])
    elif origin is Literal:
        yield typing.get_args(kind)[0]
    elif origin in {Union, types.UnionType}:
        for each in typing.get_args(kind):
            yield from candidates(each)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints, fields = typing.get_type_hints(kind, include_extras=True), msgspec.structs.fields(kind)
        needed = {each.encode_name: least(hints[each.name]) for each in fields if each.required}
        yield needed
        yield from (needed | {each.encode_name: least(hints[each.name])} for each in fields if not each.required)
    elif origin in {list, tuple, set, frozenset}:
        yield []
        yield [least(typing.get_args(kind)[0])]
    elif origin is not None:
        yield {}
        yield {least(typing.get_args(kind)[0]): least(typing.get_args(kind)[1])}
    else:
        yield from GUESSES


def decodes(value: Any, kind: Any) -> bool:
    """Whether it is of the type, as JSON."""
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except msgspec.ValidationError:
        return False
    return True
