"""Detects encodings that use only ASCII bytes by their escape sequences, which logs and programs rarely contain."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import Final

from service.training.corpora.encodings.guess import is_plausible
from service.training.corpora.encodings.names import ESCAPED

SIGNS: Final = "\x1b~+"
"""A text without these characters uses none of these encodings."""
SAMPLE: Final = 1 << 18
"""The maximum number of characters whose plausibility is checked."""

_DESIGNATION: Final = re.compile(rb"\x1b\$[@AB]|\x1b\$[()][A-Z@]")
"""The escapes with which ISO 2022 begins ideographs; those of terminal colours and for returning to ASCII differ."""
_SEGMENT: Final = re.compile(rb"~\{[\x21-\x77][\x21-\x7e]|\+[A-Za-z0-9+/]{3,}")
"""The sequences with which HZ and UTF-7 begin non-ASCII text."""


def escaped(chunks: Iterable[bytes]) -> tuple[str, ...]:
    """The encodings that this file may be in, the likeliest first; none if it is plain ASCII.

    More than one: it has escapes of ISO 2022 but cannot be decoded with them.
    """
    decoders = {name: _Attempt(name) for name in ESCAPED}
    marked = begun = False
    tail = b""
    for chunk in chunks:
        marked = marked or _DESIGNATION.search(tail + chunk) is not None
        begun = begun or _SEGMENT.search(tail + chunk) is not None
        tail = chunk[-4:]
        for name in [name for name, attempt in decoders.items() if not attempt.take(chunk)]:
            del decoders[name]
    fitting = [name for name, attempt in decoders.items() if attempt.ends() and attempt.is_plausible]
    if marked:
        return tuple(name for name in fitting if name.startswith("iso2022"))[:1] or ("iso2022_jp", "utf-8")
    return tuple(name for name in fitting if begun and not name.startswith("iso2022"))[:1]


class _Attempt:
    """An attempt to decode the file with one encoding, and the non-ASCII text found."""

    def __init__(self, name: str) -> None:
        self._decoder = codecs.getincrementaldecoder(name)("strict")
        self._words: list[str] = []
        self._size = 0

    def take(self, chunk: bytes, final: bool = False) -> bool:
        """Decode the next chunk; False if the encoding is impossible."""
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError:
            return False
        if not text.isascii() and self._size < SAMPLE:
            self._words += [word for word in text.split() if not word.isascii()]
            self._size += len(text)
        return True

    def ends(self) -> bool:
        """Whether the file can end here."""
        return self.take(b"", final=True)

    @property
    def is_plausible(self) -> bool:
        """Whether there was non-ASCII text, and it is plausible in some language."""
        return bool(self._words) and is_plausible("\n".join(self._words))
