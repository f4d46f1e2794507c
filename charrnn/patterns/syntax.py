"""From a regular expression to its syntax tree, by Python's own parser: its syntax is Python's because Python reads
it."""

from __future__ import annotations

import re
import re._compiler as compiler  # type: ignore[import-not-found]
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import warnings
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any, Final

from charrnn.patterns import places
from charrnn.patterns.bounds import MAX_CHARACTERS, MAX_CLASS_MEMBERS, MAX_DEPTH
from charrnn.patterns.errors import InvalidPatternError, PatternTooLargeError, UnsupportedPatternError
from charrnn.patterns.nodes import Alternation, Assertion, Characters, Concatenation, Node, Repeat, character
from charrnn.patterns.places import flag, located, told

NAMED_OF_RANGE: Final = 128
"""The members of a longer range in a class do not count as named one by one."""

_ASSERTIONS: Final = {
    codes.AT_BEGINNING: Assertion.START,
    codes.AT_BEGINNING_STRING: Assertion.START,
    codes.AT_END: Assertion.LINE_END,
    codes.AT_END_STRING: Assertion.END,
    codes.AT_BOUNDARY: Assertion.BOUNDARY,
    codes.AT_NON_BOUNDARY: Assertion.NO_BOUNDARY,
}

_FLAGS: Final = {
    re.ASCII: "a",
    re.MULTILINE: "m",
    re.VERBOSE: "x",
}

_FEATURES: Final = {
    codes.GROUPREF: places.REFERENCE,
    codes.GROUPREF_EXISTS: places.CONDITION,
    codes.ATOMIC_GROUP: places.ATOMIC,
    codes.POSSESSIVE_REPEAT: places.POSSESSIVE,
    codes.FAILURE: places.AHEAD,  # what Python 3.13 reads in `(?!)`
}

_LINE_ENDS: Final = "\n\r\u2028\u2029"
"""What a dot does not take in JavaScript."""

_ONE_BY_ONE: Final = Lock()


def parsed(source: str, *, portable: bool = False) -> Node:
    """The syntax tree of a regular expression that a whole text is to match, as `re.fullmatch` reads it.

    `portable`: classes take only what they take in JavaScript, too. Raises InvalidPatternError,
    UnsupportedPatternError, PatternTooLargeError.
    """
    if len(source) > MAX_CHARACTERS:
        raise PatternTooLargeError("characters", MAX_CHARACTERS, len(source))
    if _depth(source) > MAX_DEPTH:
        raise PatternTooLargeError("groups within each other", MAX_DEPTH)
    tree = _read(source)
    try:
        return _Translation(portable).of(tree, tree.state.flags)
    except UnsupportedPatternError as error:
        raise located(error, source) from None


def _read(source: str) -> Any:
    """What Python's parser makes of it."""
    try:
        with _ONE_BY_ONE, warnings.catch_warnings():  # of what a later Python might read otherwise
            warnings.simplefilter("ignore", FutureWarning)
            return parser.parse(source)
    except re.error as error:
        raise InvalidPatternError(_printable(error.msg), told(error.pos, source), error.pos) from None
    except (OverflowError, ValueError):  # a count beyond what Python can say, or read
        raise InvalidPatternError("the repetition number is too large") from None


def _printable(message: str) -> str:
    """With an escape for each character of the source that a terminal would obey."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in message)


def _depth(source: str) -> int:
    """How deep its groups are nested at most, parentheses in classes included: Python's parser calls itself."""
    depth = deepest = 0
    for sign in re.findall(r"\\.|[()]", source, re.DOTALL):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        deepest = max(deepest, depth)
    return deepest


class _Translation:
    """From the tree of Python's parser to ours; what it has seen of one pattern."""

    def __init__(self, portable: bool) -> None:
        self._portable = portable
        self._classes: dict[str, Characters] = {}
        self._members = 0

    def of(self, items: Iterable[Any], flags: int) -> Node:
        """The node of a sequence of the parser's items."""
        for each, letter in _FLAGS.items():
            if flags & each:
                raise UnsupportedPatternError(flag(letter))
        parts = [self._node(code, value, flags) for code, value in items]
        return parts[0] if len(parts) == 1 else Concatenation(tuple(parts))

    def _node(self, code: Any, value: Any, flags: int) -> Node:
        if code is codes.LITERAL and not flags & re.IGNORECASE:
            return character(chr(value))
        if code in {codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN}:
            return self._class(code, value, flags)
        if code is codes.SUBPATTERN:
            _, added, removed, items = value
            return self.of(items, (flags | added) & ~removed)
        if code is codes.BRANCH:
            return Alternation(tuple(self.of(items, flags) for items in value[1]))
        if code in {codes.MAX_REPEAT, codes.MIN_REPEAT}:
            least, most, items = value
            return Repeat(self.of(items, flags), int(least), None if most == codes.MAXREPEAT else int(most))
        if code is codes.AT:
            return _ASSERTIONS[value]
        raise UnsupportedPatternError(_feature(code, value))

    def _class(self, code: Any, value: Any, flags: int) -> Characters:
        flags = re.UNICODE | flags & (re.IGNORECASE | re.DOTALL)
        key = f"{code} {value} {flags}"
        if key not in self._classes:
            members = list(_members(code, value))
            self._members += sum(_costly(first, last, flags) for first, last in members)
            if self._members > MAX_CLASS_MEMBERS:
                raise PatternTooLargeError("characters in its classes", MAX_CLASS_MEMBERS)
            alike = (flags, flags ^ re.UNICODE ^ re.ASCII) if self._portable else (flags,)
            ends = _LINE_ENDS if self._portable and code is codes.ANY and not flags & re.DOTALL else ""
            self._classes[key] = Characters(
                tuple(_compiled(code, value, each) for each in alike), _named(members), without=ends
            )
        return self._classes[key]


def _compiled(code: Any, value: Any, flags: int) -> re.Pattern[str]:
    """A regular expression of one item that takes one character: what it matches is for Python to say."""
    state = parser.State()
    state.flags, state.str = flags, ""
    found: re.Pattern[str] = compiler.compile(parser.SubPattern(state, [(code, value)]))
    return found


def _members(code: Any, value: Any) -> Iterator[tuple[int, int]]:
    """The characters and ranges that an item names, first and last; none if it names what it does not match."""
    if code is codes.LITERAL:
        yield value, value
    if code is codes.IN and value[0][0] is not codes.NEGATE:
        for kind, member in value:
            if kind is codes.LITERAL:
                yield member, member
            elif kind is codes.RANGE:
                yield member


def _named(members: list[tuple[int, int]]) -> str:
    return "".join(chr(c) for first, last in members if last - first < NAMED_OF_RANGE for c in range(first, last + 1))


def _costly(first: int, last: int, flags: int) -> int:
    """How many members of a range Python looks at one by one while it compiles a class."""
    if flags & re.IGNORECASE:
        return last + 1 - first
    return min(last, 0xFFFF) + 1 - first if last >= 0x100 and first <= 0xFFFF else 0


def _feature(code: Any, value: Any) -> str:
    """What is not supported, in words."""
    if code in {codes.ASSERT, codes.ASSERT_NOT}:
        return places.AHEAD if value[0] > 0 else places.BEHIND
    return _FEATURES.get(code, str(code).lower())
