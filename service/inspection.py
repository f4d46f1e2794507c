"""Checks the service's files regularly for damage; repairs nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from durable.reading import DamagedFileError
from model_store.errors import NotFoundError, StoreError
from model_store.faults import Faults
from model_store.store import ModelStore
from service.training.corpora.store import CorpusStore
from service.training.jobs.store import JobStore

log = logging.getLogger(__name__)

LEAST_SECONDS: Final = 1.0
SHARE: Final = 0.02
"""The maximum share of its time that a process spends on this: a store with thousands of files is checked less
often."""

Look = Callable[[], Iterator[str]]


class Inspection:
    """The latest result of `look`; new damage is logged once."""

    def __init__(self, look: Look, clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._clock = clock
        self._lock = threading.Lock()
        self._next_look = float("-inf")
        self._has_looked = False
        self._found: list[str] = []

    def found(self) -> list[str]:
        """What is damaged, each in one sentence, as of a moment ago; checks again when that is due. While another
        thread is checking, which takes long on a slow disk, the previous result is returned."""
        if self._is_due() and self._lock.acquire(blocking=not self._has_looked):
            try:
                if self._is_due():
                    self._look_now()
            finally:
                self._lock.release()
        return list(self._found)

    def _is_due(self) -> bool:
        return self._clock() >= self._next_look

    def _look_now(self) -> None:
        began, found = self._clock(), []
        try:
            found = list(self._look())
        except (OSError, StoreError, DamagedFileError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            found = [f"DATA_DIR cannot be looked through: {reason}"]
        for each in found:
            if each not in self._found:
                log.warning("damaged: %s", each)
        self._found, self._has_looked = found, True
        spent = self._clock() - began
        self._next_look = self._clock() + max(LEAST_SECONDS, spent / SHARE)


def damaged_files(store: ModelStore, faults: Faults, corpora: CorpusStore, jobs: JobStore) -> Look:
    """A function that checks models with their aliases and versions, corpora and jobs. Each call also verifies the
    weights of one version that has changed since its last verification."""

    def look() -> Iterator[str]:
        with suppress(NotFoundError):
            faults.verify_next()
        yield from (f"model {name}: {fault}" for name, fault in faults.strays().items())
        for name in store.models():
            with suppress(NotFoundError):
                yield from (f"model {name}: {fault}" for fault in faults.of(name))
        yield from (f"corpus {id}: {fault}" for id, fault in corpora.damaged().items())
        for job in jobs.ids():
            if fault := jobs.fault(job):
                yield f"job {job}: {fault}"

    return look
