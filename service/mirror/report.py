"""What the process that keeps the mirror up to date tells the others of its machine, in one small file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from durable import files
from durable.clock import iso
from durable.reading import DamagedFileError, read_json

LATE_SECONDS: Final = 60.0
"""A mirror that was not brought up to date for so long is not looked after."""


_PLACE: Final = re.compile(r"s3://\S+(?: at \S+)?(?:( does not \w+) \S+(?=:))?")
"""How errors say which store they are about, and which object: those who ask whether this machine is ready need not
know."""


class _Fault(TypedDict):
    """What is wrong, and since when."""

    what: str
    since: str


class _Report(TypedDict):
    """The store's URL; when each subject was last up to date, by time.monotonic, which the processes of a machine
    share; why a subject is not, if it is not."""

    store: str
    refreshed: dict[str, float]
    faults: dict[str, _Fault]


_SHAPE: Final = TypeAdapter(_Report)


class MirrorReport:
    """The side of the process that keeps the mirror up to date: writes the file, if the disk takes it."""

    def __init__(
        self,
        path: Path,
        store: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._clock, self._monotonic = path, clock, monotonic
        self._report = _read(path, store)

    def refreshed(self, subject: str) -> None:
        """This subject is up to date now."""
        self._report["refreshed"][subject] = self._monotonic()
        self._report["faults"].pop(subject, None)
        self._put()

    def failed(self, subject: str, fault: str) -> None:
        """This subject cannot be brought up to date, for this reason, in a few words."""
        before = self._report["faults"].get(subject)
        since = before["since"] if before else iso(self._clock())
        self._report["faults"][subject] = {"what": fault, "since": since}
        self._put()

    def _put(self) -> None:
        with suppress(OSError):
            files.put(self._path, _SHAPE.dump_json(self._report), sync=False)


class MirrorNotFilledError(Exception):
    """The mirror has never had all that is needed to serve; the message says why."""


class MirrorStatus:
    """The other processes' side: `subjects` are those that must have been mirrored before this machine can serve. A
    missing or damaged file says that nothing was."""

    def __init__(
        self, path: Path, store: str, subjects: tuple[str, ...], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._store, self._subjects, self._monotonic = path, store, subjects, monotonic

    def is_filled(self) -> bool:
        """Whether the mirror has what is needed to serve, also from an earlier start."""
        return set(self._subjects) <= _read(self._path, self._store)["refreshed"].keys()

    def check(self) -> None:
        """Raises MirrorNotFilledError."""
        if not self.is_filled():
            why = "".join(f": {_without_place(fault['what'])}" for fault in self._faults()[:1])
            raise MirrorNotFilledError(f"the store has not been read yet{why}")

    def problems(self) -> list[str]:
        """A sentence if the store does not answer, or is not looked at."""
        if faults := self._faults():
            what, since = _without_place(faults[0]["what"]), faults[0]["since"]
            return [f"store: {what}, since {since}; what is here is served, and nothing new is kept"]
        late = [age for age in self.ages().values() if not 0 <= age < LATE_SECONDS]
        if late and self.is_filled():
            return [f"store: it was last looked at {max(late):.0f} s ago; changes elsewhere are not seen"]
        return []

    def ages(self) -> dict[str, float]:
        """Seconds since each subject was up to date."""
        now = self._monotonic()
        return {subject: now - moment for subject, moment in _read(self._path, self._store)["refreshed"].items()}

    def _faults(self) -> list[_Fault]:
        """The one that has lasted longest comes first."""
        return sorted(_read(self._path, self._store)["faults"].values(), key=lambda each: each["since"])


def _without_place(what: str) -> str:
    return _PLACE.sub(lambda found: f"it{found[1] or ''}", what)


def _read(path: Path, store: str) -> _Report:
    """What the file says of this store."""
    with suppress(OSError, DamagedFileError):
        report = read_json(path, _SHAPE)
        if report["store"] == store:
            return report
    return {"store": store, "refreshed": {}, "faults": {}}
