"""A store of objects between which and its caller something happens: the caller dies, or the store is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from durable.objects import Content, ObjectInfo, Objects, StoreUnavailableError

T = TypeVar("T")

READS = ("get", "get_range", "fetch")
WRITES = ("put", "put_new", "put_new_file", "swap", "delete")


class Killed(BaseException):
    """As if the process were killed here: nothing handles this."""


class InterruptedObjects:
    """`objects`, to whose calls `interrupt` is told the method's name, before and after they are carried out; it may
    raise."""

    def __init__(self, objects: Objects, interrupt: Callable[[str, bool], None]) -> None:
        self._objects = objects
        self._interrupt = interrupt

    def get(self, key: str) -> Content:
        return self._called("get", lambda: self._objects.get(key))

    def look(self, key: str) -> ObjectInfo:
        return self._called("look", lambda: self._objects.look(key))

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        return self._called("get_range", lambda: self._objects.get_range(key, start, stop))

    def fetch(self, key: str, path: Path) -> ObjectInfo:
        return self._called("fetch", lambda: self._objects.fetch(key, path))

    def put(self, key: str, data: bytes) -> str:
        return self._called("put", lambda: self._objects.put(key, data))

    def put_new(self, key: str, data: bytes) -> str:
        return self._called("put_new", lambda: self._objects.put_new(key, data))

    def put_new_file(self, key: str, path: Path) -> str:
        return self._called("put_new_file", lambda: self._objects.put_new_file(key, path))

    def swap(self, key: str, data: bytes, etag: str) -> str:
        return self._called("swap", lambda: self._objects.swap(key, data, etag))

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        return self._called("list", lambda: iter([*self._objects.list(prefix, after)]))

    def delete(self, key: str) -> None:
        self._called("delete", lambda: self._objects.delete(key))

    def _called(self, method: str, call: Callable[[], T]) -> T:
        self._interrupt(method, False)
        done = call()
        self._interrupt(method, True)
        return done


def killing(step: int) -> Callable[[str, bool], None]:
    """Kills the caller at this step, counted from 0: before each call that reads or writes a content, and after each
    that writes."""
    steps = iter(range(step + 1))

    def interrupt(method: str, is_done: bool) -> None:
        if (method in WRITES or (method in READS and not is_done)) and next(steps, None) == step:
            raise Killed

    return interrupt


def away(method: str, is_done: bool) -> None:
    """No call reaches the store."""
    raise StoreUnavailableError(f"the store does not answer: {method}, {is_done}")
