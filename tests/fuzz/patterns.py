"""Hostile patterns: each is compiled or refused in words within the bounds, and fits what `re` says that it fits."""

# ruff: noqa: RUF001 (patterns of other scripts look like Latin ones)
from __future__ import annotations

import math
import re
import resource
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final

from charrnn.patterns.bounds import MAX_ENTRIES, MAX_STATES
from charrnn.patterns.compiling import Compiled, Pattern, compile_pattern
from charrnn.patterns.errors import PatternError
from charrnn.patterns.examples import shortest
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from tests.fuzz.cases import Case

MOST_BYTES: Final = 1 << 29
"""How much more address space a pattern may take."""
MOST_TIMES: Final = 10_000
"""What repeats more often, or is longer than 100 characters, can take `re` for ever."""

_CHARACTERS: Final = Vocabulary.of(["\n" + "".join(map(chr, range(32, 127))), "éßİıſKσςя日😀\u0301"])
_WORDS: Final = WordVocabulary.of(["The cat sat on the mat, and the dog's 12 cats didn't.\r\n", "a b ab ba é"])
_PIECES: Final = [
    *(
        "a",
        "b",
        ".",
        "é",
        "ß",
        "日",
        " ",
        "the",
        "cat",
        r"\d",
        r"\w",
        r"\W",
        r"\s",
        r"\S",
        r"[a-z]",
        "[^a]",
        "[a-\uffff]",
    ),
    *(
        r"[^\s\S]",
        r"\n",
        "\n",
        r"\b",
        r"\B",
        "^",
        "$",
        r"\A",
        r"\Z",
        "(?i:k)",
        "(?s:.)",
        "[[a]",
        "[]a]",
        "[^]",
        "[é-ſ]",
    ),
    *(
        r"\x00",
        r"\U0010ffff",
        r"\N{DIGIT ONE}",
        "\ud800",
        "\x00",
        r"\1",
        "(?=a)",
        "(?<!a)",
        "(?>a)",
        "(?P<n>a)",
        "(?(1)a)",
    ),
    *("(", ")", "[", "]", "{", "}", "|", "\\", "?", "*", "+", "(?", "(?:", "(?i)", "(?x)", "(?#", "-", ",", "{,"),
]
_TIMES: Final = [*"*+?", "*?", "++", "{3}", "{0,5}", "{2,}", "{7,9}", "{0}", "{100}", "{1,100}", "{1,3000}", "{19999}"]
_TIMES_RARELY: Final = ["{20000}", "{99999}", "{4294967294}", "{4294967295}", "{3,2}", "{99999999999}"]


def _expression(random: Random, depth: int) -> str:
    """Mostly well formed."""
    kind = random.random()
    if depth == 0 or kind < 0.25:
        return random.choice(_PIECES[:40] if random.random() < 0.9 else _PIECES)
    if kind < 0.5:
        return "".join(_expression(random, depth - 1) for _ in range(random.randint(2, 4)))
    if kind < 0.7:
        return f"(?:{'|'.join(_expression(random, depth - 1) for _ in range(random.randint(2, 4)))})"
    times = random.choice(_TIMES if random.random() < 0.95 else _TIMES_RARELY)
    return f"(?:{_expression(random, depth - 1)}){times}"


def _source(random: Random) -> str:
    kind = random.random()
    if kind < 0.75:
        return _expression(random, random.choice((1, 2, 3, 4, 6)))
    if kind < 0.85:
        return "".join(random.choices(_PIECES, k=random.choice((1, 5, 50, 500))))
    if kind < 0.9:
        return "".join(map(chr, random.choices(range(0x110000), k=random.choice((1, 10, 1000)))))
    if kind < 0.97:
        return _expression(random, 2) * random.choice((2, 10, 100, 2000))
    depth = random.choice((5, 99, 100, 101, 3000))
    return random.choice(("(", "(?:", "((", "[(")) * depth + "a" + random.choice((")", ")*", "){2}", ")?")) * depth


def _pattern(random: Random) -> Pattern:
    if random.random() < 0.9:
        return Pattern("regex", _source(random))
    letters = random.choice(("ab", "abcdefghijklmnopqrstuvwxyz ", "aé\x00\ud800日"))
    count, longest = random.choice(((0, 0), (1, 0), (3, 3), (100, 10), (3000, 20), (10_001, 1), (3, 400_000)))
    lengths = [random.randint(0, longest) for _ in range(count)]
    return Pattern("choice", tuple("".join(random.choices(letters, k=length)) for length in lengths))


def _compiled(random: Random) -> str:
    """Compile one, and check what comes out."""
    vocabulary = random.choice((_CHARACTERS, _CHARACTERS, _WORDS))
    stop = tuple(random.choices(("a", "ab", "\n", "the", "aa", ""), k=random.choice((0, 0, 0, 1, 3))))
    allowed = random.choice((None, None, None, random.sample(range(len(vocabulary)), k=len(vocabulary) // 2)))
    pattern = _pattern(random)
    try:
        made = compile_pattern(pattern, vocabulary, len(vocabulary), stop=stop, allowed=allowed)
    except PatternError as error:
        assert str(error).isprintable(), repr(str(error))
        return type(error).__name__
    _check(pattern, made, vocabulary, stop)
    return "compiled"


def _check(pattern: Pattern, made: Compiled, vocabulary: Vocabulary, stop: tuple[str, ...]) -> None:
    automaton = made.automaton
    assert automaton.following.size <= MAX_ENTRIES
    assert pattern.kind == "choice" or len(automaton) <= MAX_STATES
    assert sorted(set(made.skipped)) == [*made.skipped]
    text = vocabulary.decode(shortest(automaton))
    assert not any(each in text for each in stop if each)
    assert len(text) >= automaton.distances[0]
    if isinstance(pattern.source, tuple):
        assert text in pattern.source
    elif len(text) < 100 and len(pattern.source) < 100 and _times(pattern.source) <= MOST_TIMES:
        assert _matches(pattern.source, text), (pattern.source, text)


def _times(source: str) -> int:
    """How often it may repeat something, as if all of its counts were within each other."""
    return math.prod(max(1, int(count)) for count in re.findall(r"(\d+)\}", source))


def _matches(source: str, text: str) -> bool:
    """What `re` says; true where it runs out of memory over it, as it does with counts within counts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return re.fullmatch(source, text) is not None
        except MemoryError:
            return True


@contextmanager
def little_memory() -> Iterator[None]:
    """The process may not take much more than it has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextmanager
def compiled() -> Iterator[Case]:
    """Patterns that are hostile in form or in size, in a process that may not take much memory."""
    with suppress(PatternError):  # what is made at first use
        compile_pattern(Pattern("regex", r"\b\u0bb8"), _CHARACTERS, len(_CHARACTERS))
    with little_memory():
        yield _compiled
