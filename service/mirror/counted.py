"""A store of objects that counts what it is asked, for the metrics; passes everything on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from durable.objects import (
    Content,
    ObjectChangedError,
    ObjectExistsError,
    ObjectInfo,
    ObjectMissingError,
    Objects,
    StoreUnavailableError,
)

OUTCOMES: Final[Mapping[type[Exception], str]] = {
    ObjectMissingError: "missing",
    ObjectExistsError: "exists",
    ObjectChangedError: "changed",
    StoreUnavailableError: "unavailable",
}
"""What came of a request that raised this; any other is `failed`, and one that raises nothing `done`."""


@dataclass(frozen=True, slots=True)
class Requests:
    """How many there were, and how many seconds they took together."""

    count: int = 0
    seconds: float = 0.0


class CountedObjects:
    """The store `objects`, and how often each of its methods was called with which outcome. The server may be asked
    more than once for one call: for each page of a list, and when a request is repeated."""

    def __init__(self, objects: Objects, clock: Callable[[], float] = time.monotonic) -> None:
        self._objects = objects
        self._clock = clock
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str], Requests] = {}

    def __str__(self) -> str:
        return str(self._objects)

    def requests(self) -> Mapping[tuple[str, str], Requests]:
        """What was asked so far, by method and outcome."""
        with self._lock:
            return dict(self._requests)

    def get(self, key: str) -> Content:
        with self._counted("get"):
            return self._objects.get(key)

    def look(self, key: str) -> ObjectInfo:
        with self._counted("look"):
            return self._objects.look(key)

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        with self._counted("get_range"):
            return self._objects.get_range(key, start, stop)

    def fetch(self, key: str, path: Path) -> ObjectInfo:
        with self._counted("fetch"):
            return self._objects.fetch(key, path)

    def put(self, key: str, data: bytes) -> str:
        with self._counted("put"):
            return self._objects.put(key, data)

    def put_new(self, key: str, data: bytes) -> str:
        with self._counted("put_new"):
            return self._objects.put_new(key, data)

    def put_new_file(self, key: str, path: Path) -> str:
        with self._counted("put_new_file"):
            return self._objects.put_new_file(key, path)

    def swap(self, key: str, data: bytes, etag: str) -> str:
        with self._counted("swap"):
            return self._objects.swap(key, data, etag)

    def list(self, prefix: str, after: str = "") -> Iterator[ObjectInfo]:
        with self._counted("list"):
            return iter([*self._objects.list(prefix, after)])

    def delete(self, key: str) -> None:
        with self._counted("delete"):
            self._objects.delete(key)

    @contextmanager
    def _counted(self, method: str) -> Iterator[None]:
        began, outcome = self._clock(), "failed"
        try:
            yield
            outcome = "done"
        except Exception as error:
            outcome = OUTCOMES.get(type(error), outcome)
            raise
        finally:
            with self._lock:
                before = self._requests.get((method, outcome), Requests())
                seconds = before.seconds + self._clock() - began
                self._requests[method, outcome] = replace(before, count=before.count + 1, seconds=seconds)
