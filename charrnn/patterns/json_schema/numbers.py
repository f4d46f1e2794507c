"""Numbers within bounds, digit by digit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Final

from charrnn.patterns.bounds import MAX_STATES
from charrnn.patterns.errors import PatternTooLargeError, UnsupportedPatternError
from charrnn.patterns.graphs import explored
from charrnn.patterns.nodes import EMPTY, NOTHING, Alternation, Concatenation, Graph, Node, Repeat, matching, optional
from charrnn.patterns.nodes import character as one

DIGITS: Final = 15
"""How many digits a number has at most, before and after the point together, unless its bounds are longer: a double
keeps so many apart."""

LONGEST_BOUND: Final = 20
"""Digits before the point of a bound to which numbers reach; 64 bits need 20."""

_DIGIT: Final = matching("[0-9]")

_BEGINNING: Final = -1


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that others may not be beyond; `exclusive`: nor be."""

    number: Decimal
    exclusive: bool = False

    @property
    def negated(self) -> Bound:
        """The same of the numbers with the opposite sign."""
        return Bound(self.number.copy_negate() if self.number else self.number, self.exclusive)


@dataclass(frozen=True, slots=True)
class _Edge:
    """A bound whose first digits are those of the number so far; `rest`: its further ones, without zeros at the end."""

    rest: str
    exclusive: bool

    @classmethod
    def of(cls, bound: Bound, length: int) -> tuple[str, _Edge]:
        """The digits of a bound before the point, at least `length`, and what is behind it."""
        whole, _, rest = f"{bound.number:f}".partition(".")
        return whole.zfill(length), cls(rest.rstrip("0"), bound.exclusive)

    @property
    def next(self) -> int:
        return int(self.rest[:1] or "0")

    def after(self) -> _Edge:
        return _Edge(self.rest[1:], self.exclusive)


Tail = Callable[[bool, bool], Node]
"""What follows the digits before the point, if these are just those of the lower bound, of the upper one."""


def number(lower: Bound | None, upper: Bound | None, *, whole: bool, place: str = "") -> Node:
    """Numbers from a lower to an upper bound (None: as many digits as there may be), without exponents, `whole` ones
    without a point. Zero has no sign.

    Raises UnsupportedPatternError, naming the place, if all are longer than LONGEST_BOUND digits.
    """
    longest = 10**LONGEST_BOUND
    if (lower and lower.number >= longest) or (upper and upper.number <= -longest):
        raise UnsupportedPatternError(f"a number of more than {LONGEST_BOUND} digits", place)
    zero = Bound(Decimal(0))
    positive = _magnitudes(lower if lower and lower.number >= 0 else zero, upper, whole)
    below = upper.negated if upper and upper.number < 0 else Bound(Decimal(0), exclusive=True)
    negative = _magnitudes(below, lower.negated if lower else None, whole)
    return Alternation((positive, Concatenation((one("-"), negative))))


def _magnitudes(lower: Bound, upper: Bound | None, whole: bool) -> Node:
    """Numbers from a lower bound, which is not below 0, to an upper one."""
    if upper and upper.number < 0:
        return NOTHING
    reached = upper if upper and upper.number < 10**LONGEST_BOUND else None
    longest = max(DIGITS, *(len(str(int(bound.number))) for bound in (lower, reached) if bound))
    free = _free_lengths(lower, upper, longest) if whole else range(0)
    lengths = (n for n in range(1, longest + 1) if n not in free)
    branches = [_of_length(n, lower, upper, 0 if whole else DIGITS - n) for n in lengths]
    if free:
        branches.append(Concatenation((_between([*range(1, 10)]), Repeat(_DIGIT, free.start - 1, free.stop - 2))))
    return Alternation(tuple(branches))


def _free_lengths(lower: Bound, upper: Bound | None, longest: int) -> range:
    """So many digits any number can have that begins with no zero: it is between the bounds."""
    stop = len(str(int(upper.number))) if upper else longest + 1
    return range(max(2, len(str(int(lower.number))) + 1), min(stop, longest + 1))


def _of_length(length: int, lower: Bound, upper: Bound | None, places: int) -> Node:
    """Numbers of so many digits before the point and up to `places` behind it."""
    low, low_edge = _Edge.of(lower, length)
    high, high_edge = _Edge.of(upper, length) if upper else (None, None)
    if len(low) > length or (high is not None and length > 1 and high.startswith("0")):
        return NOTHING

    def tail(at_low: bool, at_high: bool) -> Node:
        return _fraction(low_edge if at_low else None, high_edge if at_high else None, places)

    own_low = None if length > 1 and low.startswith("0") else low
    own_high = None if high is None or len(high) > length else high
    return _digits(length, own_low, own_high, tail, least=1 if length > 1 else 0)


def _digits(length: int, low: str | None, high: str | None, tail: Tail, least: int = 0) -> Node:
    """So many digits, then the tail. Those of a bound are given as long as the digits so far are the same; the first
    digit is at least `least`."""
    if not length:
        return tail(low is not None, high is not None)
    if low is None and high is None and not least:
        return Concatenation((Repeat(_DIGIT, length, length), tail(False, False)))
    first, last = int(low[0]) if low else least, int(high[0]) if high else 9

    def after(digit: int) -> tuple[str | None, str | None]:
        return low[1:] if low and digit == first else None, high[1:] if high and digit == last else None

    return Alternation(
        tuple(
            Concatenation((_between([*group]), _digits(length - 1, *rest, tail)))
            for rest, group in groupby(range(first, last + 1), after)
        )
    )


def _fraction(low: _Edge | None, high: _Edge | None, places: int) -> Node:
    """A point and up to so many digits such that the number is not beyond the edges, or nothing where that is not."""
    fraction = Concatenation((one("."), _places(low, high, places))) if places > 0 else NOTHING
    if not _may_end(low, high):
        return fraction
    return optional(fraction) if places > 0 else EMPTY


def _places(low: _Edge | None, high: _Edge | None, places: int) -> Node:
    """At least one digit behind the point."""
    if not places:
        return NOTHING
    if low is None and high is None:
        return Repeat(_DIGIT, 1, places)
    first, last = low.next if low else 0, high.next if high else 9

    def after(digit: int) -> tuple[_Edge | None, _Edge | None]:
        return low.after() if low and digit == first else None, high.after() if high and digit == last else None

    branches: list[Node] = []
    for (new_low, new_high), group in groupby(range(first, last + 1), after):
        more = _places(new_low, new_high, places - 1)
        ended = _may_end(new_low, new_high)
        branches.append(Concatenation((_between([*group]), optional(more) if ended else more)))
    return Alternation(tuple(branches))


def _may_end(low: _Edge | None, high: _Edge | None) -> bool:
    """Whether a number whose digits so far are those of the edges is within them without further ones."""
    above = low is None or not (low.rest or low.exclusive)
    return above and (high is None or bool(high.rest) or not high.exclusive)


def _between(digits: list[int]) -> Node:
    return _DIGIT if len(digits) == 10 else matching(f"[{digits[0]}-{digits[-1]}]")


def multiples(number: int) -> Graph:
    """Whole numbers, with any sign, that are multiples of one, a graph of digits. Raises PatternTooLargeError."""
    if number > MAX_STATES:
        raise PatternTooLargeError("states", MAX_STATES)

    def edges_of(remainder: int) -> Iterable[tuple[Node, int]]:
        if remainder == _BEGINNING:
            yield one("-"), 0
        for digit in range(10):
            yield one(str(digit)), (max(remainder, 0) * 10 + digit) % number

    return explored(_BEGINNING, edges_of, lambda remainder: remainder == 0)
