"""Two machines with mirrors of their own, and one store."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from charrnn.checkpoint import Checkpoint
from durable.objects import Objects, StoreUnavailableError
from model_store import AliasedError, ModelStore, NotFoundError, install_starter, publish_and_promote
from model_store.faults import Faults
from model_store.shared import SharedModelStore
from tests.model_store.interrupted_objects import InterruptedObjects, away
from tests.model_store.stores import afresh

Make = Callable[..., Checkpoint]

IN_BOTH = pytest.mark.parametrize("objects", ["directory", "s3"], indirect=True)
"""Also on a real server."""


@IN_BOTH
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
    here.refresh()
    assert here.is_here("bard", 1), "what was published here is not fetched"
    assert {each.key for each in here.objects.list("")} == {
        f"models/bard/1.{rest}" for rest in ("cells.json", "numbers.bin", "published.json", "safetensors")
    }


@IN_BOTH
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


@IN_BOTH
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


@IN_BOTH
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


@IN_BOTH
def test_ten_writers_on_two_machines_lose_no_change_of_an_alias(
    here: SharedModelStore, there: SharedModelStore, checkpoint: Make
) -> None:
    for value in (1, 2):
        here.publish("bard", checkpoint(value))

    def change(writer: int) -> None:
        store = afresh(here if writer % 2 else there)
        for turn in range(4):
            store.set_alias_if("bard", "current", 1 + (writer + turn) % 2, lambda _: True, f"{writer}.{turn}")
            store.set_alias("bard", f"of-{writer}", 1 + turn % 2, f"{writer}.{turn}")

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(change, range(10)))
    for store in (here, there):
        store.refresh()
        for writer in range(10):
            said = [each.reason for each in store.history("bard", f"of-{writer}")]
            assert said == [f"{writer}.{turn}" for turn in range(4)]
        changes = store.history("bard")
        assert len({each.reason for each in changes}) == len(changes)
        assert all(one.version != next.version for one, next in pairwise(changes)), "each has changed something"
    assert here.history("bard") == there.history("bard")


@IN_BOTH
def test_two_machines_that_publish_to_one_name_leave_no_gap_and_give_no_number_twice(
    here: SharedModelStore, there: SharedModelStore, checkpoint: Make
) -> None:
    each = 8

    def publish(store: SharedModelStore, sign: int) -> dict[int, str]:
        made = (checkpoint(sign * value) for value in range(1, each + 1))
        return {store.publish("bard", one): one.digest for one in made}

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(publish, (here, there), (1, -1))
    published = first | second
    assert sorted(published) == list(range(1, 2 * each + 1))
    assert len(set(published.values())) == 2 * each
    for store in (here, there):
        store.refresh()
        assert store.versions("bard") == sorted(published)
        assert {number: store.load("bard", number).digest for number in published} == published


@IN_BOTH
def test_an_alias_never_stands_for_a_version_that_another_machine_deletes(
    here: SharedModelStore, there: SharedModelStore, checkpoint: Make
) -> None:
    for _ in range(8):
        number = here.publish("bard", checkpoint(1))

        def promote(number: int = number) -> bool:
            with suppress(NotFoundError):
                there.set_alias("bard", f"a-{number}", number)
                return True
            return False

        def delete(number: int = number) -> bool:
            with suppress(AliasedError):
                here.delete("bard", number)
                return True
            return False

        with ThreadPoolExecutor(2) as pool:
            was_promoted, was_deleted = pool.submit(promote), pool.submit(delete)
            assert was_promoted.result() != was_deleted.result()
        for store in (here, there):
            store.refresh()
            assert set(store.aliases("bard").values()) <= set(store.versions("bard"))
            assert (number in store.versions("bard")) == was_promoted.result()


def test_while_the_store_is_away_reading_goes_on_and_writing_says_so(
    here: SharedModelStore, there: SharedModelStore, objects: Objects, checkpoint: Make, tmp_path: Path
) -> None:
    for value in (1, 2):
        there.publish("bard", checkpoint(value))
    there.set_alias("bard", "current", 1)
    here.refresh()
    cut_off = SharedModelStore(here.root, InterruptedObjects(objects, away))
    before = sorted(path.name for path in (here.root / "bard").iterdir())
    assert (cut_off.resolve("bard"), cut_off.versions("bard")) == (1, [1, 2])
    assert cut_off.load("bard", 1).digest == checkpoint(1).digest
    assert cut_off.describe("bard", 2).digest == checkpoint(2).digest
    assert Faults(cut_off).of("bard") == []
    starter = tmp_path / "starter.safetensors"
    starter.write_bytes(checkpoint(1).to_bytes())
    for write in (
        cut_off.refresh,
        lambda: cut_off.load("bard", 2),
        lambda: cut_off.publish("bard", checkpoint(3)),
        lambda: cut_off.publish("new", checkpoint(3)),
        lambda: cut_off.set_alias("bard", "current", 2),
        lambda: cut_off.set_alias("bard", "stable", 1),
        lambda: cut_off.rollback("bard"),
        lambda: cut_off.delete("bard", 2),
        lambda: cut_off.keep("bard", 1, "cells", {}),
        lambda: cut_off.find("bard", "x"),
        lambda: install_starter(cut_off, "new", starter),
    ):
        with pytest.raises(StoreUnavailableError):
            write()
    assert sorted(path.name for path in (here.root / "bard").iterdir()) == before
    assert cut_off.models() == ["bard"]
    assert not here.refresh()


def test_whoever_changes_something_announces_it(objects: Objects, checkpoint: Make, tmp_path: Path) -> None:
    announced: list[str] = []
    store = SharedModelStore(tmp_path / "models", objects, announce=lambda: announced.append("models"))
    publish_and_promote(store, "bard", checkpoint(1))
    assert announced == ["models"] * 2
    assert not store.refresh()
    assert announced == ["models"] * 2


def test_a_folder_with_versions_of_its_own_is_adopted_or_left(
    here: SharedModelStore, there: SharedModelStore, checkpoint: Make
) -> None:
    """As when a service begins to use a store, into which its folder was copied."""
    local = ModelStore(here.root)
    publish_and_promote(local, "bard", checkpoint(1))
    publish_and_promote(local, "left", checkpoint(2))
    file = local.path("bard", 1)
    there.objects.put_new_file("models/bard/1.safetensors", file)
    there.objects.put_new("models/bard/aliases.json", (here.root / "bard" / "aliases.json").read_bytes())
    inode = file.stat().st_ino
    here.refresh()
    assert (file.stat().st_ino, here.is_here("bard", 1)) == (inode, True), "it is not fetched"
    there.refresh()
    assert (there.models(), there.resolve("bard"), there.places()) == (["bard"], 1, [here.place("bard")])
    assert here.load("left", 1).digest == checkpoint(2).digest, "nothing is lost"
