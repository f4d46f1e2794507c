"""Keeps this machine's mirror of the object store up to date, in a thread of whichever process has the claim to do it;
knows neither what is mirrored nor where."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, TextIO

from durable.locks import ClaimedError, claim
from durable.objects import StoreUnavailableError
from service.mirror.report import MirrorReport
from service.mirror.schedule import Schedule, Subject

log = logging.getLogger(__name__)

CLAIM_SECONDS: Final = 2.0
"""How often the other processes look whether the one that had the claim has ended."""


class Hints(Protocol):
    """What other processes say has changed."""

    def wait(self, seconds: float) -> frozenset[str]: ...
    def wake(self) -> None: ...


class Refresher:
    """Refreshes the `subjects`, in this order, while this process holds the claim on the file `lock`.

    `check` is called first, until it raises nothing: whether the store may be mirrored here. `patience`: how long the
    claim is left to others at first, in seconds.
    """

    def __init__(
        self,
        subjects: Sequence[Subject],
        lock: Path,
        report: MirrorReport,
        hints: Hints,
        *,
        check: Callable[[], object] = lambda: None,
        patience: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._schedules = [Schedule(subject, clock) for subject in subjects]
        self._lock, self._report, self._hints, self._patience = lock, report, hints, patience
        self._check, self._is_checked = check, False
        self._away = ""
        """The subject that was seen to fail because the store cannot be used; it says so until that one succeeds."""
        self._faults: dict[str, str] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)

    def start(self) -> None:
        """Start the thread, after any fork."""
        self._thread.start()

    def close(self) -> None:
        """Let another process have the claim, once the present look is over; returns at once."""
        self._closed.set()
        self._hints.wake()

    def look(self, heard: frozenset[str] = frozenset()) -> float:
        """Refresh what is due, given what was heard of changes; returns the seconds until something is due again."""
        for schedule in self._schedules:
            if schedule.subject.name in heard:
                schedule.hinted()
        for schedule in self._schedules:
            if schedule.due_in() <= 0 and not self._closed.is_set() and self._may_refresh():
                self._refresh(schedule)
        return max(0.0, min(schedule.due_in() for schedule in self._schedules))

    def _may_refresh(self) -> bool:
        if not self._is_checked:
            try:
                self._check()
                self._is_checked = True
            except Exception as error:  # it is said, and tried again
                self._failed(self._schedules[0].subject.name, str(error))
        return self._is_checked

    def _refresh(self, schedule: Schedule) -> None:
        name = schedule.subject.name
        try:
            changed = schedule.subject.refresh()
        except StoreUnavailableError as error:
            self._failed(name, str(error))
        except Exception as error:  # whatever it is, the others are refreshed
            fault = f"{name} cannot be mirrored: {getattr(error, 'strerror', None) or error}"
            if fault != self._faults.get(name):
                log.exception("%s cannot be mirrored", name)
            self._faults[name] = fault
            self._report.failed(name, fault)
            schedule.failed()
        else:
            self._say_back(name)
            self._faults.pop(name, None)
            self._report.refreshed(name)
            schedule.looked(changed=changed)

    def _failed(self, name: str, fault: str) -> None:
        """None can be refreshed, as was seen with this one."""
        if not self._away:
            log.warning("the store cannot be used: %s; it is tried again", fault)
            self._away = name
        self._report.failed(name, fault)
        for each in self._schedules:
            each.failed()

    def _say_back(self, name: str) -> None:
        if name == self._away:
            log.info("the store can be used again")
            self._away = ""

    def _run(self) -> None:
        self._closed.wait(self._patience)
        while not self._closed.is_set():
            if (held := self._claimed()) is not None:
                with held:
                    self._refresh_for_long()
            self._closed.wait(CLAIM_SECONDS)

    def _refresh_for_long(self) -> None:
        heard: frozenset[str] = frozenset()
        while not self._closed.is_set():
            heard = self._hints.wait(self.look(heard))

    def _claimed(self) -> TextIO | None:
        with suppress(ClaimedError, OSError):
            return claim(self._lock)
        return None
