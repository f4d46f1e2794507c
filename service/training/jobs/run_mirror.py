"""A run in an object store, and its mirror on this machine's disk, which has the files of a run's directory; knows
nothing of who may write."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from durable import files, locks
from durable.drafts import draft_folder, put_new_folder, withdraw
from durable.entries import drop, is_folder, is_there
from durable.objects import ObjectDamagedError, ObjectExistsError, ObjectMissingError, Objects, StoreUnavailableError
from service.training.jobs import run_files, stalls
from service.training.jobs.event_log import EVENTS
from service.training.jobs.lease import LEASE, LOCK_SECONDS
from service.training.jobs.shared_head import HEAD, SMALL_FILES, Head, Reference

log = logging.getLogger(__name__)

PREFIX: Final = "runs/"
"""Where the keys of all runs begin."""
NOTED: Final = ".head.json"
"""In the mirror: the head that it shows, with its e-tag; written last."""
DAMAGED: Final = ".damaged"
"""In the mirror: what is wrong with the head in the store."""
MAX_TAIL: Final = 32 << 10
"""In bytes: a head with more of the log is short of a segment."""


class MirrorLockedError(StoreUnavailableError):
    """Another process of this machine writes to the mirror of a run, and takes long."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A head, and the e-tag that it had in the store."""

    head: Head
    etag: str


