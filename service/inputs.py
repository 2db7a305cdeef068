"""Shapes of what people type, shared by the structs that requests are decoded into."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$(?!\n)"
"""Text of one line that is not blank (`$` alone would let a line's end pass)."""
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]
PhoneText = Annotated[str, Meta(min_length=1, max_length=40, description="With +country, or of mainland China.")]
CodeText = Annotated[str, Meta(min_length=1, max_length=20, description="The six digits that were sent.")]
TokenText = Annotated[str, Meta(min_length=1, max_length=200)]
