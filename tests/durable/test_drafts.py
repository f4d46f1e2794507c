from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from durable.drafts import draft, draft_folder, put_new_folder, remove_dead_drafts, withdraw
from durable.entries import drop
from durable.locks import locked

ROOT = Path(__file__).parents[2]
MAKES_TWO = """\
import sys
from pathlib import Path
from durable.drafts import draft, draft_folder
folder = Path(sys.argv[1])
with draft(folder) as file, draft_folder(folder) as made:
    file.file.write(b"half")
    file.file.flush()
    (made / "a").write_bytes(b"half")
    print("made", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("make", [draft, draft_folder])
def test_a_draft_leaves_nothing_behind(tmp_path: Path, make: Callable[[Path], AbstractContextManager[object]]) -> None:
    with make(tmp_path):
        assert list(tmp_path.iterdir())
    with pytest.raises(ZeroDivisionError), make(tmp_path):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


def test_the_drafts_of_a_killed_process_are_removed_and_no_others(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKES_TWO, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        assert maker.stdout.readline() == b"made\n"
        theirs = set(tmp_path.iterdir())
        remove_dead_drafts(tmp_path)
        assert set(tmp_path.iterdir()) == theirs
        maker.send_signal(signal.SIGKILL)
    with draft(tmp_path) as file, draft_folder(tmp_path) as folder:
        assert theirs.isdisjoint(tmp_path.iterdir())
        assert file.path.exists()
        assert folder.exists()


def test_a_draft_is_never_taken_for_dead_before_its_maker_has_its_lock(tmp_path: Path) -> None:
    done = threading.Event()

    def clean() -> None:
        while not done.is_set():
            remove_dead_drafts(tmp_path)

    cleaners = [threading.Thread(target=clean) for _ in range(2)]
    for cleaner in cleaners:
        cleaner.start()
    try:
        for _ in range(150):
            with draft(tmp_path) as file, draft_folder(tmp_path) as folder:
                assert file.path.exists()
                assert folder.exists()
    finally:
        done.set()
        for cleaner in cleaners:
            cleaner.join()


def test_a_folder_is_placed_whole_and_never_over_another(tmp_path: Path) -> None:
    with draft_folder(tmp_path / "new") as folder:
        (folder / "a").write_bytes(b"1")
        put_new_folder(folder, tmp_path / "new" / "name")
    assert (tmp_path / "new" / "name" / "a").read_bytes() == b"1"
    with draft_folder(tmp_path / "new") as folder, pytest.raises(OSError, match="not empty"):
        put_new_folder(folder, tmp_path / "new" / "name")
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["name"]


@pytest.mark.parametrize("killed", [False, True])
def test_what_lost_its_name_is_deleted_sooner_or_later(tmp_path: Path, killed: bool) -> None:
    (tmp_path / "name" / "inner").mkdir(parents=True)
    gone = withdraw(tmp_path / "name")
    assert not (tmp_path / "name").exists()
    assert (gone / "inner").exists()
    remove_dead_drafts(tmp_path) if killed else drop(gone)
    assert list(tmp_path.iterdir()) == []


def test_what_a_former_build_left_is_removed_unless_it_is_held_or_new(tmp_path: Path) -> None:
    for name in ("dead", "held", "young"):
        (tmp_path / f".new-{name}").mkdir()
        (tmp_path / f".new-{name}" / "text").write_bytes(b"half")
        past = 0 if name == "young" else 3600
        os.utime(tmp_path / f".new-{name}", (time.time() - past,) * 2)
    with locked(tmp_path / ".new-held" / ".held"):
        os.utime(tmp_path / ".new-held", (0, 0))
        remove_dead_drafts(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == [".new-held", ".new-young"]
    remove_dead_drafts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".new-young"]
