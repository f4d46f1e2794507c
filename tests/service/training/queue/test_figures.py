from __future__ import annotations

import pytest

from service.training.queue.figures import Asked, Figures, read, total

TOLD = Figures(3, (Asked("get", "done", 2, 0.5), Asked("list", "failed", 1, 0.25)))


def test_what_workers_tell_is_added_up() -> None:
    other = Figures(1, (Asked("get", "done", 5, 1.0), Asked("get", "missing", 1, 0.0)))
    sums = total([read(TOLD.to_json()), other, Figures()])
    assert sums.lost_lines == 4
    assert set(sums.asked) == {
        Asked("get", "done", 7, 1.5),
        Asked("get", "missing", 1, 0.0),
        Asked("list", "failed", 1, 0.25),
    }


@pytest.mark.parametrize("told", [b"", b"{", b"\xff", b"3", b'{"lost_lines": "many"}', b'{"asked": [["get"]]}'])
def test_what_is_not_told_soundly_counts_as_nothing(told: bytes) -> None:
    assert read(told) == Figures()
