"""Backups of stores that change meanwhile, restored and compared."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.vocabulary import Vocabulary
from model_store.errors import StoreError
from model_store.faults import Faults
from model_store.store import ModelStore
from service.backup.archive import ArchiveWriter
from service.backup.copying import copy
from service.backup.restoring import restore
from service.data_dir import DataDir
from service.data_format import FORMAT
from service.inspection import Inspection, damaged_files
from service.keys.key_file import KeyFile
from service.processes.preflight import lock
from service.training.corpora.ids import ids
from service.training.corpora.store import CorpusStore
from service.training.errors import TrainingError
from service.training.jobs.lease import Lease
from service.training.jobs.requests import JobRequest
from service.training.jobs.run import Run
from service.training.jobs.store import JobStore
from tests.networks import random_network

NETWORK = random_network(Vocabulary("ab"), "rnn", 2)


class Stores:
    def __init__(self, data: DataDir) -> None:
        self.data = data
        self.models, self.jobs = ModelStore(data.models), JobStore(data.runs)
        self.corpora = CorpusStore(data.corpora, in_use=self.jobs.using)

    def upload(self, text: str) -> str:
        return self.corpora.add([text.encode() * 100])[0].id

    def faults(self) -> list[str]:
        return Inspection(damaged_files(self.models, Faults(self.models), self.corpora, self.jobs)).found()


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    data = DataDir(tmp_path / "data")
    data.make()
    return Stores(data)


def backed_up(data: DataDir) -> tuple[bytes, list[str]]:
    file = io.BytesIO()
    archive = ArchiveWriter(file, FORMAT, "2026-01-01T00:00:00.000Z")
    unread = copy(data, archive)
    archive.close()
    return file.getvalue(), unread


def restored(stores: Stores, root: Path) -> Stores:
    archive, unread = backed_up(stores.data)
    assert unread == []
    restore(io.BytesIO(archive), DataDir(root))
    lock(DataDir(root)).close()
    return Stores(DataDir(root))


def promote_and_delete(stores: Stores) -> None:
    version = stores.models.publish("m", NETWORK)
    stores.models.set_alias("m", "current", version)
    stores.models.keep("m", version, "cells", {"version": version})
    with suppress(StoreError):
        stores.models.delete("m", version - 1)


def upload_and_delete(stores: Stores) -> None:
    corpus = stores.upload(f"ab {time.monotonic_ns()}")
    with suppress(TrainingError):
        stores.corpora.delete(corpus)


def train(stores: Stores) -> None:
    """What a worker does with a job, except for the training."""
    job = stores.jobs.create(JobRequest(stores.upload(f"ab {time.monotonic_ns()}"), "trained"))
    with Lease.take(stores.jobs.folder(job.id)) as lease:
        run = Run(stores.jobs.folder(job.id), lease)
        run.start()
        run.save(1, b"state" * 1000)

        def publish() -> tuple[int, bool]:
            version = stores.models.publish("trained", NETWORK)
            return version, stores.models.set_alias_if("trained", "current", version, lambda _: True)

        run.publish({"digest": NETWORK.digest, "after": 0}, publish)
    stores.corpora.delete(job.request.corpus)
    if int(job.id[-1], 16) % 2:
        stores.jobs.delete(job.id)


@contextmanager
def busy(stores: Stores, *changes: Callable[[Stores], None]) -> Iterator[None]:
    stop, errors = threading.Event(), list[BaseException]()

    def repeat(change: Callable[[Stores], None]) -> None:
        try:
            while not stop.is_set():
                change(stores)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=repeat, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []


def test_what_changes_meanwhile_is_whole_or_not_there(stores: Stores, tmp_path: Path) -> None:
    kept = stores.upload("ab kept")
    job = stores.jobs.create(JobRequest(kept, "m")).id
    version = stores.models.publish("n", NETWORK)
    stores.models.set_alias("n", "current", version)
    promote_and_delete(stores)
    train(stores)
    with busy(stores, promote_and_delete, upload_and_delete, train):
        for number in range(3):
            time.sleep(0.1)
            before = stores.models.aliases("m")
            again = restored(stores, tmp_path / str(number))
            assert again.faults() == []
            assert again.models.aliases("n") == {"current": version}
            assert again.models.aliases("m")["current"] >= before["current"]
            for name in again.models.models():
                assert again.models.load(name, again.models.resolve(name)).digest == NETWORK.digest
            assert job in again.jobs.using(kept)
            for each in again.jobs.unfinished():
                assert again.corpora.get(again.jobs.get(each).request.corpus)
            for each in again.jobs.ids():
                state = again.jobs.get(each).state
                assert state.version is None or state.version in again.models.versions("trained")


class WhileCopying(ArchiveWriter):
    """Does something once the first file with this end of its name has been copied."""

    def __init__(self, file: BinaryIO, end: str, do: Callable[[], None]) -> None:
        super().__init__(file, FORMAT, "2026-01-01T00:00:00.000Z")
        self._end, self._do = end, do

    def add(self, name: str, file: BinaryIO, size: int, modified: float) -> bool:
        added = super().add(name, file, size, modified)
        if name.endswith(self._end):
            self._end, do = "nothing", self._do
            do()
        return added


@contextmanager
def begun(stores: Stores, corpus: str) -> Iterator[Run]:
    folder = stores.jobs.folder(stores.jobs.create(JobRequest(corpus, "new")).id)
    with Lease.take(folder) as lease:
        run = Run(folder, lease)
        run.start()
        yield run


def publish(stores: Stores, run: Run, network: Checkpoint, end: Callable[[int], int] = lambda version: version) -> None:
    """End a job; `end` is called between publishing the version and writing down that the job has."""
    run.publish({"digest": network.digest, "after": 0}, lambda: (end(stores.models.publish("new", network)), False))


class KilledError(Exception):
    """Stands for the end of the process."""


def killed(_: int) -> int:
    raise KilledError


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_job_whose_version_is_copied_knows_that_it_has_published(
    stores: Stores, tmp_path: Path, *, is_killed: bool
) -> None:
    """Both jobs publish after the first one was copied, and the second one's version brings the first one's along."""
    corpus, file = stores.upload("ab"), io.BytesIO()
    networks = [random_network(Vocabulary("ab"), "rnn", size) for size in (2, 3)]
    with begun(stores, corpus) as first, begun(stores, corpus) as second:

        def both_end() -> None:
            if is_killed:
                with pytest.raises(KilledError):
                    publish(stores, first, networks[0], killed)
            else:
                publish(stores, first, networks[0])
            publish(stores, second, networks[1])

        archive = WhileCopying(file, f"{first.id}/status.json", both_end)
        assert copy(stores.data, archive) == []
        archive.close()
    restore(io.BytesIO(file.getvalue()), DataDir(tmp_path / "again"))
    again = Stores(DataDir(tmp_path / "again"))
    assert again.models.versions("new") == [1, 2]
    assert again.jobs.get(second.id).state.version == 2
    intent = json.loads((again.jobs.folder(first.id) / "publishing.json").read_text())
    assert again.models.find("new", intent["digest"], intent["after"]) == 1
    assert again.jobs.get(first.id).state.version == (None if is_killed else 1)
    assert again.faults() == []


def test_numbers_stay_taken_and_times_stay(stores: Stores, tmp_path: Path) -> None:
    for _ in range(2):
        stores.models.publish("m", NETWORK)
    stores.models.set_alias("m", "current", 1)
    stores.models.delete("m", 2)
    again = restored(stores, tmp_path / "again")
    assert again.models.describe("m", 1).published == stores.models.describe("m", 1).published
    assert again.models.publish("m", NETWORK) == 3


def test_what_can_be_made_again_is_not_copied(stores: Stores, tmp_path: Path) -> None:
    corpus = stores.corpora.get(stores.upload("ab"))
    ids(stores.corpora, corpus)
    (stores.data.packed / "weights").write_bytes(b"0")
    again = restored(stores, tmp_path / "again")
    assert sorted(path.name for path in again.corpora.folder(corpus).iterdir()) == [
        "characters.txt",
        "corpus.json",
        "text.txt",
    ]
    assert not any(again.data.packed.iterdir())
    assert len(ids(again.corpora, corpus)[1]) == corpus.characters


def test_keys_are_good_in_both_places(stores: Stores, tmp_path: Path) -> None:
    KeyFile(stores.data).add("app", "one")
    stores.data.continuation_key.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("k" * 43)
    again = restored(stores, tmp_path / "again").data
    assert KeyFile(again).all() == KeyFile(stores.data).all()
    assert again.continuation_key.read_text() == "k" * 43 and not again.continuation_key.is_symlink()
    assert {path.stat().st_mode & 0o777 for path in (again.keys, again.continuation_key)} == {0o600}


def test_what_cannot_be_read_is_named_and_the_rest_copied(stores: Stores) -> None:
    corpus, version = stores.upload("ab"), stores.models.publish("m", NETWORK)
    stores.models.set_alias("m", "current", version)
    os.mkfifo(stores.data.models / "m" / "1.cells.json")
    (stores.data.corpora / corpus / "text.txt").unlink()
    (stores.data.corpora / corpus / "text.txt").mkdir()
    assert backed_up(stores.data)[1] == [
        "models/m/1.cells.json is not a regular file",
        f"corpora/{corpus}/text.txt is a folder",
    ]
