"""Aliases that are damaged here are taken from the store again; those that are damaged there are rebuilt, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from charrnn.checkpoint import Checkpoint
from durable.directory_objects import DirectoryObjects
from model_store.shared import SharedModelStore
from tests.damage import DAMAGES
from tests.model_store.interrupted_objects import InterruptedObjects, away
from tests.model_store.stores import afresh

Make = Callable[..., Checkpoint]

SOME = ("emptied", "not_json", "wrong_fields", "a_folder", "dangling")


@pytest.fixture
def bard(here: SharedModelStore, there: SharedModelStore, checkpoint: Make) -> SharedModelStore:
    for loss in (2.0, 1.0, 3.0):
        here.publish("bard", checkpoint(loss, validation_loss=loss, corpus={"sha256": "x"}))
    here.set_alias("bard", "current", 1, "wanted")
    there.refresh()
    return here


@pytest.mark.parametrize("damage", SOME)
def test_damage_here_is_mended_from_the_store(
    bard: SharedModelStore, there: SharedModelStore, objects: DirectoryObjects, damage: str
) -> None:
    before = objects.get("models/bard/aliases.json")
    DAMAGES[damage](bard.root / "bard" / "aliases.json")
    for store in (afresh(bard), bard):
        assert store.resolve("bard") == 1
        assert [each.reason for each in store.history("bard")] == ["wanted"]
    assert objects.get("models/bard/aliases.json") == before, "nothing is rebuilt"
    bard.set_alias("bard", "stable", 2)
    there.refresh()
    assert there.aliases("bard") == {"current": 1, "stable": 2}


@pytest.mark.parametrize("damage", ["emptied", "not_json", "wrong_fields"])
@pytest.mark.parametrize("remembers", [True, False])
def test_damage_in_the_store_is_mended_there_once(
    bard: SharedModelStore, there: SharedModelStore, objects: DirectoryObjects, damage: str, remembers: bool
) -> None:
    assert bard.resolve("bard") == there.resolve("bard") == 1
    DAMAGES[damage](objects.root / "models" / "bard" / "aliases.json")
    store = bard if remembers else SharedModelStore(bard.root.with_name("new"), objects)
    store.refresh()
    there.refresh()
    for each in (store, there):
        assert each.resolve("bard") == (1 if remembers else 2), "as before, or else the best one"
        assert [change.rebuilt for change in each.history("bard")] == ([False, True] if remembers else [True])
    there.set_alias("bard", "current", 3)
    store.refresh()
    assert store.resolve("bard") == 3


def test_while_the_store_is_away_damaged_aliases_are_rebuilt_in_memory_alone(
    bard: SharedModelStore, objects: DirectoryObjects
) -> None:
    path = bard.root / "bard" / "aliases.json"
    cut_off = SharedModelStore(bard.root, InterruptedObjects(objects, away))
    assert cut_off.resolve("bard") == 1
    DAMAGES["not_json"](path)
    damaged = path.read_bytes()
    assert cut_off.resolve("bard") == 1
    assert path.read_bytes() == damaged
    assert afresh(bard).resolve("bard") == 1
    assert [each.rebuilt for each in afresh(bard).history("bard")] == [False]


def test_aliases_that_vanished_from_the_store_come_back_with_the_next_change(
    bard: SharedModelStore, there: SharedModelStore, objects: DirectoryObjects
) -> None:
    objects.delete("models/bard/aliases.json")
    bard.refresh()
    assert bard.resolve("bard") == 1
    bard.set_alias("bard", "stable", 2)
    there.refresh()
    assert there.aliases("bard") == {"current": 1, "stable": 2}
