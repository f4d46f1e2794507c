"""Collects what uploads that never ended and interrupted deletions have left in an object store."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from service.training.corpora.heads import LOST, CorpusHeads

ABANDONED_SECONDS: Final = 3600.0
"""How long a text lies in the store without a head that names it before it is deleted. An upload needs moments from one
to the other; one that needs longer is repeated by the machine that makes it."""

_UPLOADED: Final = re.compile(r"corpora/[0-9a-f]{16}/(text(-[0-9a-f]{16})?|characters)\.txt")

log = logging.getLogger(__name__)


class Leftovers:
    """What one process has seen in the store that belongs to no corpus, and since when, by its own clock. Any number of
    processes may look: each deletes only after it has swapped the head, so that an upload that is still under way knows
    that its text is gone."""

    def __init__(
        self, heads: CorpusHeads, seconds: float = ABANDONED_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._heads = heads
        self._seconds = seconds
        self._clock = clock
        self._since: dict[str, float] = {}

    def look(self, found: Mapping[str, tuple[Collection[str], frozenset[str]]]) -> None:
        """For each corpus, its objects' keys as they are now, and those that belong to it. Raises OSError."""
        now = self._clock()
        left = {
            key: corpus
            for corpus, (keys, owned) in found.items()
            for key in keys
            if key not in owned and _UPLOADED.fullmatch(key)
        }
        self._since = {key: self._since.get(key, now) for key in left}
        due: dict[str, list[str]] = {}
        for key, corpus in left.items():
            if now - self._since[key] >= self._seconds:
                due.setdefault(corpus, []).append(key)
        for corpus, keys in due.items():
            self._collect(corpus, keys)

    def _collect(self, corpus: str, keys: list[str]) -> None:
        """The uploads of these have read the head before, so that it cannot name any of them once it is swapped."""
        head = self._heads.read(corpus)
        if head is not None and head.fault:
            return
        keys = [key for key in keys if head is None or key not in head.keys]
        if not keys:
            return
        try:
            self._heads.touch(corpus, head)
        except LOST:
            return
        self._heads.drop(keys)
        log.info("corpus %s: %d objects of uploads that never ended were deleted", corpus, len(keys))
