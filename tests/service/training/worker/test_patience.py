from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from service.training.jobs import stalls
from service.training.worker.measuring import StoppedError
from service.training.worker.patience import Patience


def failing(times: int, number: int = errno.ENOSPC) -> Callable[[], str]:
    """A write that fails so many times first."""
    left = iter(range(times))

    def write() -> str:
        if next(left, None) is not None:
            raise OSError(number, "no")
        return "written"

    return write


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_what_needs_space_is_done_when_there_is_some(tmp_path: Path, number: int) -> None:
    said: list[bool] = []

    def is_given_up() -> bool:
        said.append(bool(stalls.warnings(tmp_path)))
        return False

    assert Patience(tmp_path, Event(), seconds=0).until_done(failing(3, number), is_given_up) == "written"
    assert said == [True] * 3
    assert stalls.warnings(tmp_path) == ()


def test_a_lack_of_descriptors_is_waited_for_too_but_is_not_the_disks(tmp_path: Path) -> None:
    said: list[str] = []

    def is_given_up() -> bool:
        said.extend(stalls.warnings(tmp_path))
        return False

    patience = Patience(tmp_path, Event(), seconds=0)
    assert patience.until_done(failing(1, errno.EMFILE), is_given_up) == "written"
    assert said == []


def test_another_error_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no"):
        Patience(tmp_path, Event(), seconds=0).until_done(failing(1, errno.EIO))
    assert stalls.warnings(tmp_path) == ()


def test_the_wait_ends_with_the_worker_and_with_the_job(tmp_path: Path) -> None:
    stop = Event()
    with pytest.raises(StoppedError):
        Patience(tmp_path, stop, seconds=0).until_done(failing(5), lambda: True)
    stop.set()
    with pytest.raises(StoppedError):
        Patience(tmp_path, stop).until_done(failing(5))
    assert stalls.warnings(tmp_path), "the next worker waits on"
