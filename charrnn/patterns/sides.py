"""What is on both sides of a place in a text, and whether an assertion holds there."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final, NamedTuple

from charrnn.patterns.nodes import Assertion


class Side(IntEnum):
    """What is on one side of a place in a text, as far as an assertion cares."""

    EDGE = 0
    """The text's start or end."""
    WORD = 1
    OTHER = 2
    LAST_NEWLINE = 3
    """A newline after which the text ends."""


class Sides(NamedTuple):
    """What is before and after a place in a text."""

    before: Side
    after: Side


ANYWHERE: Final = Sides(Side.OTHER, Side.OTHER)
"""For patterns without assertions."""

_EMPTY_TEXT_HAS_INSIDE: Final = re.fullmatch(r"\B", "") is not None


def holds(assertion: Assertion, sides: Sides) -> bool:
    """Whether the assertion holds at the place."""
    before, after = sides
    inside = (before is Side.WORD) == (after is Side.WORD)
    match assertion:
        case Assertion.START:
            return before is Side.EDGE
        case Assertion.END:
            return after is Side.EDGE
        case Assertion.LINE_END:
            return after in {Side.EDGE, Side.LAST_NEWLINE}
        case Assertion.BOUNDARY:
            return not inside
        case Assertion.NO_BOUNDARY:
            return inside and (_EMPTY_TEXT_HAS_INSIDE or sides != (Side.EDGE, Side.EDGE))
