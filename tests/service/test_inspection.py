"""Damage is found before it is requested, at little cost, and logged once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from charrnn.checkpoint import Checkpoint
from durable.reading import DamagedFileError
from model_store import ModelStore, publish_and_promote
from model_store.faults import Faults
from service.inspection import Inspection, damaged_files
from service.training.corpora.store import CorpusStore
from service.training.jobs.requests import JobRequest
from service.training.jobs.store import JobStore
from tests.damage import overwrite


def test_one_look_finds_all_that_is_damaged(tmp_path: Path, new_checkpoint: Callable[..., Checkpoint]) -> None:
    store = ModelStore(tmp_path / "models")
    for _ in range(2):
        publish_and_promote(store, "letters", new_checkpoint())
    corpora, jobs = CorpusStore(tmp_path / "corpora"), JobStore(tmp_path / "runs")
    corpus, _ = corpora.add([b"some text"])
    job = jobs.create(JobRequest(corpus.id, "letters"))
    look = damaged_files(store, Faults(store), corpora, jobs)
    assert list(look()) == []
    for path in (
        tmp_path / "models" / "letters" / "2.safetensors",
        tmp_path / "models" / "letters" / "aliases.json",
        tmp_path / "corpora" / corpus.id / "corpus.json",
        tmp_path / "runs" / job.id / "request.json",
    ):
        overwrite(path, b"")
    found = list(look())
    assert [each.split(":")[0] for each in found] == [
        "model letters",
        "model letters",
        f"corpus {corpus.id}",
        f"job {job.id}",
    ]
    assert "aliases.json is empty" in found[0]
    assert "version 2" in found[1]
    assert str(tmp_path) not in str(found)
    assert list(look()) == found


def test_a_fault_is_logged_once_and_looked_for_every_second(caplog: pytest.LogCaptureFixture) -> None:
    now, looks, faults = 0.0, 0, ["a: is empty"]

    def look() -> Iterator[str]:
        nonlocal looks
        looks += 1
        yield from faults

    inspection = Inspection(look, lambda: now)
    assert [inspection.found() for _ in range(5)] == [["a: is empty"]] * 5
    assert looks == 1
    now = 1.5
    faults.append("b: is cut")
    assert inspection.found() == ["a: is empty", "b: is cut"]
    assert [record.getMessage() for record in caplog.records] == ["damaged: a: is empty", "damaged: b: is cut"]
    faults.clear()
    now = 3.0
    assert inspection.found() == []


def test_what_takes_long_is_looked_at_less_often() -> None:
    now, looks = 0.0, 0

    def look() -> Iterator[str]:
        nonlocal now, looks
        now += 1.0
        looks += 1
        yield from ()

    inspection = Inspection(look, lambda: now)
    inspection.found()
    now += 40.0
    inspection.found()
    assert looks == 1
    now += 20.0
    inspection.found()
    assert looks == 2


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), DamagedFileError("denied")])
def test_a_folder_that_cannot_be_looked_through_is_a_fault(error: Exception) -> None:
    def look() -> Iterator[str]:
        yield "a: is empty"
        raise error

    assert Inspection(look).found() == ["DATA_DIR cannot be looked through: denied"]


def test_only_the_first_check_is_waited_for() -> None:
    now, go_on, looking = 0.0, threading.Event(), threading.Event()
    found: list[list[str]] = []

    def look() -> Iterator[str]:
        looking.set()
        assert go_on.wait(20)
        yield f"a: at {now:g}"

    inspection = Inspection(look, lambda: now)
    threads = [threading.Thread(target=lambda: found.append(inspection.found())) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert looking.wait(20)
    go_on.set()
    for thread in threads:
        thread.join()
    assert found == [["a: at 0"]] * 2
    now = 100.0
    go_on.clear()
    looking.clear()
    slow = threading.Thread(target=inspection.found)
    slow.start()
    assert looking.wait(20)
    assert inspection.found() == ["a: at 0"]
    go_on.set()
    slow.join()
    assert inspection.found() == ["a: at 100"]
