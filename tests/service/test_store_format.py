from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from durable.directory_objects import DirectoryObjects
from durable.objects import Content, ObjectInfo, Objects, StoreUnavailableError
from durable.s3_objects import S3Objects
from model_store.faults import Faults
from model_store.known_texts import known_texts
from service.bootstrap.stores import open_stores
from service.data_format import FORMAT, DataFormatError
from service.inspection import Inspection, damaged_files
from service.settings import Settings
from service.store_format import KEY, check_alone, check_store
from service.training.corpora.corpus import has_digest
from tests.object_server import BUCKET, ObjectServer


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.system)])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "directory":
        return DirectoryObjects(tmp_path / "store")
    server: ObjectServer = request.getfixturevalue("object_server")
    return S3Objects(BUCKET, f"format/{tmp_path.name}", server.settings())


def checked(objects: Objects, data_dir: Path) -> str:
    data_dir.mkdir(exist_ok=True)
    return check_store(objects, data_dir / "store.json", [data_dir / "models", data_dir / "runs"])


def test_all_machines_are_of_one_cluster(objects: Objects, tmp_path: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda each=each: found.append(checked(objects, tmp_path / f"{each}")))
        for each in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert checked(objects, tmp_path / "0") == found[0]
    assert json.loads(objects.get(KEY).data) == {"format": FORMAT, "cluster": found[0]}


def test_a_directory_mirrors_one_store(objects: Objects, tmp_path: Path) -> None:
    first = checked(objects, tmp_path / "data")
    other = DirectoryObjects(tmp_path / "other")
    second = checked(other, tmp_path / "data-2")
    with pytest.raises(DataFormatError, match=f"mirrors the store of cluster {first}, and .* that of cluster {second}"):
        checked(other, tmp_path / "data")
    (tmp_path / "data" / "models").mkdir()
    (tmp_path / "data" / "models" / "a").mkdir()
    assert checked(objects, tmp_path / "data") == first


def test_a_directory_with_data_of_its_own_is_not_overwritten(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "data" / "runs" / ".draft-1").mkdir(parents=True)
    checked(objects, tmp_path / "data")
    (tmp_path / "data" / "store.json").unlink()
    (tmp_path / "data" / "models" / "a").mkdir(parents=True)
    with pytest.raises(DataFormatError, match="DATA_DIR has models of its own, which are not in the store"):
        checked(objects, tmp_path / "data")
    assert not (tmp_path / "data" / "store.json").exists()


def test_a_mirror_is_not_used_without_its_store(objects: Objects, tmp_path: Path) -> None:
    check_alone(tmp_path / "data" / "store.json")
    checked(objects, tmp_path / "data")
    with pytest.raises(DataFormatError, match="DATA_DIR mirrors a store, and STORE_URL is empty"):
        check_alone(tmp_path / "data" / "store.json")


def test_a_newer_format_is_refused(objects: Objects, tmp_path: Path) -> None:
    objects.put(KEY, json.dumps({"format": FORMAT + 1, "cluster": "a"}).encode())
    with pytest.raises(
        DataFormatError, match=f"has format {FORMAT + 1}, and this release reads formats up to {FORMAT}"
    ):
        checked(objects, tmp_path / "data")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": "1", "cluster": "a"}', b'{"format": 1}'])
def test_what_the_service_has_not_written_is_left_alone(tmp_path: Path, content: bytes) -> None:
    objects = DirectoryObjects(tmp_path / "store")
    objects.put(KEY, content)
    with pytest.raises(DataFormatError, match="is not what the service writes"):
        checked(objects, tmp_path / "data")
    assert objects.get(KEY).data == content


def test_an_older_format_is_brought_up_step_by_step(objects: Objects, tmp_path: Path) -> None:
    cluster = check_store(objects, tmp_path / "store.json", [], newest=1)
    objects.put("models/a/1.old", b"1")

    def rename(objects: Objects) -> None:
        for each in list(objects.list("models/")):
            objects.put(each.key.replace(".old", ".new"), objects.get(each.key).data)

    def count(objects: Objects) -> None:
        assert json.loads(objects.get(KEY).data)["format"] == 2
        objects.put("models/count", b"%d" % len(list(objects.list("models/a/"))))

    for _ in range(2):
        found = check_store(objects, tmp_path / "store.json", [], newest=3, upgrades={1: rename, 2: count})
        assert found == cluster
    assert json.loads(objects.get(KEY).data) == {"format": 3, "cluster": cluster}
    assert (objects.get("models/a/1.new").data, objects.get("models/count").data) == (b"1", b"2")
    with pytest.raises(DataFormatError, match="reads formats up to 1"):
        check_store(objects, tmp_path / "store.json", [], newest=1)


