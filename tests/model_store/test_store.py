import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.record import TrainingRecord
from durable import locks
from model_store import (
    AliasedError,
    CurrentAliasError,
    DamagedVersionError,
    InvalidNameError,
    ModelStore,
    NoEarlierVersionError,
    NotFoundError,
)
from model_store.versions import LOCK
from tests.damage import overwrite
from tests.disk import largest_file
from tests.model_store.stores import afresh, kept, names, notice

Make = Callable[..., Checkpoint]


def test_a_published_version_is_loaded_as_it_was(store: ModelStore, checkpoint: Make) -> None:
    original = checkpoint(1, validation_loss=1.5)
    assert store.publish("bard", original) == 1
    loaded = store.load("bard", 1)
    assert loaded.digest == original.digest
    assert loaded.record == TrainingRecord({"validation_loss": 1.5})


def test_numbers_start_at_one_and_are_per_model(store: ModelStore, checkpoint: Make) -> None:
    assert [store.publish("bard", checkpoint(i)) for i in range(3)] == [1, 2, 3]
    assert store.publish("other", checkpoint(0)) == 1
    assert store.versions("bard") == [1, 2, 3]
    assert store.models() == ["bard", "other"]


def test_a_number_is_never_given_again(store: ModelStore, checkpoint: Make) -> None:
    for i in range(3):
        store.publish("bard", checkpoint(i))
    store.delete("bard", 3)
    assert store.versions("bard") == [1, 2]
    assert store.publish("bard", checkpoint(9)) == 4
    store.delete("bard", 4)
    store.delete("bard", 2)
    assert afresh(store).publish("bard", checkpoint(9)) == 5
    assert store.versions("bard") == [1, 5]


