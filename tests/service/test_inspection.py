"""Damage is found before it is requested, a slice at a time, and logged once."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from charrnn.checkpoint import Checkpoint
from durable.reading import DamagedFileError
from model_store import ModelStore, publish_and_promote
from model_store.faults import Faults
from service.inspection import (
    AGAIN,
    FIRST_SECONDS,
    FIRST_SHARE,
    SHARE,
    SLICE_SECONDS,
    Check,
    Inspection,
    Look,
    damaged_files,
)
from service.training.corpora.store import CorpusStore
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from tests.damage import overwrite
from tests.waiting import LONGEST

Things = dict[str, list[str]]


def checked(look: Look) -> Things:
    """What is damaged at the end of a round, in which a model's weights are verified last."""
    return {name: faults for name, check in list(look()) if (faults := check())}


def test_one_round_finds_all_that_is_damaged(tmp_path: Path, new_checkpoint: Callable[..., Checkpoint]) -> None:
    store = ModelStore(tmp_path / "models")
    for _ in range(2):
        publish_and_promote(store, "letters", new_checkpoint())
    publish_and_promote(store, "numbers", new_checkpoint())
    corpora, jobs = CorpusStore(tmp_path / "corpora"), JobStore(tmp_path / "runs")
    corpus, _ = corpora.add([b"some text"])
    job = jobs.create(JobRequest(corpus.id, "letters"))
    look = damaged_files(store, Faults(store), corpora, jobs)
    assert checked(look) == {}
    for path in (
        tmp_path / "models" / "letters" / "2.safetensors",
        tmp_path / "models" / "letters" / "aliases.json",
        tmp_path / "corpora" / corpus.id / "corpus.json",
        tmp_path / "runs" / job.id / "request.json",
    ):
        overwrite(path, b"")
    data = (tmp_path / "models" / "numbers" / "1.safetensors").read_bytes()
    overwrite(tmp_path / "models" / "numbers" / "1.safetensors", data[:-1] + bytes([data[-1] ^ 1]))
    found = checked(look)
    assert list(found) == ["model letters", "model numbers", f"corpus {corpus.id}", f"job {job.id}"]
    assert "aliases.json is empty" in found["model letters"][0]
    assert "version 2" in found["model letters"][1]
    assert found["model numbers"] == ["version 1: its content does not match its digest"]
    assert str(tmp_path) not in str(found)
    assert checked(look) == found


IN_PLACE: dict[str, Callable[[Path], None]] = {
    "a file": Path.touch,
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to(path.parent.parent),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
}


@pytest.mark.parametrize("put", IN_PLACE.values(), ids=IN_PLACE)
def test_what_is_in_the_place_of_a_folder_is_named(
    tmp_path: Path, new_checkpoint: Callable[..., Checkpoint], put: Callable[[Path], None]
) -> None:
    store, corpora = ModelStore(tmp_path / "models"), CorpusStore(tmp_path / "corpora")
    jobs = JobStore(tmp_path / "runs")
    publish_and_promote(store, "letters", new_checkpoint())
    corpus, _ = corpora.add([b"some text"])
    job = jobs.create(JobRequest(corpus.id, "letters"))
    look = damaged_files(store, Faults(store), corpora, jobs)
    assert checked(look) == {}
    for path in (tmp_path / "models" / "letters", tmp_path / "corpora" / corpus.id, tmp_path / "runs" / job.id):
        shutil.rmtree(path)
        put(path)
    assert list(checked(look)) == ["model letters", f"corpus {corpus.id}", f"job {job.id}"]


@pytest.mark.parametrize("folder", ["models", "corpora", "runs"])
def test_what_is_in_the_place_of_a_stores_folder_is_named(tmp_path: Path, folder: str) -> None:
    store = ModelStore(tmp_path / "models")
    look = damaged_files(store, Faults(store), CorpusStore(tmp_path / "corpora"), JobStore(tmp_path / "runs"))
    assert checked(look) == {}, "there is nothing yet"
    (tmp_path / folder).touch()
    assert checked(look) == {folder: ["it is no folder"]}
    (tmp_path / folder).unlink()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / folder).symlink_to("elsewhere")
    assert checked(look) == {}, "it may be on another disk"


class Watch:
    """An inspection of things in a dictionary, each of which takes a while to look at, with a clock set by hand."""

    def __init__(self, things: Things, seconds: float = 0.0) -> None:
        self.things, self.seconds, self.now, self.spent, self.looked = things, seconds, 0.0, 0.0, list[str]()
        self.inspection = Inspection(self.look, lambda: self.now)

    def look(self) -> Iterator[tuple[str, Check]]:
        for name in list(self.things):
            yield name, partial(self.check, name)

    def check(self, name: str) -> list[str]:
        self.now += self.seconds
        self.spent += self.seconds
        self.looked.append(name)
        return self.things.get(name, [])

    def after(self, seconds: float) -> list[str]:
        self.now += seconds
        return self.inspection.found()


