"""Large bodies on disk: taken piece by piece while their digest is, then read back line by line.

The file has no name: it is gone with the process, or when it is closed.
"""

from __future__ import annotations

import asyncio
import hmac
import tempfile
from collections.abc import AsyncIterable, Iterator
from types import TracebackType
from typing import Self

PIECE = 2**20
READ = 2**18


class Spool:
    """A body of lines. Not for two tasks at once."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`
        self._newlines = 0
        self._ended = True

    async def take(self, pieces: AsyncIterable[bytes], digest: hmac.HMAC) -> None:
        """Write a body and take its digest, off the event loop. Raises what reading it raises, and OSError."""
        gathered = bytearray()
        async for piece in pieces:
            gathered += piece
            if len(gathered) >= PIECE:
                await asyncio.to_thread(self._write, bytes(gathered), digest)
                gathered.clear()
        await asyncio.to_thread(self._write, bytes(gathered), digest)

    def _write(self, piece: bytes, digest: hmac.HMAC) -> None:
        if not piece:
            return
        digest.update(piece)
        self._newlines += piece.count(b"\n")
        self._ended = piece.endswith(b"\n")
        rest = memoryview(piece)
        while rest:
            rest = rest[self._file.write(rest) :]

    def count(self) -> int:
        """How many lines there are. The last one may lack its end."""
        return self._newlines + (not self._ended)

    def lines(self, longest: int) -> Iterator[bytes | None]:
        """The lines without their ends, from the first on; None for one of more bytes than `longest`."""
        self._file.seek(0)
        rest, too_long = b"", False
        while piece := self._file.read(READ):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield None if too_long or len(line) > longest else line
                too_long = False
            if len(rest) > longest:
                rest, too_long = b"", True
        if rest or too_long:
            yield None if too_long else rest

    @property
    def closed(self) -> bool:
        """Whether the file is gone."""
        return self._file.closed

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
