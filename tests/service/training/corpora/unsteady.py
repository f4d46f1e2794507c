"""A store of objects that goes away, that lets something else happen before a call, and that counts what is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from durable.objects import Content, ObjectInfo, Objects, StoreUnavailableError


class Unsteady:
    """The given store. `away`: the calls that fail. `before`: what happens once, before a call of this name."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.away: set[str] = set()
        self.before: dict[str, Callable[[], object]] = {}
        self.calls: Counter[str] = Counter()

    def _called(self, name: str) -> Objects:
        self.calls[name] += 1
        if happens := self.before.pop(name, None):
            happens()
        if name in self.away:
            raise StoreUnavailableError("the store does not answer")
        return self.objects

    def get(self, key: str) -> Content:
        return self._called("get").get(key)

    def look(self, key: str) -> ObjectInfo:
        return self._called("look").look(key)

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        return self._called("get_range").get_range(key, start, stop)

    def fetch(self, key: str, path: Path) -> ObjectInfo:
        return self._called("fetch").fetch(key, path)

    def put(self, key: str, data: bytes) -> str:
        return self._called("put").put(key, data)

    def put_new(self, key: str, data: bytes) -> str:
        return self._called("put_new").put_new(key, data)

    def put_new_file(self, key: str, path: Path) -> str:
        return self._called("put_new_file").put_new_file(key, path)

    def swap(self, key: str, data: bytes, etag: str) -> str:
        return self._called("swap").swap(key, data, etag)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        return self._called("list").list(prefix, after)

    def delete(self, key: str) -> None:
        self._called("delete").delete(key)


ALL = {"get", "look", "get_range", "fetch", "put", "put_new", "put_new_file", "swap", "list", "delete"}
