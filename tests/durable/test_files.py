import threading
from pathlib import Path

import pytest

from durable import files


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
