"""What another process compiles is what this one would, errors included, whatever becomes of that process."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.patterns.errors import PatternError
from charrnn.vocabulary import Vocabulary
from charrnn.words import WordVocabulary
from service.generation.compiling_process import CompilingProcess
from tests.waiting import LONGEST

LETTERS = Vocabulary(" abc")
WORDS = WordVocabulary.of(["a cat and a bat"])
CASES: list[tuple[Pattern, Vocabulary, dict[str, Any]]] = [
    (Pattern("regex", "[a-c]+( é)?"), LETTERS, {}),
    (Pattern("regex", "[a-c]+"), LETTERS, {"stop": ("bb",), "allowed": (0, 1)}),
    (Pattern("choice", ("a cat", "a dog", "é\ud800")), WORDS, {}),
    (Pattern("json_schema", '{"enum": ["a", 3]}'), Vocabulary('"3a'), {}),
    (Pattern("regex", "(a"), LETTERS, {}),
    (Pattern("regex", "(?=a)"), LETTERS, {}),
    (Pattern("regex", "a^"), LETTERS, {}),
    (Pattern("regex", "é"), LETTERS, {}),
    (Pattern("regex", "a"), LETTERS, {"stop": ("a",)}),
    (Pattern("regex", "a{20000}"), LETTERS, {}),
    (Pattern("json_schema", '{"type": "integer", "not": {}}'), LETTERS, {}),
]


@pytest.fixture(scope="module")
def process() -> Iterator[CompilingProcess]:
    made = CompilingProcess()
    yield made
    made.close()


def outcome(compile: Any, pattern: Pattern, vocabulary: Vocabulary, more: dict[str, Any]) -> Any:
    try:
        found = compile(pattern, vocabulary, len(vocabulary), **more)
    except PatternError as error:
        return type(error), str(error), error.__dict__
    arrays = (found.automaton.following, found.automaton.classes, found.automaton.takes)
    return found.skipped, [array.tolist() for array in arrays]


def children() -> set[int]:
    return {int(pid) for each in Path("/proc/self/task").iterdir() for pid in (each / "children").read_text().split()}


@pytest.mark.parametrize(("pattern", "vocabulary", "more"), CASES)
def test_it_gives_what_compile_pattern_gives(
    process: CompilingProcess, pattern: Pattern, vocabulary: Vocabulary, more: dict[str, Any]
) -> None:
    assert outcome(process, pattern, vocabulary, more) == outcome(compile_pattern, pattern, vocabulary, more)


def test_it_starts_when_it_is_needed_and_ends_with_what_started_it() -> None:
    before = children()
    process = CompilingProcess()
    assert children() == before
    assert process(Pattern("regex", "a"), LETTERS, len(LETTERS))
    (pid,) = children() - before
    assert os.getpgid(pid) != os.getpgrp() and os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
    del process
    gc.collect()
    assert children() == before


def test_one_that_is_lost_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    before, process, pattern = children(), CompilingProcess(), Pattern("regex", "a|b")
    expected = compile_pattern(pattern, LETTERS, len(LETTERS)).automaton
    pids: list[int] = []
    for _ in range(2):
        assert np.array_equal(process(pattern, LETTERS, len(LETTERS)).automaton.following, expected.following)
        pids += children() - before
        os.kill(pids[-1], signal.SIGKILL)
        assert np.array_equal(process(pattern, LETTERS, len(LETTERS)).automaton.following, expected.following)
        assert children() == before, "it is compiled here"
    assert len({*pids}) == 2 and caplog.text.count("was lost") == 2


@pytest.mark.parametrize(("count", "pass_seconds"), [(1, 60), (10_000, 0.2)])
def test_one_that_is_suspended_is_replaced(count: int, pass_seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    """Also while it receives a pattern that is larger than what the system keeps between both."""
    before, process = children(), CompilingProcess(pass_seconds)
    process(Pattern("regex", "a"), LETTERS, len(LETTERS))
    (pid,) = children() - before
    os.kill(pid, signal.SIGSTOP)
    choice = Pattern("choice", tuple("".join(["abc"] * 16) for _ in range(count)))
    expected = compile_pattern(choice, LETTERS, len(LETTERS)).automaton
    assert np.array_equal(process(choice, LETTERS, len(LETTERS)).automaton.following, expected.following)
    assert children() == before and "was lost" in caplog.text


def test_one_whose_owner_ends_while_it_compiles_ends_without_a_word() -> None:
    here, there = Pipe()
    command = [sys.executable, "-m", "charrnn.patterns", str(there.fileno())]
    with there:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, pass_fds=[there.fileno()])
    here.send(((Pattern("regex", "a|b"), LETTERS, len(LETTERS)), {}))
    here.close()
    _, said = process.communicate(timeout=LONGEST)
    assert (process.returncode, said) == (0, b"")
