"""The laws of a store of objects, for each kind that there is."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from durable.directory_objects import DirectoryObjects
from durable.objects import (
    InvalidKeyError,
    ObjectChangedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectMissingError,
    Objects,
)
from durable.s3_objects import S3Objects
from tests.laws import examples
from tests.object_server import BUCKET, ObjectServer


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.system)])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "directory":
        return DirectoryObjects(tmp_path / "store")
    server: ObjectServer = request.getfixturevalue("object_server")
    return S3Objects(BUCKET, f"laws/{tmp_path.name}", server.settings())


def at_once(count: int, act: Callable[[int], None]) -> None:
    """Run it in so many threads, which begin together."""
    ready = threading.Barrier(count)

    def run(number: int) -> None:
        ready.wait()
        act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_what_was_put_is_read(objects: Objects) -> None:
    for data in (b"", b"old", b"new " * 1000):
        etag = objects.put("models/a/1.bin", data)
        assert (objects.get("models/a/1.bin").data, objects.get("models/a/1.bin").etag) == (data, etag)
        assert objects.look("models/a/1.bin") == ObjectInfo("models/a/1.bin", etag, len(data))


def test_what_is_missing_is_said_to_be(objects: Objects, tmp_path: Path) -> None:
    objects.put("a/b/c", b"")
    for key in ("none", "a", "a/b", "a/b/c/d"):
        for read in (objects.get, objects.look, lambda key: objects.get_range(key, 0, 1)):
            with pytest.raises(ObjectMissingError, match=f"there is no object {key}$"):
                read(key)
        with pytest.raises(ObjectMissingError):
            objects.fetch(key, tmp_path / "fetched")
        with pytest.raises(ObjectChangedError):
            objects.swap(key, b"new", "0" * 32)
        objects.delete(key)
    assert not (tmp_path / "fetched").exists()
    assert objects.get("a/b/c").data == b""


def test_a_range_ends_where_the_content_ends(objects: Objects) -> None:
    objects.put("a", b"0123456789")
    ranges = ((0, 10), (3, 5), (9, 10), (0, 100), (10, 20), (50, 60), (4, 4), (0, 0))
    assert [objects.get_range("a", *each) for each in ranges] == [b"0123456789"[a:b] for a, b in ranges]


def test_a_new_object_never_replaces_one(objects: Objects, tmp_path: Path) -> None:
    etag = objects.put_new("a", b"first")
    (tmp_path / "second").write_bytes(b"second")
    for data in (b"first", b"second"):
        with pytest.raises(ObjectExistsError, match="there is an object a already"):
            objects.put_new("a", data)
    with pytest.raises(ObjectExistsError):
        objects.put_new_file("a", tmp_path / "second")
    assert (objects.get("a").data, objects.look("a").etag) == (b"first", etag)
    objects.delete("a")
    objects.put_new("a", b"third")
    assert objects.get("a").data == b"third"


def test_one_of_several_puts_the_new_object(objects: Objects) -> None:
    for race in range(10):
        won: list[int] = []

        def put(number: int, race: int = race, won: list[int] = won) -> None:
            try:
                objects.put_new(f"race/{race}", b"%d" % (number // 2))  # of two that put the same, one wins
            except ObjectExistsError:
                return
            won.append(number)

        at_once(8, put)
        (winner,) = won
        assert objects.get(f"race/{race}").data == b"%d" % (winner // 2)


def test_a_swap_succeeds_once_for_each_content_that_was_read(objects: Objects) -> None:
    first = objects.put("head", b"1")
    second = objects.swap("head", b"2", first)
    assert second != first
    with pytest.raises(ObjectChangedError, match="the object head has changed"):
        objects.swap("head", b"3", first)
    assert (objects.get("head").data, objects.get("head").etag) == (b"2", second)


def test_swaps_lose_nothing(objects: Objects) -> None:
    objects.put_new("counter", b"[]")

    def count(number: int) -> None:
        for step in range(5):
            while True:
                found = objects.get("counter")
                try:
                    objects.swap("counter", json.dumps([*json.loads(found.data), [number, step]]).encode(), found.etag)
                except ObjectChangedError:
                    continue
                break

    at_once(6, count)
    assert sorted(json.loads(objects.get("counter").data)) == [[n, s] for n in range(6) for s in range(5)]


def test_a_file_comes_and_goes_whole(objects: Objects, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40_000  # more than what is read or written in one go
    (tmp_path / "file").write_bytes(content)
    etag = objects.put_new_file("corpora/a/text", tmp_path / "file")
    (tmp_path / "fetched").write_bytes(b"before")
    assert objects.fetch("corpora/a/text", tmp_path / "fetched") == ObjectInfo("corpora/a/text", etag, len(content))
    assert (tmp_path / "fetched").read_bytes() == content
    assert objects.get_range("corpora/a/text", 9_999_999, 10_000_002) == content[9_999_999:10_000_002]
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "fetched", "store"}


def test_an_empty_file_is_an_object_too(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    objects.put_new_file("empty", tmp_path / "file")
    assert objects.fetch("empty", tmp_path / "fetched").size == 0
    assert (tmp_path / "fetched").read_bytes() == b""


def test_objects_are_listed_by_key(objects: Objects) -> None:
    keys = ["a.b", "a/b", "a/b.c/d", "a/c", "a0", "ab", "b/1", "b/10", "b/2", "é/ü"]
    etags = {key: objects.put(key, key.encode()) for key in reversed(keys)}
    assert list(objects.list("")) == [ObjectInfo(key, etags[key], len(key.encode())) for key in keys]
    for prefix in ("", "a", "a/", "a/b", "b/1", "é", "none", "a/b/c"):
        for after in ("", "a/b", "a/b.", "b/1", "z", "a/zz"):
            shown = [each.key for each in objects.list(prefix, after)]
            assert shown == [key for key in keys if key.startswith(prefix) and key > after], (prefix, after)


def test_a_deleted_object_is_gone(objects: Objects) -> None:
    objects.put("a/b", b"1")
    objects.put("a/c", b"1")
    objects.delete("a/b")
    objects.delete("a/b")
    assert [each.key for each in objects.list("a/")] == ["a/c"]
    with pytest.raises(ObjectMissingError):
        objects.get("a/b")


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.b", ".a", "a\0b", "a\\b"])
def test_what_could_leave_the_store_is_no_key(objects: Objects, tmp_path: Path, key: str) -> None:
    (tmp_path / "file").touch()
    for act in (
        lambda: objects.get(key),
        lambda: objects.look(key),
        lambda: objects.get_range(key, 0, 1),
        lambda: objects.fetch(key, tmp_path / "fetched"),
        lambda: objects.put(key, b""),
        lambda: objects.put_new(key, b""),
        lambda: objects.put_new_file(key, tmp_path / "file"),
        lambda: objects.swap(key, b"", ""),
        lambda: objects.delete(key),
    ):
        with pytest.raises(InvalidKeyError, match="is no key"):
            act()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["file"]


PARTS = st.text(st.sampled_from("ab.-_0é% +"), min_size=1, max_size=5).filter(lambda part: not part.startswith("."))
KEYS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


EXAMPLES = itertools.count()


@examples(15, HealthCheck.function_scoped_fixture)
@given(keys=st.lists(KEYS, min_size=1, max_size=4, unique=True), data=st.binary(max_size=20))
def test_whatever_the_key_its_object_is_found(objects: Objects, keys: list[str], data: bytes) -> None:
    prefix = f"{next(EXAMPLES)}/"
    shown = sorted(prefix + key for key in keys if not any(other.startswith(f"{key}/") for other in keys))
    for key in shown:
        objects.put(key, data)
    assert [each.key for each in objects.list(prefix)] == shown
    for key in shown:
        assert objects.get(key).data == data
        objects.delete(key)
    assert not list(objects.list(prefix))
