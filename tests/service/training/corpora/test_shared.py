"""Corpora of machines that share nothing but a store of objects."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from durable.directory_objects import DirectoryObjects
from durable.objects import StoreUnavailableError
from durable.s3_objects import S3Objects
from service.training.corpora.corpus import CHARACTERS, CORPUS_FILE, TEXT, Corpus
from service.training.corpora.ids import ids
from service.training.corpora.room import RECENT_SECONDS, USED
from service.training.corpora.shared import SharedCorpusStore
from service.training.corpora.store import CorpusStore
from service.training.errors import CorpusDamagedError, CorpusInUseError, CorpusNotFoundError
from service.training.jobs.requests import JobRequest
from service.training.jobs.shared import SharedJobStore
from service.training.jobs.store import JobStore
from service.training.queue.submission import create_job
from tests.laws import examples
from tests.object_server import BUCKET, ObjectServer
from tests.service.training.corpora.unsteady import ALL, Unsteady
from tests.texts import FOX

Machine = Callable[..., SharedCorpusStore]


IN_BOTH = pytest.mark.parametrize("objects", ["directory", "s3"], indirect=True)
"""Also on a real server."""


@pytest.fixture
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Unsteady:
    if getattr(request, "param", "directory") == "directory":
        return Unsteady(DirectoryObjects(tmp_path / "objects"))
    server: ObjectServer = request.getfixturevalue("object_server")
    found = S3Objects(BUCKET, f"corpora/{tmp_path.name}", server.settings())
    found.put("format", b"")  # the first write makes the bucket
    return Unsteady(found)


@pytest.fixture
def machine(tmp_path: Path, objects: Unsteady) -> Machine:
    def new(name: str, **options: Any) -> SharedCorpusStore:
        return SharedCorpusStore(tmp_path / name / "corpora", objects, **options)

    return new


def keys(objects: Unsteady) -> list[str]:
    return [each.key.split("/")[-1].split("-")[0].split(".")[0] for each in objects.objects.list("corpora/")]


def the_text(objects: Unsteady) -> str:
    (key,) = (each.key for each in objects.objects.list("corpora/") if "/text" in each.key)
    return key


@IN_BOTH
def test_a_corpus_is_the_same_on_every_machine(machine: Machine) -> None:
    a, b = machine("a"), machine("b")
    corpus, _ = a.add([FOX.encode()], "fox")
    assert b.list() == []
    assert b.refresh()
    assert b.list() == a.list() == [corpus]
    assert b.places() == a.places()
    for name in (CORPUS_FILE, CHARACTERS):
        assert (b.folder(corpus) / name).read_bytes() == (a.folder(corpus) / name).read_bytes()
    assert not (b.folder(corpus) / TEXT).exists(), "it is fetched when it is needed"
    assert b.path(corpus).read_text() == FOX
    assert ids(b, corpus)[1].tobytes() == ids(a, corpus)[1].tobytes()


def test_the_mirror_is_a_store_of_its_own(machine: Machine, tmp_path: Path) -> None:
    corpus, _ = machine("a").add([FOX.encode()], "fox")
    b = machine("b")
    b.refresh()
    b.path(corpus)
    alone = CorpusStore(b.root)
    assert (alone.list(), alone.path(corpus).read_text()) == ([corpus], FOX)
    local = CorpusStore(tmp_path / "local")
    local.add([FOX.encode()], "fox")
    assert (b.root / corpus.id / CHARACTERS).read_bytes() == (local.root / corpus.id / CHARACTERS).read_bytes()


def test_what_another_machine_has_acknowledged_is_found_by_its_id(machine: Machine) -> None:
    a, b = machine("a"), machine("b")
    corpus, _ = a.add([FOX.encode()])
    assert b.get(corpus.id) == corpus
    a.delete(corpus.id)
    with pytest.raises(CorpusNotFoundError):
        machine("c").get(corpus.id)


def test_nothing_is_asked_for_reading(machine: Machine, objects: Unsteady) -> None:
    a = machine("a")
    corpus, _ = a.add([FOX.encode()])
    objects.calls.clear()
    assert (a.get(corpus.id), a.ids(), a.damaged(), a.place(corpus.id)[1]) == (corpus, [corpus.id], {}, corpus.id)
    assert a.path(corpus).read_text() == FOX
    assert not objects.calls


@IN_BOTH
def test_without_a_change_one_list_is_asked_for(machine: Machine, objects: Unsteady) -> None:
    a, b = machine("a"), machine("b")
    for text in (b"one", b"two", b"three"):
        corpus, _ = a.add([text])
    a.delete(corpus.id)
    b.refresh()
    objects.calls.clear()
    for store in (a, b, machine("b")):  # the last: a process that was started again
        assert not store.refresh()
    assert objects.calls == {"list": 3}


def test_the_same_text_is_one_corpus_everywhere(machine: Machine, objects: Unsteady) -> None:
    a, b = machine("a"), machine("b")
    first, _ = a.add([FOX.encode()], "one")
    again, created = b.add([FOX.encode()], "two")
    assert (again, created) == (first, False)
    assert keys(objects) == ["corpus", "text"]
    objects.calls.clear()
    assert b.path(again).read_text() == FOX
    assert not objects.calls["fetch"]


@IN_BOTH
def test_of_two_that_upload_at_once_one_is_first(machine: Machine, objects: Unsteady) -> None:
    stores = [machine(name) for name in "abcd"]
    found: list[tuple[Corpus, bool]] = []
    threads = [threading.Thread(target=lambda s=s: found.append(s.add([FOX.encode()], "fox"))) for s in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(created for _, created in found) == [False, False, False, True]
    assert len({corpus.created for corpus, _ in found}) == 1
    assert keys(objects) == ["corpus", "text"]


@IN_BOTH
def test_a_deleted_corpus_is_gone_everywhere_and_keeps_its_place(machine: Machine, objects: Unsteady) -> None:
    a, b = machine("a"), machine("b")
    first, _ = a.add([b"one"])
    second, _ = a.add([b"two"])
    b.refresh()
    place = b.place(first.id)
    a.delete(first.id)
    assert (a.ids(), b.ids()) == ([second.id], [first.id, second.id])
    assert b.refresh()
    assert b.ids() == [second.id]
    assert b.place(first.id) == a.place(first.id) == place
    assert keys(objects).count("text") == 1
    for store in (a, b):
        with pytest.raises(CorpusNotFoundError):
            store.delete(first.id)
    assert b.add([b"one"])[1]
    a.refresh()
    assert a.path(a.get(first.id)).read_bytes() == b"one"


def test_a_deletion_on_the_machine_that_did_not_know_it_yet(machine: Machine) -> None:
    a, b = machine("a"), machine("b")
    corpus, _ = a.add([FOX.encode()])
    b.refresh()
    a.delete(corpus.id)
    with pytest.raises(CorpusNotFoundError):
        b.delete(corpus.id)
    assert b.ids() == []


@IN_BOTH
def test_a_job_that_is_created_meanwhile_keeps_its_corpus(machine: Machine, objects: Unsteady, tmp_path: Path) -> None:
    """The job is there after the deletion has looked at the jobs, and before it takes the corpus away."""
    here, there = (SharedJobStore(tmp_path / name / "runs", objects.objects) for name in "ab")
    a, b = machine("a", in_use=here.using), machine("b")
    corpus, _ = a.add([(FOX * 9).encode()])
    b.refresh()
    request = JobRequest.from_dict({"corpus": corpus.id, "model": "fox", "budget": {"steps": 1}})
    objects.before["swap"] = lambda: create_job(request, b, there)
    with pytest.raises(CorpusInUseError) as caught:
        a.delete(corpus.id)
    assert caught.value.jobs == tuple(there.ids())
    assert a.path(corpus).read_text() == FOX * 9


def test_a_job_for_a_corpus_that_was_deleted_elsewhere_is_refused(machine: Machine, tmp_path: Path) -> None:
    a, b, jobs = machine("a"), machine("b"), JobStore(tmp_path / "runs")
    corpus, _ = a.add([(FOX * 9).encode()])
    b.refresh()
    a.delete(corpus.id)
    request = JobRequest.from_dict({"corpus": corpus.id, "model": "fox", "budget": {"steps": 1}})
    with pytest.raises(CorpusNotFoundError):
        create_job(request, b, jobs)
    assert (jobs.ids(), b.ids()) == ([], [])


def test_a_confirmation_that_the_store_does_not_hear_costs_no_job(machine: Machine, objects: Unsteady) -> None:
    a = machine("a")
    corpus, _ = a.add([FOX.encode()])
    objects.away = {"get"}
    a.confirm(corpus.id)


def test_reading_goes_on_while_the_store_is_away(machine: Machine, objects: Unsteady) -> None:
    a, b = machine("a"), machine("b")
    corpus, _ = a.add([FOX.encode()])
    b.refresh()
    objects.away = ALL
    assert a.path(a.get(corpus.id)).read_text() == FOX
    assert (b.list(), b.damaged()) == ([corpus], {})
    writing: list[Callable[[], object]] = [
        lambda: b.path(corpus),
        lambda: a.add([b"another"]),
        lambda: a.delete(corpus.id),
        lambda: a.get("0" * 16),
        a.refresh,
    ]
    for call in writing:
        with pytest.raises(StoreUnavailableError):
            call()
    assert [store.list() for store in (a, b)] == [[corpus], [corpus]]
    assert not list(a.root.glob(".draft-*"))
    objects.away = set()
    assert not a.refresh()
    assert b.path(corpus).read_text() == FOX


@pytest.mark.parametrize("call", ["put_new_file", "put_new"])
def test_an_interrupted_upload_leaves_nothing_visible_and_is_collected(
    machine: Machine, objects: Unsteady, call: str
) -> None:
    now = 0.0
    a, b = machine("a"), machine("b", abandoned_seconds=3600, clock=lambda: now)
    objects.away = {call}
    with pytest.raises(StoreUnavailableError):
        a.add([FOX.encode()])
    objects.away = set()
    b.refresh()
    now = 3599
    b.refresh()
    assert (a.list(), b.list()) == ([], [])
    assert keys(objects) == (["text"] if call == "put_new" else [])
    now = 3600
    b.refresh()
    assert "text" not in keys(objects)
    assert not b.refresh()
    corpus, created = a.add([FOX.encode()])
    assert created
    now = 9999
    b.refresh()
    assert (b.list(), b.path(corpus).read_text()) == ([corpus], FOX)


@IN_BOTH
def test_an_upload_that_is_slower_than_the_collection_is_repeated(machine: Machine, objects: Unsteady) -> None:
    """The text is deleted between its upload and that of the head."""
    a, b = machine("a"), machine("b", abandoned_seconds=0)
    objects.before["put_new"] = b.refresh
    corpus, created = a.add([FOX.encode()])
    assert created
    assert objects.calls["put_new_file"] == 2
    assert machine("c").path(corpus).read_text() == FOX
    assert machine("d", abandoned_seconds=0).refresh()
    assert machine("e").path(corpus).read_text() == FOX


@IN_BOTH
def test_a_late_deletion_hurts_no_later_upload(machine: Machine, objects: Unsteady) -> None:
    a, b = machine("a"), machine("b")
    corpus, _ = a.add([FOX.encode()])
    objects.before["delete"] = lambda: b.add([FOX.encode()], "again")
    a.delete(corpus.id)
    for name in "abc":
        store = machine(name)
        store.refresh()
        assert store.path(store.get(corpus.id)).read_text() == FOX


def test_what_a_deletion_could_not_remove_is_collected(machine: Machine, objects: Unsteady) -> None:
    a = machine("a", abandoned_seconds=0)
    corpus, _ = a.add([FOX.encode()])
    objects.away = {"delete"}
    a.delete(corpus.id)
    objects.away = set()
    assert keys(objects) == ["corpus", "text"]
    a.refresh()
    assert keys(objects) == ["corpus"]


def changed(data: bytes) -> bytes:
    return data[:-1] + b"!"


@IN_BOTH
@pytest.mark.parametrize(
    ("hurt", "reason"),
    [
        (lambda _: None, "text.txt is missing in the store"),
        (lambda data: data[:5], "text.txt in the store has 5 of"),
        (changed, "text.txt in the store is not what was uploaded"),
    ],
)
def test_a_damaged_text_is_named_and_repaired_by_the_same_text(
    machine: Machine, objects: Unsteady, hurt: Callable[[bytes], bytes | None], reason: str
) -> None:
    a, b = machine("a"), machine("b")
    corpus, _ = a.add([FOX.encode()])
    key = the_text(objects)
    data = hurt(objects.objects.get(key).data)
    objects.objects.delete(key)
    if data is not None:
        objects.objects.put(key, data)
    for store in (a, b):
        store.refresh()
    with pytest.raises(CorpusDamagedError, match=reason):
        b.path(b.get(corpus.id))
    assert reason in b.fault(corpus.id)
    assert b.list() == []
    assert a.path(a.get(corpus.id)).read_text() == FOX, "what is here goes on"
    assert b.add([FOX.encode()])[1]
    for store in (a, b, machine("c")):
        store.refresh()
        assert store.path(store.get(corpus.id)).read_text() == FOX
        assert store.damaged() == {}


def test_whether_a_corpus_is_damaged_is_known_while_the_store_is_away(machine: Machine, objects: Unsteady) -> None:
    a = machine("a")
    corpus, deleted = a.add([FOX.encode()])[0], a.add([b"another"])[0]
    a.delete(deleted.id)
    objects.away = ALL
    assert a.fault(corpus.id) == a.fault(deleted.id) == ""
    (a.folder(corpus) / CHARACTERS).unlink()
    assert a.fault(corpus.id) == f"{CHARACTERS} is missing"
    assert a.damaged() == {corpus.id: f"{CHARACTERS} is missing"}


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'{"id": "0123456789abcdef"}', b"\xff"])
def test_a_damaged_head_is_named_repaired_and_deleted(machine: Machine, objects: Unsteady, data: bytes) -> None:
    a, b = machine("a"), machine("b")
    corpus, _ = a.add([FOX.encode()])
    other, _ = a.add([b"another"])
    key = f"corpora/{corpus.id}/corpus.json"
    objects.objects.put(key, data)
    for store in (a, b):
        store.refresh()
        assert "corpus.json in the store is not what it should be" in store.damaged()[corpus.id]
        assert other in store.list()
    objects.calls.clear()
    assert not b.refresh()
    assert objects.calls == {"list": 1}
    assert b.add([FOX.encode()])[1]
    a.refresh()
    assert (a.damaged(), b.damaged()) == ({}, {})
    objects.objects.put(key, data)
    b.refresh()
    b.delete(corpus.id)
    a.refresh()
    assert [store.list() for store in (a, b)] == [[other], [other]]


@pytest.mark.parametrize("file", [CORPUS_FILE, CHARACTERS, TEXT])
@pytest.mark.parametrize("data", [b"", b"x", None])
def test_a_damaged_mirror_is_made_again(machine: Machine, file: str, data: bytes | None) -> None:
    a = machine("a")
    corpus, _ = a.add([FOX.encode()])
    path = a.root / corpus.id / file
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    a.damaged()
    a.refresh()
    assert (a.list(), a.damaged()) == ([corpus], {})
    assert a.path(corpus).read_text() == FOX


def test_a_text_that_has_changed_here_is_fetched_again(machine: Machine) -> None:
    a = machine("a")
    corpus, _ = a.add([FOX.encode()])
    a.path(corpus).write_bytes(changed(FOX.encode()))
    vocabulary, encoded = ids(a, corpus)
    assert vocabulary.decode(encoded.astype("int32")) == FOX


def test_the_texts_here_have_a_bound(machine: Machine) -> None:
    needed: set[str] = set()

    def in_use(corpus: str) -> tuple[str, ...]:
        return ("job",) if corpus in needed else ()

    texts = [f"text {i} ".encode() * 100 for i in range(5)]
    a, b = machine("a"), machine("b", max_cached_bytes=2000, in_use=in_use)
    corpora = [a.add([text])[0] for text in texts]
    b.refresh()

    def use(number: int) -> None:
        assert b.path(corpora[number]).read_bytes() == texts[number]

    def here() -> list[int]:
        return [i for i, corpus in enumerate(corpora) if (b.root / corpus.id / TEXT).exists()]

    def earlier(*numbers: int) -> None:
        for age, number in enumerate(reversed(numbers)):
            used = time.time() - RECENT_SECONDS - 10 - age
            os.utime(b.root / corpora[number].id / USED, (used, used))

    for number in (0, 1, 2):
        use(number)
    assert here() == [0, 1, 2], "what was used just now stays"
    ids(b, corpora[0])
    earlier(1, 0, 2)
    needed.add(corpora[1].id)
    use(3)
    assert here() == [1, 3], "0 and 2 go, with all that was derived"
    assert {path.name for path in b.folder(corpora[0]).iterdir()} == {CORPUS_FILE, CHARACTERS, ".stored.json", USED}
    assert (b.list(), b.damaged()) == (corpora, {})
    use(0)
    assert here() == [0, 1, 3]


def test_what_was_copied_from_a_directory_is_read_and_deleted(tmp_path: Path) -> None:
    local = CorpusStore(tmp_path / "data" / "corpora")
    corpus, _ = local.add([FOX.encode()], "fox")
    objects = Unsteady(DirectoryObjects(tmp_path / "data"))
    a, b = (SharedCorpusStore(tmp_path / name, objects, abandoned_seconds=0) for name in "ab")
    a.refresh()
    assert (a.list(), a.path(corpus).read_text(), a.add([FOX.encode()])) == ([corpus], FOX, (corpus, False))
    a.confirm(corpus.id)
    b.refresh()
    assert b.path(b.get(corpus.id)).read_text() == FOX
    a.delete(corpus.id)
    b.refresh()
    assert (a.list(), b.list(), keys(objects)) == ([], [], ["corpus"])


def test_what_only_this_machine_has_is_left_alone_until_it_is_uploaded(machine: Machine) -> None:
    a = machine("a")
    before = CorpusStore(a.root)
    corpus, other = before.add([FOX.encode()])[0], before.add([b"other"])[0]
    a.refresh()
    assert a.list() == [corpus, other]
    a.delete(other.id)
    again, created = a.add([FOX.encode()], "fox")
    assert created
    a.refresh()
    assert a.list() == [again]
    assert machine("b").path(again).read_text() == FOX


@IN_BOTH
def test_a_text_of_many_pieces(machine: Machine, objects: Unsteady) -> None:
    data = random.Random(1).randbytes(5 << 20).hex().encode()
    corpus, _ = machine("a").add([data[i : i + 65536] for i in range(0, len(data), 65536)])
    assert machine("b").path(corpus).read_bytes() == data


def test_each_change_is_announced(machine: Machine) -> None:
    announced: list[str] = []
    a = machine("a", announce=lambda: announced.append("changed"))
    corpus, _ = a.add([FOX.encode()])
    a.add([FOX.encode()])
    assert len(announced) == 1
    a.delete(corpus.id)
    assert len(announced) == 2


Steps = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["add", "delete", "refresh"]), st.integers(0, 2)), max_size=9
)


@examples(8, HealthCheck.function_scoped_fixture)
@given(steps=Steps)
def test_all_machines_come_to_have_what_was_acknowledged(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("machines")
    objects = DirectoryObjects(folder / "objects")
    machines = {name: SharedCorpusStore(folder / name, objects, abandoned_seconds=0) for name in "ab"}
    there: dict[int, Corpus] = {}
    known: dict[int, str] = {}
    for name, step, number in steps:
        store = machines[name]
        if step == "add":
            corpus, created = store.add([f"text {number}".encode()])
            assert created == (number not in there)
            there[number], known[number] = corpus, corpus.id
            assert store.get(corpus.id) == corpus
        elif step == "refresh":
            store.refresh()
            assert set(store.ids()) == {corpus.id for corpus in there.values()}
        elif number in there:
            store.delete(there.pop(number).id)
            assert known[number] not in store.ids()
        elif number in known:
            with pytest.raises(CorpusNotFoundError):
                store.delete(known[number])
    for store in machines.values():
        store.refresh()
        assert {corpus.id for corpus in store.list()} == {corpus.id for corpus in there.values()}
        for number, corpus in there.items():
            assert store.path(corpus).read_bytes() == f"text {number}".encode()
