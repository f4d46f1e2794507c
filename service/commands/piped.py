"""The texts that a shell pipe brings, as they arrive; knows nothing of what is asked about them."""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from service.api.schemas.texts import MOST_TEXTS
from service.processes.preflight import StartError

PIECE_BYTES: Final = 1 << 16
MOST_CHARACTERS: Final = 300_000
"""How many characters are in a batch, unless one text alone has more: as JSON they are at most 4 MB."""

_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\"}


def standard_input() -> Iterator[bytes]:
    """Standard input, as it arrives."""
    while sys.stdin is not None and (piece := sys.stdin.buffer.read1(PIECE_BYTES)):  # type: ignore[union-attr]
        yield piece


def unescaped(text: str) -> str:
    r"""A separator as it is typed: \n, \t, \r, \0 and \\ stand for one character. Raises ValueError if it is empty."""
    if not text:
        raise ValueError("a separator needs at least one character")
    return re.sub(r"\\([ntr0\\])", lambda match: _ESCAPES[match[1]], text)


def batches(pieces: Iterable[bytes], separator: str) -> Iterator[list[str]]:
    """The texts between separators, as many at a time as have arrived and a request may have; lines without their
    carriage returns. Raises StartError for invalid UTF-8."""
    decoder, rest = codecs.getincrementaldecoder("utf-8-sig")(), ""
    for piece in pieces:
        *whole, rest = (rest + _decoded(decoder, piece)).split(separator)
        yield from _bounded(_lines(whole, separator))
    rest += _decoded(decoder, b"", final=True)
    if rest:
        yield from _bounded(_lines([rest], separator))


def _lines(texts: Sequence[str], separator: str) -> list[str]:
    return [text.removesuffix("\r") for text in texts] if separator == "\n" else list(texts)


def _bounded(texts: Sequence[str]) -> Iterator[list[str]]:
    batch, characters = list[str](), 0
    for text in texts:
        if batch and (len(batch) == MOST_TEXTS or characters + len(text) > MOST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> str:
    try:
        return decoder.decode(piece, final)
    except UnicodeDecodeError as error:
        wrong = f"byte 0x{error.object[error.start]:02x}"
        raise StartError(f"standard input must be valid UTF-8: {wrong} is not") from error
