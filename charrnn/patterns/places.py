"""Where in a regular expression something is that is not supported: Python's parser says what, and not where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from charrnn.patterns.errors import UnsupportedPatternError

REFERENCE: Final = "a back-reference"
AHEAD: Final = "look-ahead"
BEHIND: Final = "look-behind"
CONDITION: Final = "a condition on a group"
ATOMIC: Final = "an atomic group"
POSSESSIVE: Final = "a possessive quantifier"

_NAMED: Final = {
    "reference": REFERENCE,
    "ahead": AHEAD,
    "behind": BEHIND,
    "condition": CONDITION,
    "atomic": ATOMIC,
    "possessive": POSSESSIVE,
}

_REPEATED: Final = r"(?: [*+?] | \{ (?: \d+ (?: ,\d* )? | ,\d* ) \} )"

_SIGNS: Final = re.compile(
    rf"""
    \\[0-7]{{3}} | \\[^1-9]             # an octal number; another escape
    | \[\^?\]? (?: \\. | [^\]\\] )* \]  # a class, in which nothing else means anything
    | \(\?\# [^)]* \)                   # a comment
    | (?P<reference> \\[1-9]\d? | \(\?P= )
    | (?P<ahead> \(\?[=!] )
    | (?P<behind> \(\?<[=!] )
    | (?P<condition> \(\?\( )
    | (?P<atomic> \(\?> )
    | \(\? (?P<flags> [a-zA-Z]+ ) (?= [-:)] )
    | (?P<possessive> {_REPEATED} \+ )
    | {_REPEATED} \??
    """,
    re.VERBOSE | re.DOTALL,
)


def flag(letter: str) -> str:
    """What a flag is called in errors."""
    return f"the flag (?{letter})"


def located(error: UnsupportedPatternError, source: str) -> UnsupportedPatternError:
    """The error with the first place in the regular expression, which parses, that uses the feature."""
    position = next((place for place, feature in _features(source) if feature == error.feature), None)
    return UnsupportedPatternError(error.feature, told(position, source), position)


def told(position: int | None, source: str) -> str:
    """The place of a character of a pattern in words; empty for None."""
    if position is None:
        return ""
    line, column = source.count("\n", 0, position) + 1, position - source.rfind("\n", 0, position)
    return f"at position {position} (line {line}, column {column})"


def _features(source: str) -> Iterator[tuple[int, str]]:
    for sign in _SIGNS.finditer(source):
        if sign.lastgroup == "flags":
            yield from ((sign.start(), flag(letter)) for letter in sign["flags"])
        elif sign.lastgroup is not None:
            yield sign.start(), _NAMED[sign.lastgroup]
