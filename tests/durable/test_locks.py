import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from durable import locks

ROOT = Path(__file__).parents[2]


def test_one_holds_a_lock_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(50):
            with locks.locked(tmp_path / "lock"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_whose_file_was_removed_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    entered = threading.Event()

    def enter() -> None:
        with locks.locked(path):
            entered.set()

    with locks.locked(path):
        waiter = threading.Thread(target=enter)
        waiter.start()
        path.unlink()
    waiter.join()
    assert entered.is_set()
    assert path.exists()


def test_a_lock_is_waited_for_only_so_long(tmp_path: Path) -> None:
    with locks.locked(tmp_path / "lock"), pytest.raises(TimeoutError), locks.locked(tmp_path / "lock", timeout=0.05):
        pass
    with locks.locked(tmp_path / "lock", timeout=0):
        pass


def test_whether_a_lock_is_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.is_held(path)
    with locks.locked(path):
        assert locks.is_held(path)
        assert not locks.is_held(path / "nothing")
    assert not locks.is_held(path)
    (tmp_path / "link").symlink_to(path)
    assert locks.is_held(tmp_path / "link"), "what cannot be told counts as held"


def test_a_claim_is_refused_with_the_holder_s_process_id(tmp_path: Path) -> None:
    with locks.claim(tmp_path / "lock"), pytest.raises(locks.ClaimedError) as caught:
        locks.claim(tmp_path / "lock")
    assert caught.value.holder == str(os.getpid())
    locks.claim(tmp_path / "lock").close()


def test_locks_go_with_a_process_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from durable import locks; folder = pathlib.Path(sys.argv[1]);"
        "claimed = locks.claim(folder / 'claimed'); held = locks.locked(folder / 'held'); held.__enter__();"
        "print(flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert locks.is_held(tmp_path / "claimed")
        assert locks.is_held(tmp_path / "held")
        holder.kill()
    locks.claim(tmp_path / "claimed").close()
    with locks.locked(tmp_path / "held", timeout=0):
        pass


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file_is_set_aside_for_a_lock(tmp_path: Path, make: Callable[[Path], None]) -> None:
    for name, take in (("a", locks.locked), ("b", locks.claim)):
        make(tmp_path / name)
        with take(tmp_path / name):
            assert (tmp_path / name).is_file()
        assert len(list(tmp_path.glob(f".damaged-{name}-*"))) == 1
    assert not (tmp_path / "nowhere").exists()
