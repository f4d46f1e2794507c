"""What is made of a folder's names is made again after every change, and not otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from durable.listing import SETTLED_SECONDS, FolderCache

MADE = 1_000_000.0


class Names:
    """Counts how often names are asked for; the folder's time and the clock are set by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made, self.now = folder, 0, MADE
        self.cache = FolderCache(self.make, lambda: self.now)
        os.utime(folder, (MADE, MADE))

    def make(self, folder: Path, names: list[str]) -> list[str]:
        self.made += 1
        return sorted(names)

    def of(self) -> list[str]:
        return self.cache.of(self.folder)


@pytest.fixture
def names(tmp_path: Path) -> Names:
    (tmp_path / "a").touch()
    return Names(tmp_path)


def test_a_folder_that_has_settled_is_listed_once(names: Names) -> None:
    names.now += SETTLED_SECONDS + 1
    assert [names.of() for _ in range(3)] == [["a"]] * 3
    assert names.made == 1


def test_a_change_is_seen(names: Names) -> None:
    names.now += SETTLED_SECONDS + 1
    names.of()
    (names.folder / "b").touch()
    assert names.of() == ["a", "b"]


@pytest.mark.parametrize("passed", [0.0, SETTLED_SECONDS / 2, -3600.0])
def test_a_change_at_the_same_time_as_the_one_before_is_seen(names: Names, passed: float) -> None:
    """The clock may be too coarse to tell them apart, or may have been set back."""
    names.now += passed
    assert names.of() == ["a"]
    (names.folder / "b").touch()
    os.utime(names.folder, (MADE, MADE))
    assert names.of() == ["a", "b"]


def test_a_folder_that_there_is_not_has_no_names(names: Names) -> None:
    for folder in (names.folder / "nothing", names.folder / "a" / "below", names.folder / "a"):
        assert names.cache.of(folder) == []


def test_another_folder_in_its_place_is_seen(names: Names, tmp_path: Path) -> None:
    names.folder = tmp_path / "folder"
    for name in ("x", "y"):
        new = tmp_path / name
        new.mkdir()
        (new / name).touch()
        os.utime(new, (MADE, MADE))
        if names.folder.exists():
            names.folder.rename(tmp_path / "former")
        new.rename(names.folder)
        names.now = MADE + 100
        assert names.of() == [name]
