"""The weights on a machine's disk are bounded; what was let go is fetched again when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn.checkpoint import Checkpoint
from durable.directory_objects import DirectoryObjects
from model_store.faults import Faults
from model_store.shared import SharedModelStore

Make = Callable[..., Checkpoint]


@pytest.fixture
def size(checkpoint: Make) -> int:
    return len(checkpoint(1).to_bytes())


@pytest.fixture
def small(tmp_path: Path, objects: DirectoryObjects, size: int) -> SharedModelStore:
    """A machine on whose disk there is room for two versions."""
    return SharedModelStore(tmp_path / "small" / "models", objects, most_bytes=2 * size + 100)


def present(store: SharedModelStore) -> list[int]:
    return [version for version in store.versions("bard") if store.is_here("bard", version)]


def test_what_was_used_longest_ago_is_let_go(small: SharedModelStore, checkpoint: Make) -> None:
    for value in (1, 2, 3, 4):
        small.publish("bard", checkpoint(value))
    assert present(small) == [3, 4]
    before = small.describe("bard", 1)
    for version in (1, 2, 3):
        assert small.load("bard", version).digest == checkpoint(version).digest
    assert present(small) == [2, 3]
    assert small.describe("bard", 1) == before
    assert (Faults(small).of("bard"), sorted(Faults(small).verify("bard"))) == ([], [2, 3])


def test_what_an_alias_points_to_stays(small: SharedModelStore, here: SharedModelStore, checkpoint: Make) -> None:
    for value in (1, 2, 3, 4, 5):
        here.publish("bard", checkpoint(value))
    for alias, version in (("a", 1), ("b", 2), ("c", 3)):
        here.set_alias("bard", alias, version)
    small.refresh()
    assert present(small) == [1, 2, 3], "more than there is room for"
    small.load("bard", 5)
    assert present(small) == [1, 2, 3, 5]
    here.delete_alias("bard", "a")
    here.delete_alias("bard", "b")
    small.refresh()
    assert present(small) == [3, 5]
    small.set_alias("bard", "d", 1)
    assert present(small) == [1, 3]


def test_a_machine_that_publishes_more_than_it_has_room_for_loses_none(
    small: SharedModelStore, here: SharedModelStore, checkpoint: Make
) -> None:
    for value in range(1, 6):
        small.publish("bard", checkpoint(value))
    here.refresh()
    assert present(here) == []
    assert [here.load("bard", version).digest for version in here.versions("bard")] == [
        checkpoint(value).digest for value in range(1, 6)
    ]
