"""Detects UTF-16 and UTF-32 without a byte order mark, by the positions of NUL bytes and by decoding."""

from __future__ import annotations

import codecs
import unicodedata
from typing import Final

import numpy as np

from service.training.corpora.encodings.guess import is_plausible
from service.training.corpora.encodings.names import WIDE

SAMPLE: Final = 1 << 18
"""How many bytes are examined."""
FEWEST: Final = 8
"""The minimum number of characters for detection."""
MOST: Final = 1 << 14
"""How many characters are checked for plausibility."""
CLEARER: Final = 1.0
"""By how many bits the entropy of the characters' leading bytes must be lower than that of the others."""


def wide(start: bytes) -> str | None:
    """The encoding of a file that begins with these bytes; None if it is neither, or unclear."""
    fitting = [name for name in WIDE if _is_text(start, name)]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    big, little = (_disorder(start[place::2]) for place in (0, 1))
    if {"utf-16-le", "utf-16-be"} >= set(fitting) and abs(big - little) >= CLEARER:
        # A text uses few blocks of characters, and many characters of each.
        return "utf-16-be" if big < little else "utf-16-le"
    return None


def _is_text(start: bytes, encoding: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(start)
    except UnicodeDecodeError:
        return False
    if len(text) < FEWEST:
        return False
    return is_plausible(text[:MOST]) and all(
        c in "\t\n\r\f\x1b\ufeff" or unicodedata.category(c) not in ("Cc", "Cn", "Co", "Cs") for c in set(text)
    )


def _disorder(data: bytes) -> float:
    """The entropy of single bytes, in bits."""
    counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
    shares = counts[counts > 0] / max(1, len(data))
    return float(-(shares * np.log2(shares)).sum())
