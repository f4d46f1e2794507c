"""How a text is cut into words, punctuation, newlines and spaces; knows no vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

LONGEST: Final = 64
"""Characters of a word, at most; a longer one is several tokens."""

_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0963\u0970-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ufe20-\ufe2f"
)
"""Marks that belong to the letter before them, and joiners within words, which Python does not count as letters."""

_APART: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Written without spaces: each is a token of its own, or whole sentences would be words."""

_LETTER: Final = rf"(?:(?![{_APART}])[^\W\d_]|[{_MARKS}])"

_APOSTROPHE: Final = r"['\u2019]"

_TOKEN: Final = re.compile(
    rf"\r\n|{_LETTER}(?:{_LETTER}|{_APOSTROPHE}(?={_LETTER})){{0,{LONGEST - 1}}}(?<!{_APOSTROPHE})|.", re.DOTALL
)
"""A word, an apostrophe within it included; a line's end; or any single character: digits each by itself, so that
numbers are never unknown. A word that is cut because it has more than LONGEST characters is not cut after an
apostrophe: alone, without the letter that followed, it would be two tokens."""

OTHER, WORD, LONG_WORD, FULL_WORD, APOSTROPHE, RETURN = range(6)
"""Kinds of tokens: a word has room for an apostrophe and a letter, a long one for a letter, a full one for none."""

_LOOKAHEAD: Final = 2
"""Characters after a token that can decide where it ends."""


def tokens(text: str) -> list[str]:
    """The text's tokens, which joined give it back exactly."""
    return _TOKEN.findall(text)


def token_pieces(texts: Iterable[str]) -> Iterator[list[str]]:
    """The tokens of a text that comes in pieces: the same, however it is cut."""
    rest = ""
    for text in texts:
        rest += text
        found = tokens(rest)
        kept = 0
        while found and kept < _LOOKAHEAD:
            kept += len(found.pop())
        yield found
        rest = rest[len(rest) - kept :]
    yield tokens(rest)


def kind_of(word: str) -> int:
    """The kind of a token, which decides what may follow it. A word of LONGEST characters ends there."""
    if word == "\r":
        return RETURN
    if re.fullmatch(_APOSTROPHE, word):
        return APOSTROPHE
    if not re.match(_LETTER, word):
        return OTHER
    return WORD if len(word) < LONGEST - 1 else LONG_WORD if len(word) < LONGEST else FULL_WORD