def test_a_fault_is_logged_once_and_looked_for_every_second(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch({"a": ["is empty"], "b": []})
    assert [watch.after(0.1) for _ in range(5)] == [["a: is empty"]] * 5
    assert watch.looked == ["a", "b"]
    watch.things["b"] = ["is cut"]
    assert watch.after(1) == ["a: is empty", "b: is cut"]
    assert [record.getMessage() for record in caplog.records] == ["damaged: a: is empty", "damaged: b: is cut"]
    watch.things["a"] = []
    assert watch.after(1.5) == ["b: is cut"]
    watch.things.clear()
    assert watch.after(1.5) == []


def test_no_call_looks_at_everything_in_a_large_store() -> None:
    watch = Watch({f"{number:03}": [] for number in range(1000)}, SLICE_SECONDS / 4)
    watch.things["999"] = ["is cut"]
    watch.after(0)
    assert watch.spent <= FIRST_SECONDS + watch.seconds
    calls = 1
    while not watch.after(1):
        calls += 1
        assert watch.spent <= watch.now * FIRST_SHARE + FIRST_SECONDS + watch.seconds
    assert len(watch.looked) == 1000, "each once"
    before, begun = watch.spent, watch.now
    for _ in range(100):
        assert watch.after(0.1) == ["999: is cut"]
    assert 0 < watch.spent - before <= (watch.now - begun) * SHARE + SLICE_SECONDS + watch.seconds


def test_what_takes_long_is_looked_at_less_often() -> None:
    watch = Watch({"a": [], "b": []}, 1.0)
    while len(watch.looked) < 2:
        watch.after(0.5)
    assert watch.now >= 1 / FIRST_SHARE
    watch.after(1 / FIRST_SHARE)
    before, begun = watch.spent, watch.now
    while watch.spent < before + 5:
        watch.after(0.5)
    assert watch.spent - before <= (watch.now - begun) * SHARE + 2 * watch.seconds


def test_a_repair_in_a_large_store_is_seen_at_once() -> None:
    watch = Watch({f"{number:03}": [] for number in range(1000)}, SLICE_SECONDS / 4)
    watch.things |= {f"{number:03}": ["is cut"] for number in range(2 * AGAIN)}
    while len(watch.looked) < 1000:
        watch.after(1)
    assert len(watch.after(0)) == 2 * AGAIN
    del watch.things["000"], watch.things[f"{2 * AGAIN - 1:03}"]
    watch.after(100)
    assert len(watch.after(100)) == 2 * AGAIN - 2


def test_a_thing_that_cannot_be_checked_is_damaged_and_the_others_are_checked() -> None:
    def refuse() -> list[str]:
        raise PermissionError(13, "denied")

    inspection = Inspection(lambda: iter([("a", refuse), ("b", lambda: ["is cut"])]))
    assert inspection.found() == ["a: cannot be looked through: denied", "b: is cut"]


def test_what_cannot_be_checked_for_lack_of_descriptors_is_as_it_was() -> None:
    found = {"a": ["is cut"], "b": []}
    lacks = False

    def check(name: str) -> list[str]:
        if lacks:
            raise OSError(errno.EMFILE, "Too many open files")
        return found[name]

    now = 0.0
    inspection = Inspection(lambda: iter([(each, partial(check, each)) for each in found]), lambda: now)
    assert inspection.found() == ["a: is cut"]
    lacks, now = True, 2.0
    assert inspection.found() == ["a: is cut"]
    lacks, now, found["a"] = False, 4.0, []
    assert inspection.found() == []


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), DamagedFileError("denied")])
def test_a_folder_that_cannot_be_looked_through_is_a_fault(error: Exception) -> None:
    errors = [error]

    def look() -> Iterator[tuple[str, Check]]:
        yield "a", lambda: ["is empty"]
        if errors:
            raise errors.pop()

    now = 0.0
    inspection = Inspection(look, lambda: now)
    assert inspection.found() == ["a: is empty", "DATA_DIR cannot be looked through: denied"]
    now = 2.0
    assert inspection.found() == ["a: is empty"]


def test_only_the_first_slice_is_waited_for() -> None:
    now, go_on, looking = 0.0, threading.Event(), threading.Event()
    found: list[list[str]] = []

    def check() -> list[str]:
        looking.set()
        assert go_on.wait(LONGEST)
        return [f"at {now:g}"]

    inspection = Inspection(lambda: iter([("a", check)]), lambda: now)
    threads = [threading.Thread(target=lambda: found.append(inspection.found())) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert looking.wait(LONGEST)
    go_on.set()
    for thread in threads:
        thread.join()
    assert found == [["a: at 0"]] * 2
    now = 100.0
    go_on.clear()
    looking.clear()
    slow = threading.Thread(target=inspection.found)
    slow.start()
    assert looking.wait(LONGEST)
    assert inspection.found() == ["a: at 0"]
    go_on.set()
    slow.join()
    assert inspection.found() == ["a: at 100"]