class RunMirror:
    """The run of a job: its objects, and its mirror under `root`. `announce` is called after a change that others
    should see soon."""

    def __init__(self, objects: Objects, root: Path, job: str, announce: Callable[[], object] = lambda: None) -> None:
        self.objects = objects
        self.folder = root / job
        self.announce = announce

    def key(self, name: str) -> str:
        """The key of an object of the run."""
        return f"{PREFIX}{self.folder.name}/{name}"

    def look(self) -> Seen:
        """The head in the store, brought into the mirror.

        Raises ObjectMissingError without such a job, ObjectDamagedError, OSError.
        """
        found = self.objects.get(self.key(HEAD))
        try:
            seen = Seen(Head.from_bytes(found.data), found.etag)
        except ValueError as error:
            raise ObjectDamagedError(self.key(HEAD), "is not a head") from error
        if seen.head.deleted:
            raise ObjectMissingError(self.key(HEAD))
        self.bring(seen)
        return seen

    def swap(self, head: Head, etag: str) -> Seen:
        """Put the head in the place of the one with the e-tag. Raises ObjectChangedError, OSError."""
        return Seen(head, self.objects.swap(self.key(HEAD), head.to_bytes(), etag))

    def rolled(self, head: Head) -> Head:
        """The head with its tail moved into a segment if it is long. Raises OSError."""
        data = head.tail.encode()
        if len(data) < MAX_TAIL:
            return head
        segment = reference(f"events-{len(head.segments) + 1:06d}", ".jsonl", data)
        with suppress(ObjectExistsError):  # the name has the content's hash
            self.objects.put_new(self.key(segment.name), data)
        return replace(head, segments=(*head.segments, segment), tail="")

    def bring(self, seen: Seen, *, anew: bool = False) -> None:
        """Let the mirror show this head, unless it shows a later one; `anew`: do not trust what is in the mirror.
        Raises OSError."""
        if is_folder(self.folder):
            try:
                with suppress(FileNotFoundError), locks.locked(self.folder / run_files.LOCK, LOCK_SECONDS):
                    self._write(self.folder, seen, anew)
                    return
            except TimeoutError as error:
                raise MirrorLockedError(f"the mirror of run {self.folder.name} is locked") from error
        self._create(lambda folder: self._write(folder, seen, anew=True))

    def mark(self, reason: str) -> None:
        """Let the mirror say what is wrong with the head in the store, until that is sound again. Raises OSError."""

        def write(folder: Path) -> None:
            files.put(folder / DAMAGED, reason.encode(), sync=False)
            drop(folder / NOTED)

        if is_folder(self.folder):
            write(self.folder)
        else:
            self._create(write)

    def fault(self) -> str:
        """What is wrong with the head in the store, if that is known; else empty."""
        with suppress(OSError):
            return files.read(self.folder / DAMAGED).decode(errors="replace")
        return ""

    def noted(self) -> Seen | None:
        """The head that the mirror shows; None without one."""
        return _noted(self.folder)

    def forget(self) -> None:
        """Remove the mirror of a job that there is no more."""
        with suppress(FileNotFoundError):
            drop(withdraw(self.folder))

    def delete(self) -> None:
        """Delete the objects of a job whose head says that it is deleted, the head last, and its mirror. Raises
        OSError."""
        for found in list(self.objects.list(self.key(""))):
            if found.key != self.key(HEAD):
                self.objects.delete(found.key)
        self.objects.delete(self.key(HEAD))
        self.forget()

    def _create(self, write: Callable[[Path], None]) -> None:
        with draft_folder(self.folder.parent) as draft:
            with suppress(ObjectMissingError):
                files.put(draft / run_files.REQUEST, self.objects.get(self.key(run_files.REQUEST)).data)
            stalls.prepare(draft)
            write(draft)
            try:
                put_new_folder(draft, self.folder)
            except OSError:
                if not is_there(self.folder):
                    raise  # else another process was faster

    def _write(self, folder: Path, seen: Seen, anew: bool) -> None:
        """The log first: a reader that sees a job's end looks for its last event there."""
        noted, head = _noted(folder), seen.head
        if noted is not None and noted.head.counter >= head.counter and not anew:
            return
        before = None if noted is None or anew else noted.head
        self._write_log(folder / EVENTS, head, before)
        if head.cancel:
            (folder / run_files.CANCEL).touch()
        for name in SMALL_FILES:
            value = head.files.get(name)
            if value is None:
                drop(folder / name)
            elif before is None or before.files.get(name) != value:
                files.put(folder / name, json.dumps(value).encode(), sync=name != run_files.PROGRESS)
        _write_lease(folder / LEASE, head)
        drop(folder / DAMAGED)
        text = json.dumps({"etag": seen.etag, "head": asdict(head)})
        files.put(folder / NOTED, text.encode(), sync=False)

    def _write_log(self, path: Path, head: Head, before: Head | None) -> None:
        """Logs only grow: what the mirror has of an earlier head is the beginning."""
        with suppress(OSError):
            if before is not None and path.stat().st_size == before.log_size:
                if head.log_size > before.log_size:
                    with path.open("ab", 0) as file:
                        file.write(self._log(head, before.log_size))
                return
        files.put(path, self._log(head), sync=False)

    def _log(self, head: Head, start: int = 0) -> bytes:
        """The log from this offset on."""
        pieces, offset = [], 0
        for segment in head.segments:
            if start < offset + segment.size:
                pieces.append(self._segment(segment)[max(start - offset, 0) :])
            offset += segment.size
        return b"".join((*pieces, head.tail.encode()[max(start - offset, 0) :]))

    def _segment(self, segment: Reference) -> bytes:
        """Its content; of a damaged one as many bytes, because the ids of events are offsets."""
        data = b""
        with suppress(ObjectMissingError):
            data = self.objects.get(self.key(segment.name)).data
        if not is_of(segment, data):
            log.warning("the object %s is damaged: events of the job are missing", self.key(segment.name))
        return data[: segment.size].ljust(segment.size, b"\n")


def reference(stem: str, ending: str, data: bytes) -> Reference:
    """The reference of an object with this content, whose hash is in its name: two that differ have two names."""
    digest = hashlib.sha256(data).hexdigest()
    return Reference(f"{stem}-{digest[:16]}{ending}", len(data), digest)


def is_of(reference: Reference, data: bytes) -> bool:
    """Whether this is the content of the object."""
    return len(data) == reference.size and hashlib.sha256(data).hexdigest() == reference.sha256


def _noted(folder: Path) -> Seen | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        values = json.loads(files.read(folder / NOTED))
        return Seen(Head.from_bytes(json.dumps(values["head"]).encode()), str(values["etag"]))
    return None


def _write_lease(path: Path, head: Head) -> None:
    """The file's time is when this machine first saw the lease in its present state: `is_live` judges by that, and by
    no other machine's clock."""
    lease: dict[str, Any] = asdict(head.holder)
    if not head.holder.token:
        return
    with suppress(OSError, ValueError):
        if json.loads(files.read(path)) == lease:
            return
    files.put(path, json.dumps(lease).encode(), sync=False)
