from __future__ import annotations

import threading
from pathlib import Path

import pytest

from durable.objects import StoreUnavailableError
from service.mirror.refresher import Refresher
from service.mirror.report import MirrorReport, MirrorStatus
from service.mirror.schedule import HINTED, Subject
from tests.waiting import until

STORE = "s3://bucket/prefix"
NAMES = ("models", "runs")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class HandHints:
    """Hints that a test gives by hand."""

    def __init__(self) -> None:
        self._news = threading.Event()
        self._heard: set[str] = set()

    def give(self, name: str) -> None:
        self._heard.add(name)
        self._news.set()

    def wait(self, seconds: float) -> frozenset[str]:
        self._news.wait(seconds)
        self._news.clear()
        heard, self._heard = frozenset(self._heard), set()
        return heard

    def wake(self) -> None:
        self._news.set()


class Mirrored:
    """What is mirrored: counts the looks, and fails if told to."""

    def __init__(self) -> None:
        self.looks = dict.fromkeys(NAMES, 0)
        self.error: Exception | None = None
        self.failing = set(NAMES)

    def subjects(self) -> list[Subject]:
        return [Subject(name, lambda name=name: self._refresh(name), 7.0) for name in NAMES]  # type: ignore[misc]

    def _refresh(self, name: str) -> bool:
        self.looks[name] += 1
        if self.error is not None and name in self.failing:
            raise self.error
        return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mirrored() -> Mirrored:
    return Mirrored()


@pytest.fixture
def refresher(tmp_path: Path, mirrored: Mirrored, clock: Clock) -> Refresher:
    report = MirrorReport(tmp_path / "mirror.json", STORE, monotonic=clock)
    return Refresher(mirrored.subjects(), tmp_path / "refresh.lock", report, HandHints(), clock=clock)


def test_all_is_refreshed_in_the_beginning_and_then_what_is_due(
    refresher: Refresher, mirrored: Mirrored, clock: Clock
) -> None:
    wait = refresher.look()
    assert mirrored.looks == {"models": 1, "runs": 1}
    assert refresher.look() == wait
    assert mirrored.looks == {"models": 1, "runs": 1}
    clock.now += HINTED
    refresher.look(frozenset({"runs"}))
    assert mirrored.looks == {"models": 1, "runs": 2}
    clock.now += wait
    refresher.look()
    assert mirrored.looks == {"models": 2, "runs": 2}


def test_a_store_that_is_away_is_asked_once_and_not_for_each_part(
    refresher: Refresher, mirrored: Mirrored, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mirrored.error = StoreUnavailableError("no answer in time")
    status = MirrorStatus(tmp_path / "mirror.json", STORE, NAMES, clock)
    for _ in range(3):
        clock.now += refresher.look(frozenset(NAMES))
    assert mirrored.looks == {"models": 3, "runs": 0}
    assert "no answer in time" in status.problems()[0]
    mirrored.error = None
    refresher.look()
    assert mirrored.looks == {"models": 4, "runs": 1}
    assert status.problems() == []
    warnings = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert len(warnings) == 1 and "no answer in time" in warnings[0]


def test_a_part_that_cannot_be_mirrored_does_not_hold_up_the_others(
    refresher: Refresher, mirrored: Mirrored, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mirrored.error, mirrored.failing = OSError(28, "No space left on device"), {"models"}
    refresher.look()
    assert mirrored.looks == {"models": 1, "runs": 1}
    clock.now += 10
    refresher.look()
    assert mirrored.looks == {"models": 2, "runs": 2}
    assert len(caplog.records) == 1, "the same is logged once"
    status = MirrorStatus(tmp_path / "mirror.json", STORE, NAMES, clock)
    assert "models cannot be mirrored: No space left on device" in status.problems()[0]


def test_a_store_that_reads_and_takes_no_writes_is_logged_once(
    refresher: Refresher, mirrored: Mirrored, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    mirrored.error, mirrored.failing = StoreUnavailableError("the server answers (507)"), {"runs"}
    for _ in range(5):
        clock.now += refresher.look()
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    mirrored.error = None
    for _ in range(2):
        clock.now += refresher.look()
    assert [each.message for each in caplog.records][1:] == ["the store can be used again"]


def test_of_several_processes_one_refreshes_and_the_next_when_it_has_ended(tmp_path: Path) -> None:
    def begun(hints: HandHints, mirrored: Mirrored) -> Refresher:
        report = MirrorReport(tmp_path / "mirror.json", STORE)
        refresher = Refresher(mirrored.subjects(), tmp_path / "refresh.lock", report, hints)
        refresher.start()
        return refresher

    first, second = Mirrored(), Mirrored()
    hints = HandHints()
    holder = begun(hints, first)
    until(lambda: first.looks["runs"] == 1)
    waiting = begun(HandHints(), second)
    hints.give("runs")
    until(lambda: first.looks["runs"] == 2)
    assert second.looks == {"models": 0, "runs": 0}
    holder.close()
    until(lambda: second.looks["runs"] == 1)
    waiting.close()


def test_nothing_is_mirrored_before_it_is_known_that_it_may_be(
    tmp_path: Path, mirrored: Mirrored, clock: Clock
) -> None:
    faults = [StoreUnavailableError("no answer in time"), ValueError("another cluster")]

    def check() -> None:
        if faults:
            raise faults.pop()

    report = MirrorReport(tmp_path / "mirror.json", STORE, monotonic=clock)
    refresher = Refresher(mirrored.subjects(), tmp_path / "refresh.lock", report, HandHints(), check=check, clock=clock)
    for _ in range(2):
        clock.now += refresher.look()
        assert mirrored.looks == {"models": 0, "runs": 0}
    refresher.look()
    assert mirrored.looks == {"models": 1, "runs": 1}
