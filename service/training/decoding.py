"""Uploaded bytes to UTF-8 text, in pieces of any size: what is text, and in which encoding; knows no folders."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import charset_normalizer
import numpy as np
import numpy.typing as npt

from charrnn.vocabulary import codepoints
from service.training.errors import BinaryCorpusError, EncodingError

CHUNK: Final = 1 << 20
SAMPLE: Final = 1 << 17

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; UTF-32's before UTF-16's, which is its beginning."""

_SINGLE_BYTE: Final = ("cp1252", "cp1255", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1256", "cp1250")
_MULTI_BYTE: Final = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
LEGACY: Final = (*_SINGLE_BYTE, *_MULTI_BYTE)
"""The encodings other than Unicode's that are recognised, the first of equally likely ones preferred."""


@dataclass
class Census:
    """What is counted while a text goes by: nothing of it is kept but which characters occur. `size` is in bytes."""

    size: int = 0
    characters: int = 0
    line_ends: int = 0
    last: str = ""
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _seen: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0x110000, np.bool_))

    def count(self, text: str, encoded: bytes) -> None:
        """Take in a piece of text and its UTF-8 bytes."""
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
        """Lines, the last one without an end included."""
        return self.line_ends + (self.last not in ("", "\n"))

    @property
    def sha256(self) -> str:
        """SHA-256 of the UTF-8 bytes, in hexadecimal."""
        return self._digest.hexdigest()

    @property
    def vocabulary(self) -> str:
        """The characters that occur, in ascending order of code point."""
        return "".join(map(chr, np.flatnonzero(self._seen).tolist()))


def marked_encoding(start: bytes) -> tuple[str, int] | None:
    """The encoding that the first four bytes of a text announce, and how many of them do so."""
    return next(((encoding, len(mark)) for mark, encoding in _MARKS if start.startswith(mark)), None)


def decoded(chunks: Iterable[bytes], encoding: str, offset: int = 0) -> Iterator[str]:
    """The text of the bytes, piece by piece. Raises EncodingError with the position of the first bad byte (`offset`
    is the first chunk's), BinaryCorpusError with that of the first NUL."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    position = offset
    for chunk, final in _and_the_end(chunks):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            bad = position - pending + error.start
            found = error.object[error.start]
            raise EncodingError(bad, f"not {encoding}: the byte 0x{found:02x} at position {bad}") from None
        nul = text.find("\0")
        if nul >= 0:
            at = position - pending + len(text[:nul].encode(encoding))
            raise BinaryCorpusError(f"not a text: a NUL character at byte {at}")
        position += len(chunk)
        yield text


def detect(file: BinaryIO, bad: EncodingError) -> str:
    """The legacy encoding of a file that is not UTF-8, told from what surrounds its first bad byte.

    Raises EncodingError when none fits well, or when it is UTF-8 but for some damage.
    """
    file.seek(max(0, bad.position - SAMPLE // 4))
    sample = file.read(SAMPLE)
    if b"\0" in sample:
        raise BinaryCorpusError(f"not a text: {bad}, and there are NUL bytes")
    if not _is_damaged_utf8(sample):
        matches = list(charset_normalizer.from_bytes(sample, cp_isolation=list(LEGACY), threshold=0.3))
        matches.sort(key=lambda match: (round(match.chaos, 3), -round(match.coherence, 3), _rank(match)))
        if matches and _is_convincing(matches[0]):
            return LEGACY[_rank(matches[0])]
    raise EncodingError(bad.position, f"{bad}; no other encoding fits well: please convert the text to UTF-8")


def _rank(match: charset_normalizer.CharsetMatch) -> int:
    return min(LEGACY.index(name) for name in match.could_be_from_charset if name in LEGACY)


def _is_convincing(match: charset_normalizer.CharsetMatch) -> bool:
    """Bytes beyond ASCII mean something in every single-byte encoding: there, a language must be recognised."""
    return match.chaos <= 0.15 and (match.coherence >= 0.1 or LEGACY[_rank(match)] in _MULTI_BYTE)


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether most of what is beyond ASCII is sound UTF-8, which does not happen by chance."""
    text = sample.decode("utf-8", "replace")
    beyond = sum(character > "\x7f" for character in text)
    return beyond > 2 * text.count("\ufffd")


def _and_the_end(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        yield chunk, False
    yield b"", True
