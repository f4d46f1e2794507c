"""Two machines with mirrors of their own, and one store."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from charrnn.checkpoint import Checkpoint
from durable.directory_objects import DirectoryObjects
from durable.objects import Objects
from model_store import NotFoundError, install_starter, publish_and_promote
from model_store.faults import Faults
from model_store.shared import SharedModelStore

Make = Callable[..., Checkpoint]


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjects:
    return DirectoryObjects(tmp_path / "objects")


@pytest.fixture
def here(tmp_path: Path, objects: Objects) -> SharedModelStore:
    return SharedModelStore(tmp_path / "here" / "models", objects)


@pytest.fixture
def there(tmp_path: Path, objects: Objects) -> SharedModelStore:
    return SharedModelStore(tmp_path / "there" / "models", objects)


def test_what_one_machine_publishes_another_lists_and_describes_without_its_weights(
    here: SharedModelStore, there: SharedModelStore, checkpoint: Make
) -> None:
    here.publish("bard", checkpoint(1, validation_loss=1.5))
    here.keep("bard", 1, "cells", {"a": 1})
    here.keep_bytes("bard", 1, "numbers", b"123")
    assert there.models() == []
    assert (there.refresh(), there.refresh()) == (True, False)
    assert (there.models(), there.versions("bard"), there.resolve("bard", "1")) == (["bard"], [1], 1)
    assert there.describe("bard", 1) == here.describe("bard", 1)
    assert there.places() == here.places()
    assert (there.kept("bard", 1, "cells"), there.bytes_path("bard", 1, "numbers").read_bytes()) == ({"a": 1}, b"123")
    assert (here.is_here("bard", 1), there.is_here("bard", 1)) == (True, False)
    assert (Faults(there).of("bard"), list(Faults(there).verify("bard"))) == ([], [])
    assert there.load("bard", 1).digest == here.load("bard", 1).digest
    assert there.is_here("bard", 1)
    assert there.path("bard", 1).read_bytes() == here.path("bard", 1).read_bytes()
    assert there.path("bard", 1).stat().st_mode & 0o777 == 0o444
    assert there.describe("bard", 1) == here.describe("bard", 1)
    assert {each.key for each in here.objects.list("")} == {
        f"models/bard/1.{rest}" for rest in ("cells.json", "numbers.bin", "published.json", "safetensors")
    }


def test_the_weights_are_there_before_the_alias_is_seen(
    here: SharedModelStore, there: SharedModelStore, checkpoint: Make
) -> None:
    publish_and_promote(here, "bard", checkpoint(1))
    there.refresh()
    assert (there.resolve("bard"), there.is_here("bard", 1)) == (1, True)
    here.publish("bard", checkpoint(2))
    there.refresh()
    assert not there.is_here("bard", 2)
    there.set_alias("bard", "current", 2)
    assert there.is_here("bard", 2)
    assert here.resolve("bard") == 1
    here.refresh()
    assert here.resolve("bard") == 2
    assert here.history("bard") == there.history("bard")


def test_what_was_deleted_on_one_machine_is_gone_on_the_other(
    here: SharedModelStore, there: SharedModelStore, checkpoint: Make
) -> None:
    for value in (1, 2):
        here.keep("bard", here.publish("bard", checkpoint(value)), "cells", {"a": value})
    there.refresh()
    here.delete("bard", 2)
    assert there.versions("bard") == [1, 2]
    with pytest.raises(NotFoundError):
        there.set_alias("bard", "current", 2)
    there.refresh()
    assert (there.versions("bard"), there.aliases("bard")) == ([1], {})
    assert not list((there.root / "bard").glob("2.cells*"))
    assert there.publish("bard", checkpoint(3)) == 3
    assert there.places() == here.places()


def test_the_first_one_is_published_by_one_of_two(
    here: SharedModelStore, there: SharedModelStore, checkpoint: Make, tmp_path: Path
) -> None:
    path = tmp_path / "starter.safetensors"
    path.write_bytes(checkpoint(1).to_bytes())
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda store: install_starter(store, "bard", path), (here, there)))
    assert sorted(said, key=str) == [1, None]
    for store in (here, there):
        store.refresh()
        assert (store.versions("bard"), store.resolve("bard"), len(store.history("bard"))) == ([1], 1, 1)