@pytest.fixture(params=range(1, FORMAT + 1))
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> DirectoryObjects:
    """A copy of a store of a format, as its release left it."""
    shutil.copytree(Path(__file__).parent / f"store_{request.param}", tmp_path / "kept")
    return DirectoryObjects(tmp_path / "kept")


def test_a_store_of_each_format_is_served_whole(kept: DirectoryObjects, tmp_path: Path) -> None:
    stores = open_stores(Settings(data_dir=tmp_path / "data"), kept)
    stores.mirror.refresh()
    models, corpora, jobs = stores.models, stores.corpora, stores.jobs
    assert Inspection(damaged_files(models, Faults(models), corpora, jobs)).found() == []
    assert {name: (models.versions(name), models.aliases(name)) for name in models.models()} == {
        "lines": ([1, 2], {"candidate": 2, "current": 1}),
        "tiny": ([1], {"current": 1}),
    }
    assert [change.version for change in models.history("lines")] == [1, 2, 1, 2, 1]
    for name, version in (("lines", 1), ("lines", 2), ("tiny", 1)):
        assert models.load(name, version).config.hidden_size == 4
    assert models.kept("lines", 1, "scores") is not None and known_texts(models, "lines", 1) is not None
    (corpus,) = corpora.list()
    assert has_digest(corpus, corpora.verified(corpus))
    assert [job.state.status for job in jobs.list()] == ["succeeded", "succeeded", "queued", "queued"]
    assert all(jobs.event_log(job.id).metrics() and jobs.plan(job.id) for job in jobs.list()[:2])
    assert json.loads(kept.get(KEY).data) == {"format": FORMAT, "cluster": "2100329b3badf2a0"}


class Careless:
    """A server that ignores one of the conditions."""

    def __init__(self, objects: Objects, ignored: str) -> None:
        self._objects, self._ignored = objects, ignored

    def __str__(self) -> str:
        return "s3://careless"

    def __getattr__(self, name: str) -> object:
        return getattr(self._objects, name)

    def get(self, key: str) -> Content:
        return self._objects.get(key)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        return self._objects.list(prefix, after)

    def put_new(self, key: str, data: bytes) -> str:
        put = self._objects.put if self._ignored == "If-None-Match" else self._objects.put_new
        return put(key, data)

    def swap(self, key: str, data: bytes, etag: str) -> str:
        if self._ignored == "If-Match":
            return self._objects.put(key, data)
        return self._objects.swap(key, data, etag)


@pytest.mark.parametrize("ignored", ["If-None-Match", "If-Match"])
def test_a_server_that_ignores_conditions_is_refused(tmp_path: Path, ignored: str) -> None:
    careless: Objects = Careless(DirectoryObjects(tmp_path / "store"), ignored)  # type: ignore[assignment]
    with pytest.raises(DataFormatError, match=f"the server of the store s3://careless ignores {ignored}"):
        checked(careless, tmp_path / "data")
    assert not (tmp_path / "data" / "store.json").exists()


@pytest.mark.system
@pytest.mark.parametrize(("user", "verb"), [("reader", "write"), ("writer", "read")])
def test_who_may_not_read_or_not_write_hears_so_at_the_start(
    object_server: ObjectServer, tmp_path: Path, user: str, verb: str
) -> None:
    checked(S3Objects(BUCKET, f"format/{tmp_path.name}", object_server.settings()), tmp_path / "data")
    limited = S3Objects(BUCKET, f"format/{tmp_path.name}", object_server.settings(user))
    with pytest.raises(StoreUnavailableError, match=f"does not {verb} {KEY}: the credentials have no right to"):
        checked(limited, tmp_path / "data")
