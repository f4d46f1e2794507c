"""What the supervisor tells the other processes, and what they make of a missing or damaged file."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.supervised import Supervised, SupervisorReport


def test_a_process_that_does_not_stay_up_is_named_until_it_does(tmp_path: Path) -> None:
    told, read = Supervised(tmp_path / "file", clock=lambda: 3600.0), SupervisorReport(tmp_path / "file")
    told.put()
    assert list(read.problems()) == []
    for seconds in (0, 1, 2):
        told.failed("worker", seconds)
    told.failed("redis", 0)
    assert list(read.problems()) == [
        "worker: it has not stayed up 3 times since 1970-01-01T01:00:00.000Z, next start 1970-01-01T01:00:02.000Z"
    ]
    told.started("worker")
    told.started("redis")
    assert list(read.problems()) == []


def test_losses_are_told(tmp_path: Path) -> None:
    told, read = Supervised(tmp_path / "file"), SupervisorReport(tmp_path / "file")
    told.lost(7)
    assert read.lost_lines() == 7
    told.end()
    assert read.lost_lines() == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"failing": 3}', None])
def test_a_missing_or_damaged_file_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    read = SupervisorReport(tmp_path / "file")
    assert (list(read.problems()), read.lost_lines()) == ([], 0)


def test_a_disk_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    Supervised(tmp_path / "missing" / "file").failed("redis", 0)
