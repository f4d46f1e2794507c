"""A pattern is compiled once, whoever asks for it at the same moment, and kept while there is room."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import numpy as np
import pytest

from charrnn.patterns.automaton import Automaton
from charrnn.patterns.compiling import Compiled, Pattern
from charrnn.patterns.errors import EmptyPatternError, PatternError
from charrnn.vocabulary import Vocabulary
from service.generation.cancellation import CancelScope, Client
from service.generation.compiled_patterns import AT_ONCE, CompiledPatterns, Wanted
from service.generation.errors import BusyError, ClientGoneError, DeadlineError
from service.generation.observer import GenerationObserver, PatternLookup
from service.generation.resident import ResidentModel
from tests.service.conftest import CountingEngine, checkpoint
from tests.waiting import LONGEST, until

STATES = 1000


class Counts(GenerationObserver):
    def __init__(self) -> None:
        self.lookups: Counter[PatternLookup] = Counter()
        self.compiled = 0

    def pattern_looked_up(self, result: PatternLookup) -> None:
        self.lookups[result] += 1

    def pattern_compiled(self, seconds: float) -> None:
        self.compiled += 1


class Compiler:
    """Every pattern has as many states; a pattern `no` is refused. Compiling waits for the gate."""

    def __init__(self) -> None:
        self.compiled: list[Any] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, pattern: Pattern, vocabulary: Vocabulary, outputs: int, **more: Any) -> Compiled:
        self.compiled.append((pattern.source, *more.values()))
        assert self.gate.wait(LONGEST)
        if pattern.source == "no":
            raise EmptyPatternError
        following = np.full((STATES, 1), len(str(pattern.source)) % STATES, np.int32)
        return Compiled(Automaton(following, np.zeros(outputs, np.int32), np.zeros(STATES, np.int32)), ("é",))


def model(characters: str = "abc", version: int = 1) -> ResidentModel:
    made = checkpoint(characters)
    return ResidentModel("m", version, f"digest {version}", made.config, made.vocabulary, CountingEngine())


def wanted(source: str, *stop: str, allowed: tuple[int, ...] | None = None) -> Wanted:
    return Wanted(Pattern("regex", source), stop, allowed)


def scope(seconds: float = 10, *, connected: bool = True) -> CancelScope:
    return CancelScope(Client(lambda: connected), seconds)


@pytest.fixture
def compiler() -> Compiler:
    return Compiler()


def test_it_is_compiled_once_for_each_pattern_stop_allowed_ids_and_vocabulary(compiler: Compiler) -> None:
    counts = Counts()
    patterns = CompiledPatterns(observer=counts, compile=compiler)
    asked = [wanted("a"), wanted("b"), wanted("a", "x"), wanted("a", "x", "y"), wanted("a", allowed=(1,))]
    first = [patterns.get(each, model(), scope()) for each in asked]
    assert [patterns.get(each, model(version=2), scope()) for each in asked] == first
    assert len({*map(id, first)}) == len(compiler.compiled) == counts.compiled == len(asked)
    assert counts.lookups == {"miss": 5, "hit": 5}
    assert patterns.get(asked[0], model("abcd"), scope()) is not first[0]
    assert first[0].skipped == ("é",)
    assert first[0].check != first[0].automaton.nbytes and len({each.check for each in first[:2]}) == 1


def test_those_who_ask_at_the_same_moment_share_one(compiler: Compiler) -> None:
    counts = Counts()
    patterns, got = CompiledPatterns(observer=counts, compile=compiler), []
    compiler.gate.clear()
    threads = [
        threading.Thread(target=lambda: got.append(patterns.get(wanted("a"), model(), scope()))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    compiler.gate.set()
    for thread in threads:
        thread.join()
    assert len(got) == 8 and len({*map(id, got)}) == 1
    assert (len(compiler.compiled), sum(counts.lookups.values())) == (1, 8)


def test_the_longest_unused_is_forgotten_where_there_is_no_room(compiler: Compiler) -> None:
    size = CompiledPatterns(compile=compiler).get(wanted("a"), model(), scope()).nbytes
    patterns = CompiledPatterns(3 * size, compile=compiler)
    for source in ("a", "b", "c", "a", "d"):  # b is the one
        patterns.get(wanted(source), model(), scope())
        assert patterns.nbytes <= 3 * size
    compiler.compiled.clear()
    for source in ("a", "c", "d", "b"):
        patterns.get(wanted(source), model(), scope())
    assert [source for source, *_ in compiler.compiled] == ["b"]


def test_what_is_in_use_counts_and_is_found_again(compiler: Compiler) -> None:
    size = CompiledPatterns(compile=compiler).get(wanted("a"), model(), scope()).nbytes
    patterns = CompiledPatterns(2 * size, compile=compiler)
    used = [patterns.get(wanted(source), model(), scope()) for source in "ab"]
    with pytest.raises(BusyError, match="PATTERN_CACHE_BYTES"):
        patterns.get(wanted("c"), model(), scope())
    assert patterns.nbytes == 2 * size
    assert patterns.get(wanted("b"), model(), scope()) is used.pop()
    assert patterns.get(wanted("c"), model(), scope()).nbytes == size
    assert patterns.get(wanted("a"), model(), scope()) is used.pop()


def test_one_that_needs_more_than_there_is_is_made_alone(compiler: Compiler) -> None:
    patterns = CompiledPatterns(1, compile=compiler)
    assert len(patterns.get(wanted("a"), model(), scope()).automaton) == STATES
    assert len(patterns.get(wanted("b"), model(), scope()).automaton) == STATES


def test_a_refusal_is_remembered(compiler: Compiler) -> None:
    patterns = CompiledPatterns(compile=compiler)
    for _ in range(3):
        with pytest.raises(PatternError, match="no text can fit"):
            patterns.get(wanted("no"), model(), scope())
    assert len(compiler.compiled) == 1 and patterns.nbytes == 0


def test_they_take_turns_which_end_with_the_request(compiler: Compiler) -> None:
    patterns = CompiledPatterns(compile=compiler)
    compiler.gate.clear()
    threads = [
        threading.Thread(target=patterns.get, args=(wanted("x" * n), model(), scope())) for n in range(AT_ONCE - 1)
    ]
    for thread in threads:
        thread.start()
    until(lambda: compiler.compiled)
    with pytest.raises(DeadlineError):
        patterns.get(wanted("late"), model(), scope(0.06))
    with pytest.raises(ClientGoneError):
        patterns.get(wanted("gone"), model(), scope(connected=False))
    compiler.gate.set()
    for thread in threads:
        thread.join()
    assert len(compiler.compiled) == AT_ONCE - 1, "those that were gone were not compiled"


def test_no_request_waits_for_a_compiler_that_is_stuck(compiler: Compiler) -> None:
    patterns = CompiledPatterns(compile=compiler)
    compiler.gate.clear()
    for source in ("first", "second", "first"):
        with pytest.raises(DeadlineError):
            patterns.get(wanted(source), model(), scope(0.06))
    compiler.gate.set()
    assert patterns.get(wanted("third"), model(), scope())
    assert patterns.get(wanted("first"), model(), scope())
    assert [source for source, *_ in compiler.compiled] == ["first", "third"], "what had begun was kept, no other made"


def test_no_more_wait_than_there_are_places(compiler: Compiler) -> None:
    patterns = CompiledPatterns(compile=compiler)
    compiler.gate.clear()
    refused: list[BusyError] = []

    def ask(n: int) -> None:
        try:
            patterns.get(wanted("x" * n), model(), scope())
        except BusyError as error:
            refused.append(error)
            compiler.gate.set()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(AT_ONCE + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1 and "patterns are being compiled already" in str(refused[0])
