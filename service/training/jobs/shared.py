"""The store of jobs on an object store, which several machines share: changes are made there, and each machine's
directory of runs mirrors it, from which jobs are read; knows no queue and no training."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Final

from durable.clock import now
from durable.entries import is_there
from durable.objects import (
    ObjectChangedError,
    ObjectDamagedError,
    ObjectInfo,
    ObjectMissingError,
    Objects,
    StoreUnavailableError,
)
from service.training.errors import JobDamagedError, LeaseHeldError
from service.training.jobs import job_files, run_files
from service.training.jobs.headless import Headless
from service.training.jobs.job import AnyJob, Job, JobState
from service.training.jobs.lease import TTL_SECONDS, Lease, is_live, restart_watch
from service.training.jobs.requests import JobRequest
from service.training.jobs.run import Run
from service.training.jobs.run_mirror import PREFIX, MirrorLockedError, RunMirror, Seen
from service.training.jobs.shared_head import HEAD, Changes, Head, Holder
from service.training.jobs.shared_lease import RESUME, SharedLease
from service.training.jobs.shared_run import SharedRun
from service.training.jobs.store import JobStore, check_cancellable, is_id, new_id, not_found

log = logging.getLogger(__name__)

WHOLE_EVERY: Final = 20
"""Every so many looks all jobs are looked at, or else only those since the oldest that has not ended: those before
change only by being deleted."""


class SharedJobStore(JobStore):
    """The jobs in `objects`, mirrored under `root`. `announce` is called after a change that other machines should see
    soon; a lease that is not seen to be renewed for `ttl` seconds may be taken over.

    Its methods raise as JobStore's do, and those that change something, or ask for a job that the mirror does not have,
    StoreUnavailableError.
    """

    def __init__(
        self,
        root: Path,
        objects: Objects,
        *,
        announce: Callable[[], object] = lambda: None,
        ttl: float = TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(root)
        self._objects = objects
        self._announce = announce
        self._etags: dict[str, str] = {}
        self._ttl = ttl
        self._headless = Headless(clock)
        self._looks = 0

    def create(self, request: JobRequest) -> Job:
        """As in JobStore."""
        mirror, changes = self._mirror(new_id()), Changes()
        changes.log("status", {"status": "queued"})
        head = Head().after(changes)
        self._objects.put_new(mirror.key(run_files.REQUEST), json.dumps(job_files.request_values(request)).encode())
        mirror.bring(Seen(head, self._objects.put_new(mirror.key(HEAD), head.to_bytes())))
        self._announce()
        return self.get(mirror.folder.name)

    def get(self, job: str) -> Job:
        """As in JobStore."""
        if is_id(job) and (fault := self._mirror(job).fault()):
            raise JobDamagedError(job, f"{HEAD} {fault}")
        return super().get(job)

    def fault(self, job: str) -> str:
        """As in JobStore."""
        fault = self._mirror(job).fault()
        return "; ".join(filter(None, (f"{HEAD} {fault}" if fault else "", super().fault(job))))

    def cancel(self, job: str) -> AnyJob:
        """As in JobStore."""
        self.folder(job)
        mirror = self._mirror(job)
        while True:
            seen = self._looked(mirror)
            check_cancellable(job, seen.head.state)
            is_run = is_live(mirror.folder)
            if seen.head.state.is_final or (seen.head.cancel and is_run):
                return self.look(job)
            with suppress(ObjectChangedError):
                mirror.bring(mirror.swap(_cancelled(seen.head, is_run), seen.etag))
                self._announce()
                return self.look(job)

    def delete(self, job: str) -> None:
        """As in JobStore."""
        self._existing(job)
        mirror = self._mirror(job)
        with suppress(ObjectDamagedError):
            seen = self._looked(mirror)
            self._check_ended(job)
            with suppress(ObjectChangedError):  # deleted by another
                mirror.swap(replace(seen.head, counter=seen.head.counter + 1, deleted=True), seen.etag)
        mirror.delete()
        self._announce()

    def take(self, job: str, stop: Event) -> Lease:
        """As in JobStore."""
        try:
            return SharedLease.take_shared_soon(self._mirror(job), stop, self._ttl)
        except ObjectMissingError as error:
            raise not_found(job) from error
        except ObjectDamagedError as error:
            raise LeaseHeldError(f"job {job} cannot be run: {error}") from error

    def run(self, job: str, lease: Lease) -> Run:
        """As in JobStore."""
        if not isinstance(lease, SharedLease):
            raise TypeError(f"run {job} cannot be written with the lease of a directory")
        return SharedRun(self._mirror(job), lease)

    def refresh(self, listed: Iterable[ObjectInfo] | None = None) -> bool:
        """Bring what other machines have changed into the mirror; returns whether anything was. Any number of processes
        may do so at once. `listed`: the store's objects, those under PREFIX at least, if they were listed after the
        call before. Raises OSError."""
        begin = self._begin() if listed is None else ""
        here = {job for job in self.ids() if job >= begin}  # before the store is asked: it has a new job first
        try:
            objects = list(self._objects.list(PREFIX, f"{PREFIX}{begin}") if listed is None else listed)
            there, requests = _jobs(objects)
            changed = [job for job, etag in there.items() if self._etag(job) != etag and self._fetch(job)]
        except StoreUnavailableError:
            for job in self.unfinished():  # their holders may not reach it either
                restart_watch(self.root / job)
            raise
        gone = [job for job in here - there.keys() if self._fetch(job)]
        if not begin:
            for job in self._headless.due(requests - there.keys()):
                log.info("job %s was never created as a whole: its request is deleted", job)
                self._fetch(job)
            self._drop_late(objects)
        return bool(changed or gone)

    def using(self, corpus: str) -> list[str]:
        """As in JobStore; jobs that other machines have just created are among them: all are looked at, because their
        ids have the times of those machines' clocks. Raises OSError."""
        self.refresh(self._objects.list(PREFIX))
        return super().using(corpus)

    def _drop_late(self, objects: Iterable[ObjectInfo]) -> None:
        """Delete the resume points of jobs that have ended: what a machine had sent before it was cut off and replaced
        may arrive after that."""
        for each in objects:
            job, _, name = each.key.removeprefix(PREFIX).partition("/")
            if name.startswith(RESUME) and is_id(job):
                noted = self._mirror(job).noted()
                if noted is not None and noted.head.state.is_final:
                    log.info("a resume point of job %s came after its end, and is deleted", job)
                    self._objects.delete(each.key)

    def _begin(self) -> str:
        """The first job to look at."""
        self._looks += 1
        if self._looks % WHOLE_EVERY == 1:
            return ""
        ids = self.ids()
        return next(self.unfinished(), ids[-1] if ids else "")

    def _etag(self, job: str) -> str:
        """The e-tag of the head that the mirror shows."""
        if job not in self._etags and (noted := self._mirror(job).noted()) is not None:
            self._etags[job] = noted.etag
        return self._etags.get(job, "")

    def _fetch(self, job: str) -> bool:
        """Bring a job into the mirror; returns whether that could be done."""
        mirror = self._mirror(job)
        try:
            self._etags[job] = mirror.look().etag
        except ObjectMissingError:
            self._etags.pop(job, None)
            mirror.delete()  # the process that deletes it may have died meanwhile
        except MirrorLockedError as error:
            log.warning("job %s cannot be brought up to date: %s", job, error)
            return False
        except ObjectDamagedError as error:
            self._etags[job] = ""
            if mirror.fault() != error.reason:
                log.warning("job %s cannot be brought up to date: %s", job, error)
                mirror.mark(error.reason)
        return True

    def _looked(self, mirror: RunMirror) -> Seen:
        """The present head of a job. Raises JobNotFoundError, ObjectDamagedError, OSError."""
        try:
            return mirror.look()
        except ObjectMissingError as error:
            mirror.forget()
            raise not_found(mirror.folder.name) from error

    def _existing(self, job: str) -> Path:
        """A job that another machine has just created is fetched."""
        if is_id(job) and not is_there(self.root / job):
            self._looked(self._mirror(job))
        return super()._existing(job)

    def _mirror(self, job: str) -> RunMirror:
        return RunMirror(self._objects, self.root, job, self._announce)


def _jobs(objects: Iterable[ObjectInfo]) -> tuple[dict[str, str], set[str]]:
    """The e-tags of the heads among the objects, by job, and the jobs that have a request."""
    heads, requests = {}, set()
    for each in objects:
        job, _, name = each.key.removeprefix(PREFIX).partition("/")
        if not each.key.startswith(PREFIX) or not is_id(job):
            continue
        if name == HEAD:
            heads[job] = each.etag
        elif name == run_files.REQUEST:
            requests.add(job)
    return heads, requests


def _cancelled(head: Head, is_run: bool) -> Head:
    """The next head of a job that is to be cancelled, by its worker if one runs it."""
    changes, holder = Changes(), head.holder
    if not is_run:
        job_files.write_state(changes, JobState("cancelled", head.state.started, now()))
        holder = Holder(holder.token + 1)  # a worker that wakes up late finds that it was replaced
    return head.after(changes, cancel=True, holder=holder)
