from __future__ import annotations

from pathlib import Path

import pytest

from durable.directory_objects import DirectoryObjects
from durable.objects import ObjectExistsError, ObjectInfo, ObjectMissingError, Objects, StoreUnavailableError
from service.mirror.counted import CountedObjects, Requests


class Away(DirectoryObjects):
    def look(self, key: str) -> ObjectInfo:
        raise StoreUnavailableError("no answer in time")


def test_it_is_a_store_like_the_one_in_it(tmp_path: Path) -> None:
    objects: Objects = CountedObjects(DirectoryObjects(tmp_path / "store"))
    etag = objects.swap("a/b", b"new", objects.put_new("a/b", b"old"))
    (tmp_path / "file").write_bytes(b"whole")
    objects.put_new_file("a/file", tmp_path / "file")
    assert objects.get("a/b").etag == etag == objects.look("a/b").etag == objects.put("a/b", b"new")
    assert objects.get_range("a/b", 1, 3) == b"ew"
    objects.fetch("a/file", tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b"whole"
    assert [each.key for each in objects.list("a/", "a/b")] == ["a/file"]
    objects.delete("a/b")
    assert [each.key for each in objects.list("")] == ["a/file"]
    assert str(objects) == str(tmp_path / "store")


def test_requests_are_counted_by_method_and_outcome(tmp_path: Path) -> None:
    ticks = iter(range(100))
    objects = CountedObjects(Away(tmp_path), lambda: next(ticks))
    objects.put_new("a", b"1")
    with pytest.raises(ObjectExistsError):
        objects.put_new("a", b"2")
    for _ in range(2):
        with pytest.raises(ObjectMissingError):
            objects.get("b")
    with pytest.raises(StoreUnavailableError):
        objects.look("a")
    with pytest.raises(ValueError, match="no key"):
        objects.get("../a")
    assert objects.requests() == {
        ("put_new", "done"): Requests(1, 1),
        ("put_new", "exists"): Requests(1, 1),
        ("get", "missing"): Requests(2, 2),
        ("look", "unavailable"): Requests(1, 1),
        ("get", "failed"): Requests(1, 1),
    }
