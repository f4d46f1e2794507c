"""A process that dies between the store and its mirror, at any step, leaves nothing half-visible on any machine."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from shutil import copytree

import pytest

from charrnn.checkpoint import Checkpoint
from durable.directory_objects import DirectoryObjects
from durable.objects import Objects
from model_store import ModelStore, publish_and_promote
from model_store.faults import Faults
from model_store.shared import SharedModelStore
from tests.model_store.interrupted_objects import InterruptedObjects, Killed, killing

Make = Callable[..., Checkpoint]
Action = Callable[[SharedModelStore, Make], object]

ACTIONS: dict[str, Action] = {
    "publish": lambda store, make: publish_and_promote(store, "bard", make(7), "always"),
    "publish first": lambda store, make: publish_and_promote(store, "new", make(7)),
    "alias": lambda store, _: store.set_alias("bard", "stable", 2),
    "roll back": lambda store, _: store.rollback("bard"),
    "delete": lambda store, _: store.delete("bard", 2),
    "delete alias": lambda store, _: store.delete_alias("bard", "old"),
    "keep": lambda store, _: store.keep("bard", 2, "cells", {"a": 2}),
    "load": lambda store, _: store.load("bard", 2),
    "refresh": lambda store, _: store.refresh(),
}


def machine(root: Path, objects: Objects) -> SharedModelStore:
    return SharedModelStore(root / "models", objects)


def prepared(objects: Objects, root: Path, make: Make) -> None:
    """Three versions, of which the middle one is not current, nor on the machines `here` and `there`."""
    first = machine(root / "first", objects)
    for value in (1, 2, 3):
        first.publish("bard", make(value))
    for alias, version in (("current", 1), ("old", 1), ("current", 3)):
        first.set_alias("bard", alias, version)
    first.keep("bard", 2, "cells", {"a": 1})


def state(store: ModelStore) -> dict[str, object]:
    """All that there is to see, which must be whole."""
    seen: dict[str, object] = {"places": store.places()}
    for name in store.models():
        assert Faults(store).of(name) == []
        for alias, version in store.aliases(name).items():
            assert store.is_here(name, version)
            seen[f"{name}@{alias}"] = store.history(name, alias)
        for version in store.versions(name):
            seen[f"{name}@{version}"] = store.describe(name, version), store.kept(name, version, "cells")
    return seen


@pytest.mark.parametrize("action", ACTIONS)
def test_a_kill_at_any_step_leaves_nothing_half_visible(action: str, checkpoint: Make, tmp_path: Path) -> None:
    prepared(DirectoryObjects(tmp_path / "0" / "objects"), tmp_path / "0", checkpoint)
    machine(tmp_path / "0" / "there", DirectoryObjects(tmp_path / "0" / "objects")).refresh()
    if action != "refresh":
        copytree(tmp_path / "0" / "there", tmp_path / "0" / "here")
    for step in count(1):
        root = tmp_path / str(step)
        copytree(tmp_path / "0", root)
        objects, was_killed = DirectoryObjects(root / "objects"), False
        try:
            ACTIONS[action](machine(root / "here", InterruptedObjects(objects, killing(step - 1))), checkpoint)
        except Killed:
            was_killed = True
        here, there = machine(root / "here", objects), machine(root / "there", objects)
        state(here)
        for store in (here, there, here):
            store.refresh()
        assert state(here) == state(there)
        assert not here.refresh() and not there.refresh()
        assert there.publish("bard", checkpoint(9)) == here.versions("bard")[-1] + 1
        assert all(here.load("bard", version) for version in here.versions("bard"))
        assert [path.name for path in (here.root / "bard").glob(".*fetched*")] == []
        if not was_killed:
            break
    assert step > 1
