"""Many threads that ask at once: none of them ever gets anything but what was read, or the fault."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from service.keys.errors import KeysUnavailableError
from service.keys.recent import Recent
from tests.waiting import LONGEST

KEYS = ("a key",)


class SlowFile:
    """What is read; every read waits at a barrier for the test."""

    def __init__(self) -> None:
        self.content: tuple[str, ...] | KeysUnavailableError = KEYS
        self.begun = threading.Barrier(2, timeout=LONGEST)
        self.may_end = threading.Event()
        self.reads = 0
        self.now = 0.0

    def read(self) -> tuple[str, ...]:
        self.reads += 1
        self.begun.wait()
        assert self.may_end.wait(LONGEST)
        if isinstance(self.content, KeysUnavailableError):
            raise self.content
        return self.content


@pytest.fixture
def file() -> SlowFile:
    return SlowFile()


@pytest.fixture
def recent(file: SlowFile) -> Recent[tuple[str, ...]]:
    return Recent(file.read, lambda: file.now)


def together(get: Callable[[], tuple[str, ...]], threads: ThreadPoolExecutor) -> list[Future[tuple[str, ...]]]:
    """Four threads that call it, each of which has begun."""
    begun = threading.Barrier(5, timeout=LONGEST)

    def call() -> tuple[str, ...]:
        begun.wait()
        return get()

    asked = [threads.submit(call) for _ in range(4)]
    begun.wait()
    return asked


def test_whoever_asks_during_the_first_look_waits_for_it(file: SlowFile, recent: Recent[tuple[str, ...]]) -> None:
    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(recent.get)
        file.begun.wait()
        others = together(recent.get, threads)
        with pytest.raises(TimeoutError):
            others[0].result(0.05)
        file.may_end.set()
        assert [each.result(LONGEST) for each in (first, *others)] == [KEYS] * 5
    assert file.reads == 1


def test_a_fault_of_the_first_look_is_everyones(file: SlowFile, recent: Recent[tuple[str, ...]]) -> None:
    file.content = KeysUnavailableError("keys.json cannot be read")
    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(recent.get)
        file.begun.wait()
        others = together(recent.get, threads)
        file.may_end.set()
        faults = [str(each.exception(10)) for each in (first, *others)]
    assert (faults, file.reads) == (["keys.json cannot be read"] * 5, 1)


@pytest.mark.parametrize("later", [("another",), KeysUnavailableError("gone")])
def test_during_a_later_look_there_is_the_last_result(
    file: SlowFile, recent: Recent[tuple[str, ...]], later: tuple[str, ...] | KeysUnavailableError
) -> None:
    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(recent.get)
        file.begun.wait()
        file.may_end.set()
        assert first.result(LONGEST) == KEYS
        file.may_end.clear()
        file.now, file.content = 1.0, later
        looking = threads.submit(recent.get)
        file.begun.wait()
        assert [each.result(LONGEST) for each in together(recent.get, threads)] == [KEYS] * 4
        file.may_end.set()
        if isinstance(later, KeysUnavailableError):
            assert str(looking.exception(10)) == "gone"
        else:
            assert looking.result(LONGEST) == later
    assert file.reads == 2


def test_a_first_look_that_fails_otherwise_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    results: Iterator[RuntimeError | tuple[str, ...]] = iter([RuntimeError("unforeseen"), KEYS])

    def read() -> tuple[str, ...]:
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    recent = Recent(read, lambda: 0.0)
    caplog.set_level(logging.INFO)
    with pytest.raises(RuntimeError, match="unforeseen"):
        recent.get()
    assert recent.get() == KEYS
    assert recent.get() == KEYS
    assert not caplog.records
