"""Counts what Python opens, for laws about how much is read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_counters: list[list[str]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _counters and event in ("open", "os.listdir", "os.scandir"):
        for counter in _counters:
            counter.append(str(arguments[0]))


sys.addaudithook(_hook)  # which nothing removes; without a counter it does nothing


@contextmanager
def opened() -> Iterator[list[str]]:
    """The files that are opened and the folders that are listed until the end, by any thread."""
    counter: list[str] = []
    _counters.append(counter)
    try:
        yield counter
    finally:
        _counters.remove(counter)
