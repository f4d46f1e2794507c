"""Finds which delimiters of a text belong together, so that a stray one does not turn the rest of the text around;
knows no labels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

Span = tuple[int, int]
"""Where a delimiter opens, and where what it opened is over."""

BLANK: Final = r"\n[ \t\r]*(?=\n)"
"""A pattern for a blank line, up to its end."""

STRAY: Final = 2.5
WRONG: Final = 2.0
UNCLOSED: Final = 1.0
LINE: Final = 0.02
"""What is unlikely, so that the likeliest reading of a paragraph can be found: that a mark stands alone; that it opens
where its neighbours say that it closes, or the reverse; that a paragraph ends before what it opened; that a line ends
before it. A mark that stands alone must be likelier than that two others are read wrongly."""

_OPENS_AFTER: Final = frozenset("([{<=/|+&-\u2013\u2014\u201e\u201a")
_CLOSES_BEFORE: Final = frozenset(".,;:!?)]}>/|+&-\u2013\u2014")
_USUALLY: Final[dict[str, Literal[1, -1]]] = {"\u201e": 1, "\u201c": 1, "\u00ab": 1, "\u201d": -1, "\u00bb": -1}


class _Open(NamedTuple):
    """A pair in a linked list, the last one first: of two readings, most is shared."""

    span: Span
    before: _Open | None


class _Reading(NamedTuple):
    """A way to read a paragraph so far: how unlikely it is, its pairs, and where an open one begins."""

    cost: float
    pairs: _Open | None
    begin: int = 0


def marked_pairs(text: str, tokens: re.Pattern[str], unclosed: float = UNCLOSED) -> list[Span]:
    """What stands between marks that look the same at both ends, such as quotes. `tokens` has the groups `mark` (one of
    them), `span` (what certainly belongs together) and `blank` (where a paragraph ends); other matches are passed over.
    Of all ways to read a paragraph the likeliest is taken (Viterbi 1967)."""
    found: list[Span] = []
    closed, opened, at = _Reading(0, None), _Reading(math.inf, None), 0
    for m in tokens.finditer(text):
        if m["mark"]:
            opened = opened._replace(cost=opened.cost + LINE * text.count("\n", at, m.start()))
            closed, opened = _read(closed, opened, m.start(), _direction(text, m.start()))
            at = m.end()
        elif m["blank"]:
            found += _ended(closed, opened, m.end(), unclosed)
            closed, opened, at = _Reading(0, None), _Reading(math.inf, None), m.end()
        elif m["span"]:
            found.append((m.start(), m.end() - 1))
    return found + _ended(closed, opened, len(text), unclosed)


def bracket_pairs(text: str, opening: str, closing: str, clears: str, *, longest: int | None = None) -> list[Span]:
    """What stands between brackets, nested ones too. One without a partner counts for nothing, nor one of which the
    partner is farther away than `longest`, or behind what the pattern `clears` matches. A `closing` one that begins a
    line ends all that are open if there is no `longest`. In quotes ('(') they are not brackets."""
    found: list[Span] = []
    stack: list[int] = []
    either = f"[{re.escape(opening + closing)}]"
    for m in re.finditer(f"(?P<bracket>(?<!'){either}|{either}(?!'))|{clears}", text):
        at, bracket = m.start(), m["bracket"]
        if bracket is None:
            stack.clear()
        elif bracket == opening:
            stack.append(at)
        elif stack and longest is None and text[at - 1 : at] == "\n":
            found += [(begin, at) for begin in stack]
            stack.clear()
        elif stack and (longest is None or at - stack[-1] <= longest):
            found.append((stack.pop(), at))
    return found


def _direction(text: str, at: int) -> Literal[1, 0, -1]:
    """Whether the neighbours of a mark say that it opens (1) or closes (-1); if they do not, what it usually does."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    opens = not before.strip() or before in _OPENS_AFTER
    closes = not after.strip() or after in _CLOSES_BEFORE
    if opens != closes:
        return 1 if opens else -1
    return _USUALLY.get(text[at], 0)


def _read(closed: _Reading, opened: _Reading, at: int, direction: int) -> tuple[_Reading, _Reading]:
    """The likeliest readings that leave nothing open, and that leave something open, after a mark."""
    closes = opened.cost + WRONG * (direction > 0)
    opens = closed.cost + WRONG * (direction < 0)
    after_closed = closed._replace(cost=closed.cost + STRAY)
    after_opened = opened._replace(cost=opened.cost + STRAY)
    if closes < after_closed.cost:
        after_closed = _Reading(closes, _Open((opened.begin, at), opened.pairs))
    if opens <= after_opened.cost:  # rather the nearer one than the other, which may have been stray
        after_opened = _Reading(opens, closed.pairs, at)
    return after_closed, after_opened


def _ended(closed: _Reading, opened: _Reading, at: int, unclosed: float) -> list[Span]:
    """The pairs of a paragraph that ends, in the order of the text."""
    last = _Open((opened.begin, at), opened.pairs) if opened.cost + unclosed < closed.cost else closed.pairs
    return list(_pairs(last))[::-1]


def _pairs(last: _Open | None) -> Iterator[Span]:
    while last is not None:
        yield last.span
        last = last.before