def test_a_model_without_versions_is_not_listed_and_keeps_its_numbers(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    store.delete("bard", 1)
    assert store.models() == []
    assert store.versions("bard") == []
    assert store.has("bard")
    assert store.publish("bard", checkpoint(1)) == 2


def test_a_version_is_read_only_and_alone(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    path = store.path("bard", 1)
    assert path == store.root / "bard" / "1.safetensors"
    assert path.stat().st_mode & 0o777 == 0o444
    assert path.stat().st_nlink == 1
    assert names(path.parent) == {"1.safetensors", ".lock"}


def test_a_version_describes_itself(store: ModelStore, checkpoint: Make) -> None:
    original = checkpoint(1, validation_loss=1.5)
    store.publish("bard", original)
    entry = store.describe("bard", 1)
    assert (entry.name, entry.version, entry.digest) == ("bard", 1, original.digest)
    assert entry.bytes == len(original.to_bytes())
    assert entry.published.endswith("Z")
    assert entry.config == original.config
    assert entry.record == TrainingRecord({"validation_loss": 1.5})


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a" * 300, "a\n", "a@b"])
def test_a_name_that_could_leave_is_refused_everywhere(store: ModelStore, checkpoint: Make, name: str) -> None:
    for call in (
        lambda: store.publish(name, checkpoint(1)),
        lambda: store.load(name, 1),
        lambda: store.describe(name, 1),
        lambda: store.path(name, 1),
        lambda: store.versions(name),
        lambda: store.aliases(name),
        lambda: store.history(name),
        lambda: store.set_alias(name, "current", 1),
        lambda: store.rollback(name),
        lambda: store.delete(name, 1),
        lambda: store.resolve(name),
        lambda: store.resolve(name, "1"),
    ):
        with pytest.raises(InvalidNameError):
            call()
    assert not store.root.exists()


def test_what_is_not_there_is_named_by_its_kind(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    for call, kind in (
        (lambda: store.load("none", 1), "model"),
        (lambda: store.versions("none"), "model"),
        (lambda: store.aliases("none"), "model"),
        (lambda: store.resolve("none"), "model"),
        (lambda: store.resolve("none", "1"), "model"),
        (lambda: store.resolve("none", "stable"), "model"),
        (lambda: store.delete("none", 1), "model"),
        (lambda: store.rollback("none"), "model"),
        (lambda: store.set_alias("none", "current", 1), "model"),
        (lambda: store.load("bard", 2), "version"),
        (lambda: store.describe("bard", 2), "version"),
        (lambda: store.resolve("bard", "2"), "version"),
        (lambda: store.resolve("bard", "0"), "version"),
        (lambda: store.resolve("bard", "01"), "version"),
        (lambda: store.resolve("bard", "9" * 64), "version"),
        (lambda: store.delete("bard", 2), "version"),
        (lambda: store.set_alias("bard", "current", 2), "version"),
        (lambda: store.resolve("bard"), "alias"),
        (lambda: store.resolve("bard", "stable"), "alias"),
        (lambda: store.history("bard", "stable"), "alias"),
        (lambda: store.rollback("bard"), "alias"),
    ):
        with pytest.raises(NotFoundError) as caught:
            call()
        assert caught.value.kind == kind, str(caught.value)
    assert store.models() == ["bard"]


def test_a_question_about_an_unknown_model_creates_nothing(store: ModelStore) -> None:
    with pytest.raises(NotFoundError):
        store.rollback("none")
    assert store.models() == []
    assert not store.root.exists()


def test_an_alias_stands_for_a_version_in_every_store(store: ModelStore, checkpoint: Make) -> None:
    other = afresh(store)
    for i in range(3):
        store.publish("bard", checkpoint(i))
    for version in (1, 3, 2, 1, 2):
        store.set_alias("bard", "current", version)
        assert other.resolve("bard") == other.resolve("bard", "current") == version
    store.set_alias("bard", "stable", 3, reason="reads well")
    assert other.aliases("bard") == {"current": 2, "stable": 3}
    assert other.resolve("bard", "stable") == 3
    assert other.resolve("bard", "1") == 1
    assert [change.version for change in other.history("bard")] == [1, 3, 2, 1, 2]
    assert other.history("bard", "stable")[0].reason == "reads well"


def test_changes_within_one_tick_of_the_clock_are_all_seen(store: ModelStore, checkpoint: Make) -> None:
    """Inodes and times of change repeat when files are replaced quickly; a reader must not be misled."""
    other = afresh(store)
    store.publish("bard", checkpoint(1))
    store.publish("bard", checkpoint(2))
    for i in range(60):
        store.set_alias("bard", "current", 1 + i % 2)
        os.utime(store.root / "bard" / "aliases.json", ns=(0, 0))
        assert other.resolve("bard") == 1 + i % 2


def test_an_alias_that_is_deleted_within_a_tick_is_gone_for_everyone(store: ModelStore, checkpoint: Make) -> None:
    other = afresh(store)
    store.publish("bard", checkpoint(1))
    for turn in range(20):
        if turn % 2:
            store.delete_alias("bard", "a")
        else:
            store.set_alias("bard", "a", 1)
        os.utime(store.root / "bard" / "aliases.json", ns=(0, 0))
        assert other.aliases("bard") == ({} if turn % 2 else {"a": 1})


def test_a_deleted_alias_stands_for_nothing_and_keeps_its_history(store: ModelStore, checkpoint: Make) -> None:
    for i in range(3):
        store.publish("bard", checkpoint(i))
        store.set_alias("bard", "stable", i + 1)
    store.delete_alias("bard", "stable", reason="not needed")
    for ask in (
        lambda: store.resolve("bard", "stable"),
        lambda: store.history("bard", "stable"),
        lambda: store.rollback("bard", "stable"),
        lambda: store.delete_alias("bard", "stable"),
    ):
        with pytest.raises(NotFoundError, match="no alias stable"):
            ask()
    store.delete("bard", 3)
    store.set_alias("bard", "stable", 1)
    changes = store.history("bard", "stable")
    assert [(change.version, change.deleted) for change in changes] == [
        *((version, False) for version in (1, 2, 3)),
        (3, True),
        (1, False),
    ]
    assert changes[3].reason == "not needed"
    assert store.rollback("bard", "stable") == 2, "what it stood for before, and still exists"


def test_current_cannot_be_deleted(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    with pytest.raises(NotFoundError):
        store.delete_alias("bard", "current")
    store.set_alias("bard", "current", 1)
    with pytest.raises(CurrentAliasError, match="bard"):
        store.delete_alias("bard", "current")
    assert store.resolve("bard") == 1


def test_an_unchanged_alias_gets_no_line_in_the_history(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    store.set_alias("bard", "current", 1)
    store.set_alias("bard", "current", 1)
    assert len(store.history("bard")) == 1


@pytest.mark.parametrize("alias", ["3", "", "../x", "a/b", "a\n"])
def test_an_alias_that_is_no_name_is_refused(store: ModelStore, checkpoint: Make, alias: str) -> None:
    store.publish("bard", checkpoint(1))
    with pytest.raises(InvalidNameError):
        store.set_alias("bard", alias, 1)


def test_rolling_back_goes_one_step_back_each_time(store: ModelStore, checkpoint: Make) -> None:
    for i in range(4):
        store.publish("bard", checkpoint(i))
        store.set_alias("bard", "current", i + 1)
    assert store.rollback("bard") == 3
    assert store.rollback("bard", reason="worse") == 2
    store.set_alias("bard", "current", 4)
    assert store.rollback("bard") == 2
    assert store.rollback("bard") == 1
    with pytest.raises(NoEarlierVersionError, match="bard@current"):
        store.rollback("bard")
    assert [c.version for c in store.history("bard") if c.rolled_back] == [3, 2, 2, 1]


def test_rolling_back_passes_over_deleted_versions(store: ModelStore, checkpoint: Make) -> None:
    for i in range(3):
        store.publish("bard", checkpoint(i))
        store.set_alias("bard", "current", i + 1)
    store.delete("bard", 2)
    assert store.rollback("bard") == 1


def test_a_version_with_an_alias_stays(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    store.publish("bard", checkpoint(2))
    store.set_alias("bard", "current", 1)
    store.set_alias("bard", "stable", 1)
    with pytest.raises(AliasedError, match="current, stable") as caught:
        store.delete("bard", 1)
    assert caught.value.aliases == ("current", "stable")
    store.set_alias("bard", "current", 2)
    store.set_alias("bard", "stable", 2)
    store.delete("bard", 1)
    assert store.versions("bard") == [2]


def test_a_reader_keeps_a_version_deleted_under_it(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    with store.path("bard", 1).open("rb") as file:
        store.delete("bard", 1)
        assert file.read() == checkpoint(1).to_bytes()


def test_a_deletion_that_died_halfway_is_completed(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    path = store.path("bard", 1)
    path.rename(path.with_name("1.deleted"))
    assert store.versions("bard") == []
    assert store.publish("bard", checkpoint(2)) == 2
    assert path.with_name("1.deleted").stat().st_size == 0


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_a_damaged_version_is_refused(store: ModelStore, checkpoint: Make, cut: int) -> None:
    store.publish("bard", checkpoint(1))
    path = kept(store, store.path("bard", 1))
    overwrite(path, path.read_bytes()[:cut])
    notice(store)
    with pytest.raises(DamagedVersionError, match="version 1 of bard"):
        store.load("bard", 1)


def test_a_changed_weight_is_refused(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    path = kept(store, store.path("bard", 1))
    overwrite(path, path.read_bytes()[:-1] + b"\x40")
    notice(store)
    with pytest.raises(DamagedVersionError, match="digest"):
        store.load("bard", 1)


def test_the_draft_of_a_dead_publisher_is_removed_by_the_next(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    dead = store.root / "bard" / ".draft-dead"
    dead.write_bytes(checkpoint(2).to_bytes()[:50])
    assert store.versions("bard") == [1]
    assert store.publish("bard", checkpoint(2)) == 2
    assert not dead.exists()


def test_a_full_disk_leaves_nothing_behind(store: ModelStore, checkpoint: Make) -> None:
    with largest_file(100), pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        store.publish("bard", checkpoint(1))
    assert list(store.root.iterdir()) == []
    store.publish("bard", checkpoint(1))
    with largest_file(100), pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        store.publish("bard", checkpoint(2))
    assert names(store.root / "bard") == {"1.safetensors", ".lock"}
    assert store.publish("bard", checkpoint(2)) == 2


def test_a_full_disk_keeps_the_aliases(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    store.publish("bard", checkpoint(2))
    store.set_alias("bard", "current", 1)
    with largest_file(20), pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        store.set_alias("bard", "current", 2)
    assert store.resolve("bard") == 1
    assert afresh(store).resolve("bard") == 1


def test_a_version_is_found_by_its_digest(store: ModelStore, checkpoint: Make) -> None:
    for value in (1, 2, 1):
        store.publish("bard", checkpoint(value))
    digest = checkpoint(1).digest
    assert store.find("bard", digest) == 1
    assert store.find("bard", digest, after=1) == 3
    assert store.find("bard", digest, after=3) is None
    assert store.find("none", digest) is None


def test_strange_files_in_the_store_are_no_versions(store: ModelStore, checkpoint: Make) -> None:
    store.publish("bard", checkpoint(1))
    for name in ("02.safetensors", "x.safetensors", "3.safetensors~", "notes.txt"):
        (store.root / "bard" / name).write_bytes(b"?")
    (store.root / "not a model").mkdir()
    Path(store.root / "file").write_bytes(b"?")
    assert store.versions("bard") == [1]
    assert store.models() == ["bard"]


def test_a_change_waits_for_another_one_as_long_as_it_may_and_then_changes_nothing(
    tmp_path: Path, checkpoint: Make
) -> None:
    store = ModelStore(tmp_path)
    version = store.publish("plays", checkpoint(1))
    store.patience = 0.05
    changes: list[Callable[[], object]] = [
        lambda: store.publish("plays", checkpoint(1)),
        lambda: store.set_alias("plays", "current", version),
        lambda: store.delete("plays", version),
    ]
    with locks.locked(tmp_path / "plays" / LOCK):
        for change in changes:
            with pytest.raises(locks.HeldError):
                change()
    assert (store.versions("plays"), store.aliases("plays")) == ([version], {})
    changes[1]()
    assert store.aliases("plays") == {"current": version}
