import contextlib
import os
import threading
import time
from pathlib import Path

import pytest

from service.training.errors import LeaseHeldError, LeaseLostError
from service.training.jobs.lease import LEASE, Lease, is_live
from tests.waiting import until

QUICK = 0.4


def forget(folder: Path) -> None:
    """As if the holder had not been heard of for an hour."""
    past = time.time() - 3600
    os.utime(folder / LEASE, (past, past))


def test_one_holds_a_run_at_a_time(tmp_path: Path) -> None:
    assert not is_live(tmp_path)
    with Lease.take(tmp_path):
        assert is_live(tmp_path)
        with pytest.raises(LeaseHeldError):
            Lease.take(tmp_path)
    assert not is_live(tmp_path)
    Lease.take(tmp_path).release()


def test_a_lease_is_kept_up_by_itself(tmp_path: Path) -> None:
    with Lease.take(tmp_path, ttl=QUICK):
        for _ in range(2):
            forget(tmp_path)
            until(lambda: is_live(tmp_path))
        with pytest.raises(LeaseHeldError):
            Lease.take(tmp_path)


def test_a_worker_whose_lease_was_taken_over_cannot_write(tmp_path: Path) -> None:
    with Lease.take(tmp_path) as sleeper:
        forget(tmp_path)
        with Lease.take(tmp_path) as successor:
            written = []
            with pytest.raises(LeaseLostError), sleeper.held():
                written.append("too late")
            with successor.held():
                written.append("in time")
            assert written == ["in time"]
            sleeper.release()
            assert is_live(tmp_path), "the release of a lost lease frees nothing"


def test_a_worker_that_wakes_before_a_takeover_continues(tmp_path: Path) -> None:
    with Lease.take(tmp_path) as sleeper:
        forget(tmp_path)
        with sleeper.held():
            pass
        assert is_live(tmp_path)


def test_a_released_lease_is_no_lease(tmp_path: Path) -> None:
    lease = Lease.take(tmp_path)
    lease.release()
    with pytest.raises(LeaseLostError), lease.held():
        pass


def test_a_clock_that_was_set_back_keeps_no_dead_worker_alive(tmp_path: Path) -> None:
    with Lease.take(tmp_path):
        future = time.time() + 3600
        os.utime(tmp_path / LEASE, (future, future))
        assert not is_live(tmp_path)


def test_the_successor_waits_for_a_dead_holder_to_be_given_up(tmp_path: Path) -> None:
    lease = Lease.take(tmp_path, ttl=3600)
    assert is_live(tmp_path, ttl=QUICK)
    with Lease.take_soon(tmp_path, threading.Event(), ttl=QUICK), pytest.raises(LeaseLostError), lease.held():
        pass
    lease.release()


def test_the_wait_ends_when_the_holder_is_heard_of_again(tmp_path: Path) -> None:
    with Lease.take(tmp_path, ttl=QUICK), pytest.raises(LeaseHeldError):
        Lease.take_soon(tmp_path, threading.Event(), ttl=3600)


def test_the_wait_ends_when_the_worker_is_to_end(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with Lease.take(tmp_path, ttl=3600), pytest.raises(LeaseHeldError):
        Lease.take_soon(tmp_path, stop, ttl=3600)


def test_only_one_of_many_takes_over(tmp_path: Path) -> None:
    taken: list[Lease] = []

    def take() -> None:
        with contextlib.suppress(LeaseHeldError):
            taken.append(Lease.take(tmp_path))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    taken[0].release()


def test_there_is_no_lease_of_no_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Lease.take(tmp_path / "none")
