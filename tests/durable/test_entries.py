from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from durable.entries import drop, is_folder, is_there, keep_copy, set_aside


def full_folder(path: Path) -> None:
    (path / "inner").mkdir(parents=True)


EVERYTHING = [os.mkfifo, os.mkdir, Path.touch, full_folder, lambda path: path.symlink_to("nowhere")]


@pytest.mark.parametrize("make", EVERYTHING)
def test_whatever_has_a_name_is_there_until_it_is_dropped(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "a"
    assert not is_there(path)
    assert not is_there(path / "below")
    make(path)
    assert is_there(path)
    drop(path)
    assert not is_there(path)
    drop(path)


@pytest.mark.parametrize("make", EVERYTHING)
def test_whatever_has_a_name_can_be_set_aside(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a")
    before = (tmp_path / "a").lstat().st_ino
    aside = set_aside(tmp_path / "a")
    assert not is_there(tmp_path / "a")
    assert aside.lstat().st_ino == before


def test_dropping_a_link_leaves_the_folder_that_it_leads_to(tmp_path: Path) -> None:
    full_folder(tmp_path / "a")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert not is_folder(tmp_path / "link")
    drop(tmp_path / "link")
    assert (tmp_path / "a" / "inner").is_dir()


def test_a_copy_is_kept_of_a_file_that_will_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"damaged")
    keep_copy(tmp_path / "a")
    keep_copy(tmp_path / "none")
    assert sorted(each.read_bytes() for each in tmp_path.iterdir()) == [b"damaged"] * 2


def test_a_name_that_is_too_long_is_nowhere(tmp_path: Path) -> None:
    assert not is_there(tmp_path / ("9" * 300))
