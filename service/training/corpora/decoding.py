"""Decodes uploaded bytes, in pieces of any size, and summarizes the text; knows no folders."""

from __future__ import annotations

import codecs
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from charrnn.vocabulary import codepoints
from service.training.errors import BinaryCorpusError, EncodingError

CHUNK: Final = 1 << 20
MARK: Final = "\ufeff"
"""The byte order mark, which is not part of a text; concatenated files have several."""

Newlines = Literal["lf", "keep"]
"""Whether line ends are converted to LF or kept."""

LineEnds = Literal["lf", "crlf", "cr", "mixed", "none", "unknown"]
"""The line ends that an upload had."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Python decodes UTF-7 to halves of pairs, too."""

_FOUND: Final[dict[str | None, LineEnds]] = {None: "none", "\n": "lf", "\r\n": "crlf", "\r": "cr"}

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; UTF-32's first, because it begins with UTF-16's."""


@dataclass
class TextSummary:
    """Counts over a text, updated piece by piece in bounded memory; `size` is in bytes of UTF-8."""

    size: int = 0
    characters: int = 0
    line_ends: int = 0
    last: str = ""
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _seen: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0x110000, np.bool_))

    def count(self, text: str, encoded: bytes) -> None:
        """Count a piece of text; `encoded` is the same in UTF-8."""
        if not text:
            return
        self.size += len(encoded)
        self.characters += len(text)
        self.line_ends += text.count("\n")
        self.last = text[-1]
        self._digest.update(encoded)
        self._seen[codepoints(text)] = True

    @property
    def lines(self) -> int:
        """The number of lines, including a last one without a line end."""
        return self.line_ends + (self.last not in ("", "\n"))

    @property
    def sha256(self) -> str:
        """SHA-256 of the UTF-8 bytes, in hexadecimal."""
        return self._digest.hexdigest()

    @property
    def is_ascii(self) -> bool:
        """Whether the text is ASCII."""
        return not self._seen[0x80:].any()

    @property
    def vocabulary(self) -> str:
        """The characters that occur, in ascending order of code point."""
        return "".join(map(chr, np.flatnonzero(self._seen).tolist()))


def marked_encoding(start: bytes) -> tuple[str, int] | None:
    """The encoding that a byte order mark in the first four bytes of a text announces, and the mark's length."""
    return next(((encoding, len(mark)) for mark, encoding in _MARKS if start.startswith(mark)), None)


def decoded(chunks: Iterable[bytes], encoding: str, offset: int = 0) -> Iterator[str]:
    """The text of the bytes, piece by piece. Raises EncodingError with the position of the first bad byte (`offset`
    is the first chunk's) and its line, BinaryCorpusError with the position of the first NUL."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    position = offset
    lines = 1
    for chunk, final in _and_the_end(chunks):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            bad = position - pending + error.start
            found = error.object[error.start] if error.start < len(error.object) else 0
            lines += error.object[: error.start].decode(encoding, "ignore").count("\n")
            raise EncodingError(
                bad, f"not {encoding}: the byte 0x{found:02x} at position {bad} (line {lines})"
            ) from None
        if lone := _SURROGATE.search(text):
            before = text[: lone.start()]
            at, lines = position - pending + len(before.encode(encoding)), lines + before.count("\n")
            raise EncodingError(at, f"not {encoding}: half of a surrogate pair at about byte {at} (line {lines})")
        nul = text.find("\0")
        if nul >= 0:
            at = position - pending + len(text[:nul].encode(encoding))
            raise BinaryCorpusError(f"not a text: a NUL character at byte {at}")
        position += len(chunk)
        lines += text.count("\n")
        yield text


class Tidying:
    """Removes byte order marks from a text, piece by piece, and converts its line ends to LF unless they are kept."""

    def __init__(self, newlines: Newlines) -> None:
        self._decoder = io.IncrementalNewlineDecoder(None, translate=newlines == "lf")
        self._keeps = newlines == "keep"

    def tidied(self, text: str) -> str:
        """Process the next piece of the text; a CR at its end is held back, because an LF may follow."""
        return self._decoder.decode(text.replace(MARK, ""))

    def all(self, texts: Iterable[str]) -> Iterator[str]:
        """The whole text, in pieces."""
        yield from map(self.tidied, texts)
        yield self.rest()

    def rest(self) -> str:
        """What was held back; call it at the end of the text."""
        return self._decoder.decode("", final=True)

    def changes(self, text: str) -> bool:
        """Whether anything in this piece must be changed."""
        return MARK in text or (not self._keeps and "\r" in text)

    @property
    def found(self) -> LineEnds:
        """The line ends found so far."""
        seen = self._decoder.newlines
        return "mixed" if isinstance(seen, tuple) else _FOUND[seen]


def _and_the_end(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        yield chunk, False
    yield b"", True
