"""Detects the encoding of a file that is not UTF-8 and declares none; where it is unclear, the uploader is asked."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from service.training.decoding import CHUNK
from service.training.encodings.escapes import escaped
from service.training.encodings.evidence import gathered
from service.training.encodings.guess import is_clear, readings
from service.training.encodings.names import MULTI_BYTE, UTF_8
from service.training.encodings.wide import SAMPLE, wide
from service.training.errors import BinaryCorpusError, EncodingError, UnclearEncodingError

PART: Final = 1 << 16
"""The longest line, in bytes, that is read as one."""
SHOWN: Final = 60
"""Characters of a line that are shown as it would read."""
Guesses = list[tuple[str, str]]
"""Encodings, each with a piece of the text as it would read."""
HOW: Final = (
    "declare it with ?encoding=, the form field encoding, a charset in Content-Type, or --encoding in a terminal"
)


def by_bytes(file: BinaryIO, bad: EncodingError) -> str:
    """The encoding of a file whose bytes beyond ASCII are not UTF-8: `bad` is the first of these.

    Raises UnclearEncodingError with the two likeliest, EncodingError when it is UTF-8 but for some damage.
    """
    evidence = gathered(_chunks(file))
    if _is_damaged_utf8(evidence.sample):
        raise EncodingError(bad.position, f"{bad}; the rest is UTF-8: please repair or remove the damaged part")
    found = readings(evidence)
    if not found:
        raise EncodingError(bad.position, f"{bad}; no other encoding fits: please convert the text to UTF-8")
    if is_clear(found[0], found[1] if len(found) > 1 else None, evidence):
        guesses = _variants(file, found[0].encoding)
    else:
        guesses = _lines(file, [reading.encoding for reading in found[:2]])
    if guesses:
        raise UnclearEncodingError(bad.position, f"{bad}; {_in_words(guesses)}", guesses)
    return found[0].encoding


def by_nul(file: BinaryIO, nul: BinaryCorpusError) -> str:
    """The encoding of a file in which there are NUL bytes. Raises BinaryCorpusError when that is no text."""
    file.seek(0)
    encoding = wide(file.read(SAMPLE))
    if encoding is None:
        raise nul
    return encoding


def by_escapes(file: BinaryIO) -> str:
    """The encoding of a file of ASCII that may have escapes. Raises UnclearEncodingError."""
    found = escaped(_chunks(file))
    if len(found) > 1:
        message = f"the text has escapes of {found[0]} but cannot be decoded that way; {HOW}"
        raise UnclearEncodingError(0, message, [(name, "") for name in found])
    return found[0] if found else UTF_8


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return iter(lambda: file.read(CHUNK), b"")


def _variants(file: BinaryIO, encoding: str) -> Guesses:
    """The encoding and another one of its group that reads some sign of the file in another way."""
    for other in next((group for group in MULTI_BYTE if encoding in group), ()):
        decoders = {name: codecs.getincrementaldecoder(name)("strict") for name in (encoding, other)}
        with suppress(UnicodeDecodeError):
            for chunk in _chunks(file):
                texts = {name: decoder.decode(chunk) for name, decoder in decoders.items()}
                if len(set(texts.values())) > 1:
                    return _around(texts)
    return []


def _in_words(guesses: Guesses) -> str:
    shown = " or ".join(f"{name} ({line!r})" for name, line in guesses)
    return f"it may be {shown}; {HOW}"


def _lines(file: BinaryIO, encodings: list[str]) -> Guesses:
    """A line as each encoding reads it, the first on which they differ."""
    file.seek(0)
    for line in iter(lambda: file.readline(PART), b""):
        if line.isascii():
            continue
        texts = {encoding: line.decode(encoding, "replace") for encoding in encodings}
        if len(texts) == 1 or len(set(texts.values())) > 1:
            return _around(texts)
    return [(encoding, "") for encoding in encodings]


def _around(texts: dict[str, str]) -> Guesses:
    """What surrounds the first place where these differ."""
    differ = next((i for i, characters in enumerate(zip(*texts.values(), strict=False)) if len(set(characters)) > 1), 0)
    start = max(0, differ - SHOWN // 2)
    return [(encoding, text[start : start + SHOWN].strip()) for encoding, text in texts.items()]


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether most of what is beyond ASCII is sound UTF-8, which does not happen by chance."""
    text = sample.decode("utf-8", "replace")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return beyond > 2 * text.count("\ufffd")
