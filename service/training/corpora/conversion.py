"""Converts an uploaded file to UTF-8 in place; knows nothing of corpora."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from durable.drafts import draft
from service.training.corpora.decoding import CHUNK, LineEnds, Newlines, TextSummary, Tidying, decoded, marked_encoding
from service.training.corpora.encodings.detection import by_bytes, by_escapes, by_nul
from service.training.corpora.encodings.escapes import SIGNS
from service.training.corpora.encodings.names import ORDERED, UTF_8, known
from service.training.corpora.encodings.wide import SAMPLE, wide
from service.training.errors import BinaryCorpusError, DeclaredEncodingError, EmptyCorpusError, EncodingError

PREVIEW_LINES: Final = 5
PREVIEW_CHARACTERS: Final = 200

_PART: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Conversion:
    """How to read an upload: the declared encoding, if any, and what to do with its line ends."""

    encoding: str | None = None
    newlines: Newlines = "lf"


AS_FOUND: Final = Conversion()
"""Nothing was declared."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted upload: the summary of its text, its original encoding and line ends, and its first lines with
    non-ASCII characters (or, if there are none, its first lines)."""

    summary: TextSummary
    encoding: str
    line_ends: LineEnds
    preview: tuple[str, ...]


def convert(file: BinaryIO, path: Path, conversion: Conversion) -> Converted:
    """Convert the uploaded file at `path`, open as `file`, to UTF-8 without byte order marks.

    Raises EmptyCorpusError, BinaryCorpusError, UnknownEncodingError, DeclaredEncodingError, UnclearEncodingError,
    EncodingError.
    """
    file.flush()
    file.seek(0)
    marked = marked_encoding(file.read(4))
    if conversion.encoding is not None:
        declared = known(conversion.encoding)
        encoding, summary, tidying = _declared(file, path, declared, marked, conversion.newlines)
    elif marked is not None:
        encoding = marked[0]
        summary, tidying = _rewritten(file, path, encoding, marked[1], conversion.newlines)
    else:
        encoding, summary, tidying = _detected(file, path, conversion.newlines)
    if not summary.characters:
        raise EmptyCorpusError("the corpus is empty")
    return Converted(summary, encoding, tidying.found, _preview(path, summary))


def _declared(
    file: BinaryIO, path: Path, declared: str, marked: tuple[str, int] | None, newlines: Newlines
) -> tuple[str, TextSummary, Tidying]:
    """Decode as declared; the declaration may leave the byte order to the mark."""
    if _agrees(declared, marked):
        encoding, skipped = marked or (declared, 0)
    else:
        encoding, skipped = (_ordered(file, declared) if declared in ORDERED else declared), 0
    try:
        return declared, *_rewritten(file, path, encoding, skipped, newlines)
    except EncodingError as error:
        message = f"encoding is declared as {declared}, and the text is {error}"
        raise DeclaredEncodingError(error.position, message) from None


def _ordered(file: BinaryIO, declared: str) -> str:
    """The declared encoding with its byte order, which is detected in a text without a mark. Raises
    DeclaredEncodingError."""
    file.seek(0)
    found = wide(file.read(SAMPLE))
    if found is None or not found.startswith(declared):
        message = (
            f"encoding is declared as {declared}, and the text has no byte order mark: {declared}-le or {declared}-be"
        )
        raise DeclaredEncodingError(0, message)
    return found


def _agrees(declared: str, marked: tuple[str, int] | None) -> bool:
    """Whether there is a byte order mark of the declared encoding. Raises DeclaredEncodingError for that of another
    one."""
    if marked is None:
        return False
    if not marked[0].startswith(declared.removesuffix("-sig")):
        raise DeclaredEncodingError(
            0, f"encoding is declared as {declared}, but the text begins with the byte order mark of {marked[0]}"
        )
    return True


def _detected(file: BinaryIO, path: Path, newlines: Newlines) -> tuple[str, TextSummary, Tidying]:
    """Decode in the detected encoding."""
    try:
        summary, tidying = _rewritten(file, path, UTF_8, 0, newlines)
    except EncodingError as error:
        encoding = by_nul(file, BinaryCorpusError(f"not a text: {error}")) if _has_nul(file) else by_bytes(file, error)
    except BinaryCorpusError as error:
        encoding = by_nul(file, error)
    else:
        encoding = by_escapes(file) if summary.is_ascii and any(sign in summary.vocabulary for sign in SIGNS) else UTF_8
        if encoding == UTF_8:
            return UTF_8, summary, tidying
    return encoding, *_rewritten(file, path, encoding, 0, newlines)


def _rewritten(
    file: BinaryIO, path: Path, encoding: str, skipped: int, newlines: Newlines
) -> tuple[TextSummary, Tidying]:
    """Decode the file from byte `skipped` on, and replace it by the text in UTF-8 unless it already is UTF-8."""
    if encoding == UTF_8 and not skipped and (found := _as_it_is(file, newlines)) is not None:
        return found
    summary, tidying = TextSummary(), Tidying(newlines)
    with draft(path.parent) as converted:
        for text in tidying.all(decoded(_chunks(file, skipped), encoding, skipped)):
            encoded = text.encode()
            summary.count(text, encoded)
            converted.file.write(encoded)
        converted.put(path)
    return summary, tidying


def _as_it_is(file: BinaryIO, newlines: Newlines) -> tuple[TextSummary, Tidying] | None:
    """The summary of a UTF-8 file that needs no rewriting; None if it needs rewriting."""
    summary, tidying = TextSummary(), Tidying(newlines)
    for text in decoded(_chunks(file), UTF_8):
        if tidying.changes(text):
            return None
        tidied = tidying.tidied(text)
        summary.count(tidied, tidied.encode())
    rest = tidying.rest()
    summary.count(rest, rest.encode())
    file.flush()
    os.fsync(file.fileno())
    return summary, tidying


def _chunks(file: BinaryIO, start: int = 0) -> Iterator[bytes]:
    file.seek(start)
    return iter(lambda: file.read(CHUNK), b"")


def _has_nul(file: BinaryIO) -> bool:
    return any(b"\0" in chunk for chunk in _chunks(file))


def _preview(path: Path, summary: TextSummary) -> tuple[str, ...]:
    lines: list[str] = []
    with path.open("rb") as text:
        for line in iter(lambda: text.readline(_PART), b""):
            if summary.is_ascii or not line.isascii():
                lines.append(_shown(line.decode(errors="ignore").strip("\r\n")))
            if len(lines) == PREVIEW_LINES:
                break
    return tuple(lines)


def _shown(line: str) -> str:
    """A line; of a long one, the part around its first non-ASCII character."""
    first = next((index for index, character in enumerate(line) if character > "\x7f"), 0)
    start = max(0, first - PREVIEW_CHARACTERS // 2) if len(line) > PREVIEW_CHARACTERS else 0
    return line[start : start + PREVIEW_CHARACTERS]
