from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable import files
from durable.entries import is_there
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PUTS_FOR_EVER = """\
import sys
from pathlib import Path
from durable import files
path, number = Path(sys.argv[1]), 0
while True:
    files.put(path, str(number % 10).encode() * 200_000, sync=number % 2 == 0)
    number += 1
"""


def test_put_gives_a_new_content_and_keeps_the_old_one_for_its_readers(tmp_path: Path) -> None:
    path = tmp_path / "a"
    files.put(path, b"old")
    with path.open("rb") as reader:
        files.put(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_put_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    files.put(path, b"old")
    with pytest.raises(OSError, match="File name too long"):
        files.put(path.with_name("a" * 300), b"new")
    with pytest.raises(FileNotFoundError):
        files.put(path.with_name("none") / "a", b"new")
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"a": b"old"}


def test_a_folder_that_has_the_name_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a" / "full").mkdir(parents=True)
    files.put(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    (aside,) = tmp_path.glob(".damaged-a-*")
    assert (aside / "full").is_dir()


def test_a_link_is_replaced_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "a").symlink_to(tmp_path / "other")
    files.put(tmp_path / "a", b"new")
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "other").read_bytes()) == (b"new", b"other")


def test_a_killed_writer_leaves_a_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for _ in range(3):
        path.unlink(missing_ok=True)
        with subprocess.Popen([sys.executable, "-c", PUTS_FOR_EVER, str(path)], cwd=ROOT) as writer:
            until(lambda: is_there(path))
            contents = [files.read(path) for _ in range(50)]
            writer.send_signal(signal.SIGKILL)
        for content in [*contents, files.read(path)]:
            assert len(content) == 200_000
            assert len(set(content)) == 1


def test_put_new_never_takes_a_name_that_something_has(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert files.put_new(path, b"first")
    assert not files.put_new(path, b"second")
    assert path.read_bytes() == b"first"
    (tmp_path / "link").symlink_to("nowhere")
    assert not files.put_new(tmp_path / "link", b"through it")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "link"]


def test_one_of_several_puts_the_new_file(tmp_path: Path) -> None:
    done: list[bool] = []
    threads = [
        threading.Thread(target=lambda each=each: done.append(files.put_new(tmp_path / "a", bytes([each]))))
        for each in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False] * 7 + [True]


def test_a_new_file_has_the_mode_that_was_asked_for_from_the_beginning(tmp_path: Path) -> None:
    files.put_new(tmp_path / "a", b"secret", mode=0o600)
    files.put(tmp_path / "b", b"secret", mode=0o600)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@given(data=st.binary(max_size=100))
def test_what_was_put_is_read(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "what was put"
    files.put(path, data, sync=False)
    assert files.read(path) == data


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a")
    with pytest.raises(OSError, match=r"regular|directory|No such file"):
        files.read(tmp_path / "a")


def test_a_link_is_followed_only_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "a").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic link"):
        files.opened(tmp_path / "a")
    assert files.read(tmp_path / "a", follow=True) == b"secret"
