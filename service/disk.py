"""Says since when the data directory's disk is full or read-only; frees nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from durable import space
from durable.clock import iso
from service.data_dir import DataDir

Shortage = Callable[[], str]


class DiskWatch:
    """Whether the folders of a data directory can be written, looked up at every call; `shortage` says why not."""

    def __init__(self, data: DataDir, shortage: Shortage | None = None, clock: Callable[[], float] = time.time) -> None:
        self._shortage = shortage or (lambda: space.shortage([data.root, *data.folders]))
        self._clock = clock
        self._found = ""
        self._since = 0.0

    def found(self) -> list[str]:
        """A sentence if it cannot be written, with the time at which this process first noticed that."""
        found = self._shortage()
        if found and found != self._found:
            self._since = self._clock()
        self._found = found
        return [f"disk: {found} since {iso(self._since)}; nothing new is kept until that is mended"] if found else []
