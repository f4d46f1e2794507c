"""Detects the encoding of a file that is not UTF-8 and has no declared encoding; an unclear result is an error with
guesses."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from service.training.corpora.decoding import CHUNK
from service.training.corpora.encodings.escapes import escaped
from service.training.corpora.encodings.evidence import gathered
from service.training.corpora.encodings.guess import guesses, is_clear
from service.training.corpora.encodings.names import MULTI_BYTE, UTF_8
from service.training.corpora.encodings.wide import SAMPLE, wide
from service.training.errors import BinaryCorpusError, EncodingError, UnclearEncodingError

PART: Final = 1 << 16
"""The maximum length of a line in bytes; longer ones are split."""
SHOWN: Final = 60
"""How many characters of a line are shown."""
Guesses = list[tuple[str, str]]
"""Encodings, each with a piece of the text as decoded with it."""
HOW: Final = (
    "declare it with ?encoding=, the form field encoding, a charset in Content-Type, or --encoding in a terminal"
)


def by_bytes(file: BinaryIO, bad: EncodingError) -> str:
    """The encoding of a file whose non-ASCII bytes are not UTF-8; `bad` names the first invalid one.

    Raises UnclearEncodingError with the two likeliest encodings, EncodingError for damaged UTF-8.
    """
    evidence = gathered(_chunks(file))
    if _is_damaged_utf8(evidence.sample):
        raise EncodingError(bad.position, f"{bad}; the rest is UTF-8: please repair or remove the damaged part")
    found = guesses(evidence)
    if not found:
        raise EncodingError(bad.position, f"{bad}; no other encoding fits: please convert the text to UTF-8")
    if is_clear(found[0], found[1] if len(found) > 1 else None, evidence):
        read_as = _variants(file, found[0].encoding)
    else:
        read_as = _lines(file, [guess.encoding for guess in found[:2]])
    if read_as:
        raise UnclearEncodingError(bad.position, f"{bad}; {_in_words(read_as)}", read_as)
    return found[0].encoding


def by_nul(file: BinaryIO, nul: BinaryCorpusError) -> str:
    """The encoding of a file with NUL bytes. Raises BinaryCorpusError if it is not a text."""
    file.seek(0)
    encoding = wide(file.read(SAMPLE))
    if encoding is None:
        raise nul
    return encoding


def by_escapes(file: BinaryIO) -> str:
    """The encoding of an ASCII file, which may have escape sequences. Raises UnclearEncodingError."""
    found = escaped(_chunks(file))
    if len(found) > 1:
        message = f"the text has escapes of {found[0]} but cannot be decoded that way; {HOW}"
        raise UnclearEncodingError(0, message, [(name, "") for name in found])
    return found[0] if found else UTF_8


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return iter(lambda: file.read(CHUNK), b"")


def _variants(file: BinaryIO, encoding: str) -> Guesses:
    """The encoding and another one of its group that decodes some character of the file differently."""
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
    """The first line that these encodings decode differently, as decoded by each."""
    file.seek(0)
    for line in iter(lambda: file.readline(PART), b""):
        if line.isascii():
            continue
        texts = {encoding: line.decode(encoding, "replace") for encoding in encodings}
        if len(texts) == 1 or len(set(texts.values())) > 1:
            return _around(texts)
    return [(encoding, "") for encoding in encodings]


def _around(texts: dict[str, str]) -> Guesses:
    """The text around the first position at which these differ."""
    differ = next((i for i, characters in enumerate(zip(*texts.values(), strict=False)) if len(set(characters)) > 1), 0)
    start = max(0, differ - SHOWN // 2)
    return [(encoding, text[start : start + SHOWN].strip()) for encoding, text in texts.items()]


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether most non-ASCII bytes are valid UTF-8, which does not happen by chance."""
    text = sample.decode("utf-8", "replace")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return beyond > 2 * text.count("\ufffd")
