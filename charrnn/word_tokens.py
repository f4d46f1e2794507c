"""Splits a text into words, punctuation, newlines and spaces; knows no vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

LONGEST: Final = 64
"""The maximum length of a word in characters; a longer one is split into several tokens."""

_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0963\u0970-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ufe20-\ufe2f"
)
"""Combining marks and joiners within words, which Python does not count as letters."""

_APART: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Scripts written without spaces: each character is a token, since otherwise whole sentences would be words."""

_LETTER: Final = rf"(?:(?![{_APART}])[^\W\d_]|[{_MARKS}])"

_APOSTROPHE: Final = r"['\u2019]"

_TOKEN: Final = re.compile(
    rf"\r\n|{_LETTER}(?:{_LETTER}|{_APOSTROPHE}(?={_LETTER})){{0,{LONGEST - 1}}}(?<!{_APOSTROPHE})|.", re.DOTALL
)
"""A word, including an apostrophe within it; a line end; or any single character. Each digit is a token, so that
numbers are never unknown. A word longer than LONGEST is not cut after an apostrophe: without the letter that follows,
the first part would be two tokens."""

OTHER, WORD, LONG_WORD, FULL_WORD, APOSTROPHE, RETURN = range(6)
"""Kinds of tokens. A word can be extended by an apostrophe and a letter, a long word by a letter, a full word by
nothing."""

_LOOKAHEAD: Final = 2
"""How many characters after a token can affect where it ends."""


def tokens(text: str) -> list[str]:
    """The text's tokens, which joined give it back exactly."""
    return _TOKEN.findall(text)


def token_pieces(texts: Iterable[str]) -> Iterator[list[str]]:
    """The tokens of a text that arrives in pieces; they do not depend on how it is cut."""
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
    """The kind of a token, which decides what may follow it; a word of LONGEST characters cannot be extended."""
    if word == "\r":
        return RETURN
    if re.fullmatch(_APOSTROPHE, word):
        return APOSTROPHE
    if not re.match(_LETTER, word):
        return OTHER
    return WORD if len(word) < LONGEST - 1 else LONG_WORD if len(word) < LONGEST else FULL_WORD
