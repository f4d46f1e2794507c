"""The head of a run in an object store: all of a job that changes, in one value that is compared and swapped; knows no
store.

Its counter makes every head a new one, even where a job returns to an earlier state. The last events are in the head
itself, so that a state and its event are there in one step; when there are many, they become an immutable segment.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from service.training.jobs import run_files
from service.training.jobs.event_log import line_of
from service.training.jobs.job import QUEUED, JobState

HEAD: Final = "head.json"
SMALL_FILES: Final = (
    run_files.PLAN,
    run_files.ATTEMPTS,
    run_files.INTENT,
    run_files.PROGRESS,
    run_files.WARNINGS,
    run_files.STATUS,
)
"""The files of a run's directory that its head has; the state last, because readers expect the rest once that says that
the job has ended."""

_STATE: Final = TypeAdapter(JobState)


@dataclass(frozen=True, slots=True)
class Reference:
    """An immutable object of a run: its name, its size in bytes, and its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who may write: a higher token takes the run from all before; `renewals` counts what this holder has written, also
    only to show that it is alive."""

    token: int = 0
    owner: str = ""
    renewals: int = 0
    released: bool = True


class Changes:
    """Changes of a run that are to be stored together; a Writer."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any] | None] = {}
        self.events = ""
        self.points: tuple[Reference, ...] | None = None

    def put(self, name: str, value: dict[str, Any], *, sync: bool = True) -> None:  # noqa: ARG002
        """As in Writer."""
        self.files[name] = value

    def drop(self, name: str) -> None:
        """As in Writer."""
        self.files[name] = None

    def log(self, kind: str, data: dict[str, Any]) -> None:
        """As in Writer."""
        self.events += line_of(kind, data).decode()

    def then(self, later: Changes) -> Changes:
        """These changes, followed by later ones."""
        both = Changes()
        both.files = {**self.files, **later.files}
        both.events = self.events + later.events
        both.points = self.points if later.points is None else later.points
        return both


@dataclass(frozen=True, slots=True)
class Head:
    """The head: `files` by name, the log in `segments` and its `tail`, the resume `points`, the newest first; `cancel`:
    whether that was requested; `deleted`: the job is being deleted."""

    counter: int = 0
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))
    holder: Holder = Holder()
    cancel: bool = False
    files: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    segments: tuple[Reference, ...] = ()
    tail: str = ""
    points: tuple[Reference, ...] = ()
    deleted: bool = False

    @property
    def state(self) -> JobState:
        """The job's status and result. Raises ValueError if it cannot be understood."""
        found = self.files.get(run_files.STATUS)
        return QUEUED if found is None else _STATE.validate_python(found)

    @property
    def log_size(self) -> int:
        """The size of the log in bytes."""
        return sum(segment.size for segment in self.segments) + len(self.tail.encode())

    def after(self, changes: Changes, **fields: Any) -> Head:
        """The next head, with the changes, and other values of `fields`; one of a job that has ended has no resume
        points."""
        merged = {**self.files, **changes.files}
        head = replace(
            self,
            counter=self.counter + 1,
            nonce=secrets.token_hex(8),
            files={name: value for name, value in merged.items() if value is not None},
            tail=self.tail + changes.events,
            points=self.points if changes.points is None else changes.points,
            **fields,
        )
        return replace(head, points=()) if head.state.is_final else head

    def to_bytes(self) -> bytes:
        """The head as stored."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Head:
        """The inverse of `to_bytes`. Raises ValueError."""
        try:
            head = _HEAD.validate_python(json.loads(data))
            _ = head.state
        except (ValidationError, RecursionError) as error:
            raise ValueError("is not a head") from error
        return head


_HEAD: Final = TypeAdapter(Head)
