"""One damaged file costs no more than itself: the rest is listed, promoted, deleted, and aliases are made anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from durable.reading import DamagedFileError
from model_store import DamagedVersionError, ModelStore, NotFoundError, install_starter, publish_and_promote, versions
from model_store.errors import AliasedError
from model_store.faults import Faults
from tests.damage import DAMAGES, overwrite
from tests.disk import no_descriptors
from tests.model_store.stores import afresh


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """Of one machine: what a shared one does with damage, its own tests say."""
    return ModelStore(tmp_path / "models")


@pytest.fixture
def bard(store: ModelStore, checkpoint: Any) -> ModelStore:
    """A model of three versions, the second of them the best one; `stable` stands for the first, `current` too."""
    for loss in (2.0, 1.0, 3.0):
        corpus = {"sha256": "x"}
        store.publish("bard", checkpoint(loss, validation_loss=loss, corpus=corpus, characters={"validation": 5}))
    store.set_alias("bard", "current", 1)
    store.set_alias("bard", "stable", 1)
    return store


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_version_is_named_and_can_be_deleted(bard: ModelStore, damage: str) -> None:
    faults = Faults(bard)
    assert faults.of("bard") == []
    DAMAGES[damage](bard.root / "bard" / "2.safetensors")
    found = faults.of("bard")
    assert [each.split(":")[0] for each in found] == ["version 2"]
    assert str(bard.root) not in found[0]
    assert bard.versions("bard") == [1, 2, 3]
    assert bard.models() == ["bard"]
    for use in (bard.load, bard.describe):
        with pytest.raises(DamagedVersionError, match="version 2 of bard cannot be used"):
            use("bard", 2)
    with pytest.raises(DamagedVersionError):
        bard.set_alias("bard", "current", 2)
    bard.set_alias("bard", "current", 3)
    assert bard.rollback("bard") == 1
    bard.delete("bard", 2)
    assert (bard.versions("bard"), faults.of("bard")) == ([1, 3], [])
    with pytest.raises(NotFoundError):
        bard.describe("bard", 2)


def test_weights_that_are_not_what_was_published_are_found_once_they_are_read(bard: ModelStore) -> None:
    faults = Faults(bard)
    assert (list(faults.verify("bard")), list(faults.verify("bard"))) == ([1, 2, 3], [])
    assert faults.of("bard") == []
    path = bard.root / "bard" / "2.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    overwrite(path, bytes(data))
    assert list(faults.verify("bard")) == [2]
    assert faults.of("bard") == ["version 2: its content does not match its digest"]
    for use in (bard.load, lambda name, version: bard.set_alias(name, "current", version)):
        with pytest.raises(DamagedVersionError, match="digest"):
            use("bard", 2)
    bard.delete("bard", 2)
    assert faults.of("bard") == []


def test_a_version_that_an_alias_stands_for_is_no_exception(bard: ModelStore, checkpoint: Any) -> None:
    with pytest.raises(AliasedError):
        bard.delete("bard", 1)
    bard.set_alias("bard", "stable", 2)
    overwrite(bard.root / "bard" / "2.safetensors", b"")
    overwrite(bard.root / "bard" / "1.safetensors", b"")
    bard.set_alias("bard", "other", 3)
    bard.delete("bard", 2)
    bard.delete("bard", 1)
    assert bard.aliases("bard") == {"other": 3}, "nothing that is sound was there before"
    bard.set_alias("bard", "other", bard.publish("bard", checkpoint(5)))
    overwrite(bard.root / "bard" / "4.safetensors", b"")
    bard.delete("bard", 4)
    assert bard.aliases("bard") == {"other": 3}
    assert "damaged" in bard.history("bard", "other")[-1].reason
    better = checkpoint(0.5, validation_loss=0.5)
    assert publish_and_promote(bard, "bard", better).promoted
    assert bard.find("bard", better.digest) == 5


def test_a_version_whose_weights_are_damaged_can_be_deleted_whatever_points_to_it(bard: ModelStore) -> None:
    bard.set_alias("bard", "current", 3)
    bard.set_alias("bard", "current", 2)
    bard.set_alias("bard", "only", 3)
    for version in (2, 3):
        path = bard.root / "bard" / f"{version}.safetensors"
        overwrite(path, path.read_bytes()[:-1] + b"\xff")
        assert bard.describe("bard", version), "its header is whole"
    with pytest.raises(AliasedError):
        bard.delete("bard", 1)
    bard.delete("bard", 2)
    assert bard.aliases("bard") == {"current": 1, "only": 3, "stable": 1}, "version 3 is damaged, too"
    assert "damaged" in bard.history("bard")[-1].reason
    bard.delete("bard", 3)
    assert bard.aliases("bard") == {"current": 1, "stable": 1}


def test_a_version_that_vanished_is_missed(bard: ModelStore) -> None:
    (bard.root / "bard" / "1.safetensors").unlink()
    said = "points to version 1, which does not exist"
    assert Faults(bard).of("bard") == [f"current {said}", f"stable {said}"]


@pytest.mark.parametrize("damage", [*DAMAGES, "empty_object"])
def test_aliases_are_rebuilt_from_the_versions(bard: ModelStore, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    path = bard.root / "bard" / "aliases.json"
    DAMAGES.get(damage, lambda path: path.write_text("{}"))(path)
    overwrite(bard.root / "bard" / "1.safetensors", b"x")
    store = afresh(bard)
    assert store.resolve("bard") == 2, "the best one that can be read"
    assert store.aliases("bard") == {"current": 2}
    (change,) = store.history("bard")
    assert (change.rebuilt, change.reason.startswith("aliases.json ")) == (True, True)
    assert "is lost" in change.reason
    assert "rebuilt" in caplog.text
    assert len(list(path.parent.glob(".damaged-aliases.json-*"))) == 1, "what is left of it is kept"
    assert any("aliases.json" in each for each in Faults(store).of("bard"))
    assert afresh(store).aliases("bard") == {"current": 2}, "mended once, for all"
    store.set_alias("bard", "current", 2, "confirmed")
    assert [change.rebuilt for change in store.history("bard")] == [True, False]
    assert not any("aliases.json" in each for each in Faults(store).of("bard"))


def test_aliases_are_not_rebuilt_for_a_lack_of_descriptors(bard: ModelStore) -> None:
    file = bard.root / "bard" / "aliases.json"
    before = file.read_bytes()
    for store in (bard, afresh(bard)):
        os.utime(file)  # so that it is read again
        with no_descriptors(), pytest.raises(OSError, match="Too many open files"):
            store.resolve("bard", "current")
        assert store.resolve("bard", "current") == 1
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.glob("*damaged*")] == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_process_that_has_read_the_aliases_restores_them(bard: ModelStore, damage: str) -> None:
    bard.set_alias("bard", "gone", 3)
    bard.delete_alias("bard", "gone")
    bard.aliases("bard")
    before = bard.history("bard", "stable")
    DAMAGES[damage](bard.root / "bard" / "aliases.json")
    bard.set_alias("bard", "new", 3)
    assert afresh(bard).aliases("bard") == {"current": 1, "stable": 1, "new": 3}
    *rest, last = afresh(bard).history("bard", "stable")
    assert (tuple(rest), last.rebuilt, last.version) == (before, True, 1)


def test_aliases_that_vanish_are_restored_by_a_process_that_has_read_them(bard: ModelStore) -> None:
    bard.aliases("bard")
    (bard.root / "bard" / "aliases.json").unlink()
    assert bard.resolve("bard") == 1
    assert afresh(bard).aliases("bard") == {"current": 1, "stable": 1}
    assert "aliases.json has vanished" in afresh(bard).history("bard")[-1].reason


@pytest.mark.parametrize("with_its_folder", [True, False])
def test_a_model_that_was_taken_away_is_not_restored(bard: ModelStore, checkpoint: Any, with_its_folder: bool) -> None:
    bard.aliases("bard")
    for path in (bard.root / "bard").iterdir():
        path.unlink()
    if with_its_folder:
        (bard.root / "bard").rmdir()
    for ask in (bard.resolve, bard.aliases, bard.history):
        with pytest.raises(NotFoundError):
            ask("bard")
    assert not (bard.root / "bard" / "aliases.json").exists()
    assert bard.publish("bard", checkpoint(1.0)) == 1
    assert bard.aliases("bard") == {}


def test_without_a_sound_version_there_is_nothing_to_rebuild_from(bard: ModelStore) -> None:
    for path in bard.root.glob("bard/*s*"):
        overwrite(path, b"")
    assert afresh(bard).aliases("bard") == {}
    assert len(Faults(afresh(bard)).of("bard")) == 3


def test_what_cannot_be_written_is_known_all_the_same(bard: ModelStore) -> None:
    (bard.root / "bard" / "aliases.json").write_bytes(b"")
    (bard.root / "bard" / ".lock").unlink()
    (bard.root / "bard" / ".lock").symlink_to(".lock")  # as on a disk that takes no file
    store = afresh(bard)
    assert store.aliases("bard") == {"current": 2}
    assert store.resolve("bard") == 2


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_service_starts_with_damaged_aliases(
    store: ModelStore, checkpoint: Any, tmp_path: Path, damage: str
) -> None:
    starter = tmp_path / "starter.safetensors"
    starter.write_bytes(checkpoint(1).to_bytes())
    assert install_starter(store, "bard", starter) == 1
    DAMAGES[damage](store.root / "bard" / "aliases.json")
    assert install_starter(afresh(store), "bard", starter) is None
    assert afresh(store).resolve("bard") == 1


@pytest.mark.parametrize("damage", [each for each in DAMAGES if each not in ("wrong_fields",)])
def test_a_damaged_sidecar_costs_the_version_nothing(bard: ModelStore, damage: str) -> None:
    bard.keep("bard", 2, "cells", {"a": 1})
    faults = Faults(bard)
    path = bard.root / "bard" / "2.cells.json"
    DAMAGES[damage](path)
    assert bard.kept("bard", 2, "cells") is None
    assert bard.load("bard", 2).record.validation_loss == 1.0
    assert faults.of_version("bard", 2).startswith("2.cells.json ")
    bard.keep("bard", 2, "cells", {"a": 2})
    assert (bard.kept("bard", 2, "cells"), faults.of("bard")) == ({"a": 2}, [])
    DAMAGES[damage](path)
    bard.delete("bard", 2)
    assert not list(bard.root.glob("bard/2.c*"))


@pytest.mark.parametrize("stray", ["notes.txt", "2.safetensors.bak", "07.safetensors", "x.safetensors", ".DS_Store"])
def test_a_strange_file_is_passed_over(bard: ModelStore, stray: str) -> None:
    (bard.root / "bard" / stray).write_bytes(b"x")
    (bard.root / stray).write_bytes(b"x")
    (bard.root / "a folder").mkdir()
    assert (bard.models(), bard.versions("bard"), Faults(bard).of("bard")) == (["bard"], [1, 2, 3], [])


@pytest.mark.parametrize("name", [".lock", ".draft-0123456789abcdef"])
def test_a_folder_in_the_place_of_a_passing_file(bard: ModelStore, checkpoint: Any, name: str) -> None:
    (bard.root / "bard" / name).unlink(missing_ok=True)
    (bard.root / "bard" / name).mkdir()
    assert bard.publish("bard", checkpoint(4)) == 4


def test_a_file_in_the_place_of_a_models_folder_is_no_model(bard: ModelStore) -> None:
    assert bard.history("bard")
    bard.root.joinpath("bard").rename(bard.root / "elsewhere")
    bard.root.joinpath("bard").write_bytes(b"[1]")
    for ask in (bard.history, bard.aliases, bard.versions, bard.resolve):
        with pytest.raises(NotFoundError):
            ask("bard")


def test_a_link_in_the_place_of_a_models_folder_is_named_and_not_followed(bard: ModelStore, checkpoint: Any) -> None:
    (bard.root / "bard").rename(bard.root.with_name("elsewhere"))
    (bard.root / "bard").symlink_to(bard.root.with_name("elsewhere"))
    store = afresh(bard)
    assert (store.models(), Faults(store).strays([]), Faults(store).of_stray("bard")) == (
        [],
        ["bard"],
        [versions.NO_FOLDER],
    )
    for use in (store.versions, store.aliases, lambda name: store.load(name, 1)):
        with pytest.raises(NotFoundError):
            use("bard")
    with pytest.raises(DamagedFileError, match="model bard: a link"):
        store.publish("bard", checkpoint(1))
    assert len(list(bard.root.with_name("elsewhere").glob("*.safetensors"))) == 3


LOST = "current points to version 1, which does not exist"


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (["aliases.json"], [LOST, "stable points to version 1, which does not exist"]),
        (
            ["1.cells.json", "2.texts.bin"],
            ["1.cells.json is there, but no version", "2.texts.bin is there, but no version"],
        ),
        ([".lock", ".draft-1"], []),
        ([], []),
    ],
)
def test_a_folder_whose_versions_have_vanished_is_named(
    bard: ModelStore, checkpoint: Any, left: list[str], said: list[str]
) -> None:
    folder, faults = bard.root / "bard", Faults(bard)
    assert (faults.strays(bard.models()), faults.of_stray("bard")) == ([], [])
    for path in list(folder.iterdir()):
        if path.name not in left:
            path.unlink()
    for name in left:
        (folder / name).touch()
    assert (faults.strays(bard.models()), faults.of_stray("bard")) == (["bard"], said)
    bard.publish("bard", checkpoint(1))
    assert (faults.strays(bard.models()), faults.of_stray("bard")) == ([], [])


def test_a_model_whose_versions_were_all_deleted_is_not_damaged(bard: ModelStore) -> None:
    faults = Faults(bard)
    for version in bard.versions("bard"):
        overwrite(bard.root / "bard" / f"{version}.safetensors", b"")
        bard.delete("bard", version)
    assert (faults.strays(bard.models()), faults.of_stray("bard")) == (["bard"], [])
    assert faults.of_stray("nobody") == []


def test_damaged_aliases_without_versions_are_set_aside(bard: ModelStore) -> None:
    (bard.root / "bard" / "aliases.json").write_text("not JSON")
    for path in (bard.root / "bard").glob("*.safetensors"):
        path.unlink()
    assert Faults(afresh(bard)).of_stray("bard") == []
    assert list((bard.root / "bard").glob(".damaged-aliases.json-*")), "what is left of it is kept"
