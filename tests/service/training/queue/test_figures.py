from __future__ import annotations

import pytest

from service.training.queue.figures import Figures, StoreRequests, read, total

WRITTEN = Figures(3, (StoreRequests("get", "done", 2, 0.5), StoreRequests("list", "failed", 1, 0.25)))


def test_what_workers_tell_is_added_up() -> None:
    other = Figures(1, (StoreRequests("get", "done", 5, 1.0), StoreRequests("get", "missing", 1, 0.0)))
    sums = total([read(WRITTEN.to_json()), other, Figures()])
    assert sums.lost_lines == 4
    assert set(sums.asked) == {
        StoreRequests("get", "done", 7, 1.5),
        StoreRequests("get", "missing", 1, 0.0),
        StoreRequests("list", "failed", 1, 0.25),
    }


@pytest.mark.parametrize("told", [b"", b"{", b"\xff", b"3", b'{"lost_lines": "many"}', b'{"asked": [["get"]]}'])
def test_what_is_not_written_soundly_counts_as_nothing(told: bytes) -> None:
    assert read(told) == Figures()
