"""What the supervisor tells the other processes, and what they make of a missing or damaged file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.supervised import (
    LATE_SECONDS,
    OFTEN,
    SETTLED_SECONDS,
    STEADY_SECONDS,
    TOGETHER_SECONDS,
    Supervised,
    SupervisorReport,
    delay,
)


class Clock:
    """Tells both times; it goes on when the test says so."""

    def __init__(self) -> None:
        self.seconds = 3600.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told(tmp_path: Path, clock: Clock) -> Supervised:
    return Supervised(tmp_path / "file", clock, clock)


@pytest.fixture
def read(tmp_path: Path, clock: Clock) -> SupervisorReport:
    return SupervisorReport(tmp_path / "file", clock)


def test_a_process_that_does_not_stay_up_is_named_until_it_does(
    told: Supervised, read: SupervisorReport, clock: Clock
) -> None:
    told.put()
    assert list(read.problems()) == []
    for failed in (1, 2, 3):
        assert told.ended("worker") == failed
        clock.seconds = told.due("worker") + 1
    told.ended("redis")
    named = ["worker: it has not stayed up 3 times since 1970-01-01T01:00:00.000Z, next start 1970-01-01T01:00:05.000Z"]
    assert list(read.problems()) == named
    clock.seconds += SETTLED_SECONDS / 2
    assert list(read.problems()) == named
    clock.seconds += SETTLED_SECONDS
    assert list(read.problems()) == []


@given(st.lists(st.floats(0, 4 * SETTLED_SECONDS), min_size=1, max_size=30))
def test_a_process_that_stayed_up_is_started_at_once_and_one_that_did_not_later_than_before(lived: list[float]) -> None:
    clock = Clock()
    told = Supervised(Path("/nowhere/file"), clock, clock)
    failed = told.ended("web process")
    for seconds in lived:
        clock.seconds = told.due("web process") + seconds
        before, failed = failed, told.ended("web process")
        assert failed == (before + 1 if seconds <= SETTLED_SECONDS + LATE_SECONDS else 1)
        assert told.due("web process") == clock.seconds + delay(failed)


def test_a_process_that_ends_often_is_named_however_long_it_lives(
    told: Supervised, read: SupervisorReport, clock: Clock
) -> None:
    for number in range(1, OFTEN + 2):
        told.ended("worker")
        clock.seconds += 2 * SETTLED_SECONDS
        times = f"worker: it has ended {number} times in the last 10 minutes"
        assert list(read.problems()) == [times] * (number >= OFTEN)
    clock.seconds += STEADY_SECONDS
    assert list(read.problems()) == []


def test_siblings_that_end_together_are_started_as_soon_as_a_single_one(
    told: Supervised, read: SupervisorReport, clock: Clock
) -> None:
    for failed in (1, 2, 3):
        due = clock.seconds + delay(failed)
        for _ in range(4):
            assert told.ended("web process", has_siblings=True) == failed
            assert told.due("web process") == due
            clock.seconds += TOGETHER_SECONDS / 8
        clock.seconds = due + 1
    assert [each.partition(" since")[0] for each in read.problems()] == ["web process: it has not stayed up 3 times"]
    clock.seconds = told.due("web process") + 2 * SETTLED_SECONDS
    assert list(read.problems()) == ["web process: it has ended 12 times in the last 10 minutes"]


def test_starts_are_tried_at_growing_intervals() -> None:
    assert [delay(failed) for failed in (1, 2, 3, 61, 62, 1000)] == [0, 1, 2, 60, 60, 60]


def test_the_processes_are_reported_by_name(tmp_path: Path) -> None:
    told, read = Supervised(tmp_path / "file"), SupervisorReport(tmp_path / "file")
    told.running({"web": 7, "worker": 8})
    assert read.processes() == {"supervisor": os.getpid(), "web": 7, "worker": 8}
    told.running({"web": 9})
    assert read.processes() == {"supervisor": os.getpid(), "web": 9}


def test_losses_are_reported(tmp_path: Path) -> None:
    told, read = Supervised(tmp_path / "file"), SupervisorReport(tmp_path / "file")
    told.lost(7)
    assert read.lost_lines() == 7
    told.end()
    assert read.lost_lines() == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"ended": 3}', None])
def test_a_missing_or_damaged_file_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    read = SupervisorReport(tmp_path / "file")
    assert (list(read.problems()), read.lost_lines()) == ([], 0)


def test_a_disk_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    Supervised(tmp_path / "missing" / "file").ended("redis")
