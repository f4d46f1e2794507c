from __future__ import annotations

from pathlib import Path

import pytest

from service.mirror.report import LATE_SECONDS, MirrorNotFilledError, MirrorReport, MirrorStatus

STORE = "s3://bucket/prefix"


class Times:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def report(tmp_path: Path, times: Times) -> MirrorReport:
    return MirrorReport(tmp_path / "mirror.json", STORE, lambda: 0.0, times)


@pytest.fixture
def status(tmp_path: Path, times: Times) -> MirrorStatus:
    return MirrorStatus(tmp_path / "mirror.json", STORE, ("models", "keys"), times)


def test_a_mirror_is_filled_once_all_that_is_needed_has_been_read(report: MirrorReport, status: MirrorStatus) -> None:
    report.refreshed("models")
    report.refreshed("runs")
    with pytest.raises(MirrorNotFilledError, match=r"^the store has not been read yet$"):
        status.check()
    report.failed("keys", "no answer in time")
    with pytest.raises(MirrorNotFilledError, match="has not been read yet: no answer in time"):
        status.check()
    report.refreshed("keys")
    status.check()
    assert status.problems() == []


def test_a_fault_is_reported_with_its_beginning_until_it_has_passed(report: MirrorReport, status: MirrorStatus) -> None:
    report.failed("models", "no answer in time")
    report.failed("models", "it does not answer")
    (sentence,) = status.problems()
    assert sentence.startswith("store: it does not answer, since 1970-01-01T00:00:00")
    report.refreshed("runs")
    assert status.problems() == [sentence]
    report.refreshed("models")
    assert status.problems() == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            "s3://bucket/prefix at http://10.0.0.7:8333 does not write models/plays/1: no room (507)",
            "it does not write:",
        ),
        ("s3://bucket does not list runs: no answer in time", "it does not list: no answer in time,"),
        ("another cluster uses s3://bucket/prefix", "another cluster uses it,"),
    ],
)
def test_where_the_store_is_stays_within_the_house(
    report: MirrorReport, status: MirrorStatus, fault: str, told: str
) -> None:
    report.failed("models", fault)
    (sentence,) = status.problems()
    assert sentence.startswith(f"store: {told}")
    assert "s3:" not in sentence and "10.0.0.7" not in sentence and "models/" not in sentence


def test_a_mirror_that_nobody_looks_after_is_reported(report: MirrorReport, status: MirrorStatus, times: Times) -> None:
    for name in ("models", "keys"):
        report.refreshed(name)
    times.now += LATE_SECONDS - 1
    report.refreshed("keys")
    assert status.problems() == []
    times.now += 2
    assert status.problems() == ["store: it was last looked at 61 s ago; changes elsewhere are not seen"]
    assert status.ages() == {"models": 61, "keys": 2}


def test_what_was_said_of_another_store_or_is_damaged_says_nothing(tmp_path: Path, report: MirrorReport) -> None:
    report.refreshed("models")
    assert MirrorStatus(tmp_path / "mirror.json", STORE, ("models",)).is_filled()
    assert not MirrorStatus(tmp_path / "mirror.json", "s3://other", ("models",)).is_filled()
    (tmp_path / "mirror.json").write_bytes(b"{")
    assert not MirrorStatus(tmp_path / "mirror.json", STORE, ("models",)).is_filled()


def test_the_next_process_goes_on_with_what_the_one_before_has_said(tmp_path: Path, report: MirrorReport) -> None:
    report.refreshed("models")
    MirrorReport(tmp_path / "mirror.json", STORE).refreshed("keys")
    assert MirrorStatus(tmp_path / "mirror.json", STORE, ("models", "keys")).is_filled()
