import threading
from pathlib import Path

import pytest

from model_store import files


def test_a_draft_leaves_nothing_behind(tmp_path: Path) -> None:
    with files.draft(tmp_path) as file:
        file.write(b"half")
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_replace_gives_a_new_content_and_keeps_the_old_one_for_its_readers(tmp_path: Path) -> None:
    path = tmp_path / "a"
    files.replace(path, b"old")
    with path.open("rb") as reader:
        files.replace(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_replace_changes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "full").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        files.replace(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_only_the_drafts_of_the_dead_are_removed(tmp_path: Path) -> None:
    dead = tmp_path / f"{files.DRAFT_PREFIX}dead"
    dead.write_bytes(b"half")
    with files.draft(tmp_path) as file:
        files.remove_dead_drafts(tmp_path)
        assert Path(file.name).exists()
        assert not dead.exists()


def test_a_draft_is_never_taken_for_dead_before_its_writer_has_its_lock(tmp_path: Path) -> None:
    done = threading.Event()

    def clean() -> None:
        while not done.is_set():
            files.remove_dead_drafts(tmp_path)

    cleaners = [threading.Thread(target=clean) for _ in range(2)]
    for cleaner in cleaners:
        cleaner.start()
    try:
        for _ in range(1500):
            with files.draft(tmp_path) as file:
                assert Path(file.name).exists()
    finally:
        done.set()
        for cleaner in cleaners:
            cleaner.join()


def test_one_holds_a_lock_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(50):
            with files.locked(tmp_path / "lock"):
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
        with files.locked(path):
            entered.set()

    with files.locked(path):
        waiter = threading.Thread(target=enter)
        waiter.start()
        path.unlink()
    waiter.join()
    assert entered.is_set()
    assert path.exists()


def test_a_lock_is_waited_for_only_so_long(tmp_path: Path) -> None:
    with files.locked(tmp_path / "lock"), pytest.raises(TimeoutError), files.locked(tmp_path / "lock", timeout=0.05):
        pass
    with files.locked(tmp_path / "lock", timeout=0):
        pass
