"""What is damaged in a machine's mirror is fetched again; what is damaged in the store is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn.checkpoint import Checkpoint
from durable.directory_objects import DirectoryObjects
from model_store import DamagedVersionError, ModelStore, NotFoundError, publish_and_promote
from model_store.faults import Faults
from model_store.mirror import ModelMirror
from model_store.shared import SharedModelStore
from tests.damage import DAMAGES, overwrite
from tests.model_store.process import made

Make = Callable[..., Checkpoint]


def flip(path: Path) -> None:
    data = path.read_bytes()
    overwrite(path, data[:-1] + bytes([data[-1] ^ 1]))


def cut(path: Path) -> None:
    overwrite(path, path.read_bytes()[: path.stat().st_size - 20])


HARMS: dict[str, Callable[[Path], None]] = {"flipped": flip, "cut": cut, "emptied": DAMAGES["emptied"]}


@pytest.mark.parametrize("harm", HARMS)
def test_damage_here_is_mended_from_the_store(here: SharedModelStore, checkpoint: Make, harm: str) -> None:
    publish_and_promote(here, "bard", checkpoint(1))
    HARMS[harm](here.root / "bard" / "1.safetensors")
    assert here.load("bard", 1).digest == checkpoint(1).digest
    assert here.path("bard", 1).read_bytes() == checkpoint(1).to_bytes()
    assert Faults(here).of("bard") == []


@pytest.mark.parametrize("harm", HARMS)
def test_a_version_that_is_damaged_in_the_store_is_named(
    here: SharedModelStore, there: SharedModelStore, objects: DirectoryObjects, checkpoint: Make, harm: str
) -> None:
    for value in (1, 2):
        publish_and_promote(here, "bard", checkpoint(value), "always")
    HARMS[harm](objects.root / "models" / "bard" / "2.safetensors")
    for store in (here, there):
        store.refresh()
        faults = Faults(store)
        list(faults.verify("bard"))
        assert [each.split(":")[0] for each in faults.of("bard")] == ["version 2"]
        for _ in range(2):
            with pytest.raises(DamagedVersionError, match="version 2 of bard"):
                store.load("bard", 2)
        with pytest.raises(DamagedVersionError):
            store.set_alias("bard", "stable", 2)
        assert (store.versions("bard"), store.load("bard", 1).digest) == ([1, 2], checkpoint(1).digest)
    kept = list((here.root / "bard").glob(".damaged-2.safetensors-*"))
    assert [path.read_bytes() for path in kept] == [checkpoint(2).to_bytes()], "the last good copy is not lost"
    there.delete("bard", 2)
    for store in (here, there):
        store.refresh()
        assert (store.aliases("bard"), store.versions("bard"), Faults(store).of("bard")) == ({"current": 1}, [1], [])


def test_a_version_that_is_damaged_before_it_is_fetched(
    here: SharedModelStore, there: SharedModelStore, objects: DirectoryObjects, checkpoint: Make
) -> None:
    here.publish("bard", checkpoint(1))
    there.refresh()
    flip(objects.root / "models" / "bard" / "1.safetensors")
    with pytest.raises(DamagedVersionError, match="digest"):
        there.load("bard", 1)
    overwrite(objects.root / "models" / "bard" / "1.safetensors", checkpoint(1).to_bytes())
    there.refresh()
    assert there.load("bard", 1).digest == checkpoint(1).digest, "it was repaired in the store"


def test_a_version_whose_object_has_vanished_is_damaged_until_that_is_noticed(
    here: SharedModelStore, there: SharedModelStore, objects: DirectoryObjects, checkpoint: Make
) -> None:
    here.publish("bard", checkpoint(1))
    here.publish("bard", checkpoint(2))
    there.refresh()
    objects.delete("models/bard/1.safetensors")
    with pytest.raises(NotFoundError):
        there.load("bard", 1)
    assert there.versions("bard") == [2]
    objects.delete("models/bard/2.safetensors")
    for store in (here, there):
        store.refresh()
        with pytest.raises(NotFoundError):
            store.versions("bard")


@pytest.mark.parametrize("name", ["bard/.etags.json", "bard/1.cells.json"])
@pytest.mark.parametrize("damage", ["emptied", "not_json", "a_folder", "dangling"])
def test_small_files_that_are_damaged_here_are_taken_again(
    here: SharedModelStore, checkpoint: Make, name: str, damage: str
) -> None:
    here.publish("bard", checkpoint(1))
    here.keep("bard", 1, "cells", {"a": 1})
    DAMAGES[damage](here.root / name)
    (here.root / "bard" / ".etags.json").unlink() if "cells" in name else None
    again = SharedModelStore(here.root, here.objects)
    again.refresh()
    assert again.kept("bard", 1, "cells") == {"a": 1}
    assert again.is_here("bard", 1)
    assert not SharedModelStore(here.root, here.objects).refresh()


def test_a_folder_that_was_emptied_is_filled_again(here: SharedModelStore, checkpoint: Make) -> None:
    publish_and_promote(here, "bard", checkpoint(1))
    here.keep("bard", 1, "cells", {"a": 1})
    for path in (here.root / "bard").iterdir():
        if not path.name.startswith("."):
            path.unlink()
    again = SharedModelStore(here.root, here.objects)
    again.refresh()
    assert (again.resolve("bard"), again.kept("bard", 1, "cells")) == (1, {"a": 1})
    assert again.load("bard", 1).digest == checkpoint(1).digest


def test_a_placeholder_takes_no_space_for_its_weights(here: SharedModelStore, there: SharedModelStore) -> None:
    here.publish("large", made(1, 600))
    there.refresh()
    path = there.root / "large" / "1.safetensors"
    assert path.stat().st_size == here.describe("large", 1).bytes > 1 << 20
    assert path.stat().st_blocks * 512 < 100_000


def test_a_store_that_was_damaged_is_listed_like_a_local_one(here: SharedModelStore) -> None:
    folder = here.objects
    assert isinstance(folder, DirectoryObjects)
    for name, data in (("1.safetensors", b"x"), ("aliases.json", b"{"), ("2.cells.json", b"")):
        folder.put(f"models/bard/{name}", data)
    here.refresh()
    local = ModelStore(folder.root / "models")
    for store in (here, local):
        assert (store.models(), store.versions("bard"), store.aliases("bard")) == (["bard"], [1], {})
        assert any("version 1: not a checkpoint" in each for each in Faults(store).of("bard"))
        with pytest.raises(DamagedVersionError):
            store.describe("bard", 1)


def test_a_version_that_was_published_here_while_the_mirror_was_brought_up_to_date_is_left(
    here: SharedModelStore, checkpoint: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Another process has listed the store in between: it has the version, and the mirror had not."""
    here.publish("bard", checkpoint(1))
    mirror = ModelMirror(here.root / "bard", here.objects)
    assert not mirror.take_version(1, here.objects.look("models/bard/1.safetensors"))
    assert (here.is_here("bard", 1), caplog.records) == (True, [])
