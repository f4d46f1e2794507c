"""Checks the service's files for damage, a few of them at a time, again and again; repairs nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from durable import space
from durable.entries import is_there
from durable.reading import DamagedFileError, message_of
from model_store.errors import NotFoundError, StoreError
from model_store.faults import Faults
from model_store.store import ModelStore
from service.training.corpora.store import CorpusStore
from service.training.jobs.store import JobStore

log = logging.getLogger(__name__)

LEAST_SECONDS: Final = 1.0
SLICE_SECONDS: Final = 0.02
FIRST_SECONDS: Final = 0.2
"""How long one call may look around, and each until everything has been seen once."""
SHARE: Final = 0.02
FIRST_SHARE: Final = 0.1
"""The maximum share of its time that a process spends on this, and until everything has been seen once: what is in a
store with thousands of files is looked at less often."""

AGAIN: Final = 20
"""How many of the damaged things each slice begins with, so that a repair is seen at once."""

Check = Callable[[], list[str]]
"""What is wrong with one thing, in sentences; nothing when it was deleted."""
Look = Callable[[], Iterator[tuple[str, Check]]]
"""Goes through everything once: the name of each thing, and how it is checked."""


class Inspection:
    """What is damaged of the things that `look` goes through, a few milliseconds at a time; new damage is logged
    once."""

    def __init__(self, look: Look, clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._clock = clock
        self._lock = threading.Lock()
        self._next_slice = float("-inf")
        self._has_looked = self._has_seen_all = False
        self._rest = look()
        self._damaged: dict[str, tuple[Check, list[str]]] = {}
        self._checked = 0
        self._hindrance: list[str] = []

    def found(self) -> list[str]:
        """What is damaged, each in one sentence, as of a moment ago; goes on looking when that is due. While another
        thread does so, which takes long on a slow disk, nothing but the very first slice is waited for."""
        if self._is_due() and self._lock.acquire(blocking=not self._has_looked):
            try:
                if self._is_due():
                    self._go_on()
            finally:
                self._lock.release()
        found = [f"{name}: {fault}" for name, (_, faults) in list(self._damaged.items()) for fault in faults]
        return found + self._hindrance

    def _is_due(self) -> bool:
        return self._clock() >= self._next_slice

    def _go_on(self) -> None:
        began = self._clock()
        seconds, share = (SLICE_SECONDS, SHARE) if self._has_seen_all else (FIRST_SECONDS, FIRST_SHARE)
        for name, (check, _) in self._some_damaged():
            self._check(name, check)
        try:
            for name, check in self._rest:
                self._check(name, check)
                if self._clock() - began >= seconds:
                    break
            else:
                self._begin_again([])
        except (OSError, StoreError, DamagedFileError) as error:
            self._begin_again([f"DATA_DIR cannot be looked through: {message_of(error)}"])
        self._has_looked = True
        spent = self._clock() - began
        self._next_slice = self._clock() + max(LEAST_SECONDS, spent / share)

    def _some_damaged(self) -> list[tuple[str, tuple[Check, list[str]]]]:
        """A few of them, others each time."""
        found = list(self._damaged.items())
        begin = self._checked if self._checked < len(found) else 0
        self._checked = begin + AGAIN
        return found[begin : begin + AGAIN]

    def _check(self, name: str, check: Check) -> None:
        try:
            faults = check()
        except (OSError, StoreError, DamagedFileError) as error:
            if space.passes(error):
                return  # a lack of descriptors or memory is no damage: what was found before stands
            faults = [f"cannot be looked through: {message_of(error)}"]
        _, before = self._damaged.get(name, (check, []))
        for each in faults:
            if each not in before:
                log.warning("damaged: %s: %s", name, each)
        if faults:
            self._damaged[name] = (check, faults)
        else:
            self._damaged.pop(name, None)

    def _begin_again(self, hindrance: list[str]) -> None:
        if hindrance != self._hindrance:
            log.warning("%s", *hindrance or ["DATA_DIR can be looked through again"])
        self._hindrance, self._has_seen_all, self._rest = hindrance, True, self._look()


def damaged_files(store: ModelStore, faults: Faults, corpora: CorpusStore, jobs: JobStore) -> Look:
    """A function that goes through the stores' folders, models with their aliases and versions, corpora and jobs, the
    newest first, and then verifies the weights of the versions that have changed since their last verification."""

    def of_model(name: str) -> list[str]:
        with suppress(NotFoundError):
            return faults.of(name)
        return []

    def look() -> Iterator[tuple[str, Check]]:
        yield from ((root.name, partial(_no_folder, root)) for root in (store.root, corpora.root, jobs.root))
        names = store.models()
        yield from ((f"model {name}", partial(faults.of_stray, name)) for name in faults.strays(names))
        for name in names:
            yield f"model {name}", partial(of_model, name)
        for corpus in reversed(corpora.ids()):
            yield f"corpus {corpus}", partial(_one, corpora.fault, corpus)
        for job in reversed(jobs.ids()):
            yield f"job {job}", partial(_one, jobs.fault, job)
        for name in store.models():
            with suppress(NotFoundError):
                for _ in faults.verify(name):
                    yield f"model {name}", partial(of_model, name)

    return look


def _no_folder(root: Path) -> list[str]:
    """A store's folder may be missing, or a link to one elsewhere."""
    return ["it is no folder"] if is_there(root) and not root.is_dir() else []


def _one(fault_of: Callable[[str], str], name: str) -> list[str]:
    fault = fault_of(name)
    return [fault] if fault else []
