from __future__ import annotations

import errno
from pathlib import Path

import pytest

from durable import files, space
from tests.disk import faulty, largest_file, mounted


def test_a_folder_that_can_be_written_is_short_of_nothing(tmp_path: Path) -> None:
    assert space.shortage([tmp_path, tmp_path / "nothing"]) == ""


@pytest.mark.parametrize(
    ("number", "short"),
    [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EROFS, True), (errno.EIO, False), (errno.EACCES, False)],
)
def test_which_errors_go_away_with_space(number: int, short: bool) -> None:
    assert space.is_short(OSError(number, "no")) is short
    assert not space.is_short(ValueError(number))


def test_which_errors_pass() -> None:
    for number in (errno.ENOSPC, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        assert space.passes(OSError(number, "no"))
    for error in (OSError(errno.EIO, "no"), OSError(errno.EACCES, "no"), ValueError(errno.EMFILE)):
        assert not space.passes(error)


def test_writing_beyond_the_limit_of_a_test_is_another_error(tmp_path: Path) -> None:
    with largest_file(10), pytest.raises(OSError, match="too large") as caught:
        files.put(tmp_path / "a", bytes(20))
    assert not space.is_short(caught.value)


def test_a_real_disk_is_full_and_read_only_and_sound_again(tmp_path: Path) -> None:
    with mounted(tmp_path, "size=1m,nr_inodes=20") as remount:
        assert space.shortage([tmp_path]) == ""
        with pytest.raises(OSError, match="No space") as caught, (tmp_path / "large").open("wb", 0) as file:
            while True:
                file.write(bytes(1 << 16))
        assert space.is_short(caught.value)
        assert space.shortage([tmp_path]) == "full"
        (tmp_path / "large").unlink()
        assert space.shortage([tmp_path]) == ""
        with pytest.raises(OSError, match="No space"):
            for number in range(30):
                (tmp_path / str(number)).touch()
        assert space.shortage([tmp_path]) == "out of inodes"
        remount("ro")
        assert space.shortage([tmp_path]) == "read-only"
        with pytest.raises(OSError, match="Read-only") as caught:
            files.put(tmp_path / "a", b"")
        assert space.is_short(caught.value)


def test_a_disk_that_is_read_only_after_a_fault(tmp_path: Path) -> None:
    with faulty(tmp_path) as fail:
        assert space.shortage([tmp_path]) == ""
        fail()
        with pytest.raises(OSError, match="Read-only"):
            files.put(tmp_path / "a", b"")
        assert space.shortage([tmp_path]) == "read-only"
