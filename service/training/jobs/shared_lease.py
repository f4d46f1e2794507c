"""Leases of runs in an object store: what the holder writes counts when the head of the run has it, and an
earlier holder cannot change that any more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

from durable.objects import ObjectChangedError, ObjectDamagedError, ObjectMissingError, StoreUnavailableError
from service.training.errors import LeaseHeldError
from service.training.jobs import run_files
from service.training.jobs.lease import TTL_SECONDS, Lease, is_live, lost, owner, restart_watch, taken_soon
from service.training.jobs.run_mirror import RunMirror, Seen
from service.training.jobs.shared_head import Changes, Head, Holder, Reference

log = logging.getLogger(__name__)

RESUME: Final = "resume-"


class SharedLease(Lease):
    """A lease in the head of a run.

    What is written without `at_once` waits for the next renewal, so that training does not wait for the store, and
    while the store is away it is kept. Other machines see by their own clocks that the head no longer changes, and then
    put a higher token there: a swap of the earlier holder fails from then on.
    """

    def __init__(self, mirror: RunMirror, seen: Seen, ttl: float) -> None:
        self._mirror = mirror
        self._seen = seen
        self._waiting = Changes()
        self._sent: Changes | None = None
        """What waited and was in a swap whose outcome is not known."""
        self._tried = seen.head.holder.renewals
        self._is_behind = False
        self._lost = threading.Event()
        self._writes = threading.RLock()
        self._waits = threading.Lock()
        super().__init__(mirror.folder, seen.head.holder.token, ttl)

    @classmethod
    def take_shared(cls, mirror: RunMirror, ttl: float = TTL_SECONDS) -> SharedLease:
        """Take the lease of a run that is free, or whose lease was not seen to be renewed for `ttl` seconds.

        Raises LeaseHeldError, ObjectMissingError when there is no such run, OSError.
        """
        try:
            seen = mirror.look()
        except OSError:
            restart_watch(mirror.folder)  # its holder may not have reached the store either
            raise
        if is_live(mirror.folder, ttl):
            raise LeaseHeldError(f"another worker already runs {mirror.folder.name}")
        holder = Holder(seen.head.holder.token + 1, owner(), released=False)
        try:
            seen = mirror.swap(seen.head.after(Changes(), holder=holder), seen.etag)
        except ObjectChangedError as error:
            raise LeaseHeldError(f"another worker takes {mirror.folder.name}") from error
        mirror.bring(seen, anew=True)
        return cls(mirror, seen, ttl)

    @classmethod
    def take_shared_soon(cls, mirror: RunMirror, stop: threading.Event, ttl: float = TTL_SECONDS) -> SharedLease:
        """As `take_soon`."""
        with suppress(LeaseHeldError):
            return cls.take_shared(mirror, ttl)  # looks: what the mirror has not seen yet is no renewal
        return taken_soon(lambda: cls.take_shared(mirror, ttl), mirror.folder, stop, ttl)

    @property
    def token(self) -> int:
        """This holder's fencing token."""
        return self._token

    @property
    def points(self) -> tuple[Reference, ...]:
        """The run's resume points, the newest first."""
        return self._seen.head.points

    def check(self) -> None:
        """Raises LeaseLostError if the run is known to be lost, StoreUnavailableError if the store did not answer the
        last time: a renewal notices when it does again, so that training need not wait for it."""
        self._check()
        if self._sent is not None:
            raise StoreUnavailableError("the store of objects does not answer")

    @contextmanager
    def held(self, *, at_once: bool = True) -> Iterator[Changes]:
        """As in Lease. Raises LeaseLostError, and OSError while the store cannot be reached: what was to be written
        `at_once` is then not written later, though it may have been."""
        changes = Changes()
        if not at_once:
            self._check()
            yield changes
            with self._waits:
                self._waiting = self._waiting.then(changes)
            return
        with self._writes:
            self._check()
            self._settle()
            if self._is_behind:
                self._bring(anew=True)
            yield changes
            self._write(changes)

    def _give_up(self) -> None:
        with self._writes:
            self._check()
            self._settle()
            self._write(Changes(), released=True)

    def _renew(self) -> None:
        with self._writes:
            self._check()
            self._settle()
            self._write(Changes())

    def _check(self) -> None:
        if self._lost.is_set() or self._released.is_set():
            raise lost(self._folder)

    def _settle(self) -> None:
        """Find out whether the last swap has happened, if its answer was lost."""
        if self._sent is None:
            return
        self._look()
        with self._waits:
            if self._seen.head.holder.renewals != self._tried:
                self._waiting = self._sent.then(self._waiting)
            self._sent = None

    def _look(self) -> None:
        """Look at the head; another's bring the mirror to what counts. Raises LeaseLostError, OSError."""
        try:
            seen = self._mirror.look()
        except (ObjectMissingError, ObjectDamagedError) as error:
            self._lost.set()
            raise lost(self._folder) from error
        if seen.head.holder.token != self._token:
            self._lost.set()
            raise lost(self._folder)
        self._seen = seen

    def _write(self, changes: Changes, *, released: bool = False) -> None:
        """Write what waits, and these changes, in one swap."""
        with self._waits:
            sent, self._waiting = self._waiting, Changes()
        before = self._seen.head
        try:
            self._swap(sent.then(changes), released)
        except OSError:
            self._sent = sent
            raise
        try:
            self._bring()
        except OSError as error:  # it is stored, and is brought before the next change
            if not self._is_behind:
                log.warning("the mirror of run %s could not be written: %s", self._folder.name, error)
            self._is_behind = True
        self._drop_points(before, self._seen.head)
        if run_files.STATUS in changes.files:
            self._mirror.announce()

    def _swap(self, changes: Changes, released: bool) -> None:
        self._tried = self._seen.head.holder.renewals + 1
        while True:
            rolled = self._mirror.rolled(self._seen.head)
            holder = replace(rolled.holder, renewals=self._tried, released=released)
            try:
                self._seen = self._mirror.swap(rolled.after(changes, holder=holder), self._seen.etag)
                return
            except ObjectChangedError:  # a request to cancel, or this very swap, whose answer was lost
                self._look()
                if self._seen.head.holder.renewals == self._tried:
                    return

    def _bring(self, *, anew: bool = False) -> None:
        self._mirror.bring(self._seen, anew=anew)
        self._is_behind = False

    def _drop_points(self, before: Head, now: Head) -> None:
        """Delete the resume points that the head no longer has; at the end also what replaced holders have left."""
        if before.points == now.points:
            return
        with suppress(OSError):
            old = [self._mirror.key(point.name) for point in before.points]
            if not now.points:
                old = [found.key for found in self._mirror.objects.list(self._mirror.key(RESUME))]
            for key in {*old} - {self._mirror.key(point.name) for point in now.points}:
                self._mirror.objects.delete(key)
