"""Detects encodings that use ASCII bytes alone by their escapes, which logs and programs seldom contain."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from typing import Final

from service.training.encodings.guess import is_plausible
from service.training.encodings.names import ESCAPED

SIGNS: Final = "\x1b~+"
"""A text without these is in none of them."""
SAMPLE: Final = 1 << 18
"""Most characters whose plausibility is looked at."""

_DESIGNATION: Final = re.compile(rb"\x1b\$[@AB]|\x1b\$[()][A-Z@]")
"""What ISO 2022 begins ideographs with; a terminal's colours and its way back to ASCII look otherwise."""
_SEGMENT: Final = re.compile(rb"~\{[\x21-\x77][\x21-\x7e]|\+[A-Za-z0-9+/]{3,}")
"""What HZ and UTF-7 begin what is not ASCII with."""


def escaped(chunks: Iterable[bytes]) -> tuple[str, ...]:
    """Those of the encodings that this file of ASCII is written in, the likeliest first; none: it is ASCII.

    More than one: it has the escapes of ISO 2022 and cannot be decoded by them.
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
    """One encoding tried on the file: whether all of it can be decoded, and what comes of it that is not ASCII."""

    def __init__(self, name: str) -> None:
        self._decoder = codecs.getincrementaldecoder(name)("strict")
        self._words: list[str] = []
        self._size = 0

    def take(self, chunk: bytes, final: bool = False) -> bool:
        """Decode some more; False: this cannot be it."""
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError:
            return False
        if not text.isascii() and self._size < SAMPLE:
            self._words += [word for word in text.split() if not word.isascii()]
            self._size += len(text)
        return True

    def ends(self) -> bool:
        """Whether the file may end here."""
        return self.take(b"", final=True)

    @property
    def is_plausible(self) -> bool:
        """Whether there was anything beyond ASCII, and in some language."""
        return bool(self._words) and is_plausible("\n".join(self._words))
