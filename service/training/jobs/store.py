"""The store of jobs, each a directory with everything known about it; knows no queue and no training."""

from __future__ import annotations

import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Final

from durable import locks
from durable.clock import iso, now
from durable.drafts import draft_folder, put_new_folder, withdraw
from durable.entries import drop, is_folder, is_there
from durable.listing import FilesCache, FolderCache
from durable.reading import DamagedFileError, fault_of
from service.training.errors import JobDamagedError, JobFinishedError, JobNotFoundError, JobUnfinishedError
from service.training.jobs import job_files, run_files, stalls
from service.training.jobs.event_log import EVENTS, EventLog, log_fault
from service.training.jobs.job import FINAL, NOT_BEGUN, QUEUED, AnyJob, DamagedJob, Job, JobState, Status
from service.training.jobs.lease import Lease, is_live
from service.training.jobs.plan import PLAN_SHAPE, Plan
from service.training.jobs.requests import JobRequest
from service.training.jobs.run import Run
from service.training.jobs.run_writer import FolderWriter

AnyJobs = list[AnyJob]
JobIds = list[str]

LOCK_SECONDS: Final = 0.5
NO_FOLDER: Final = "its directory is not a directory"

_ID: Final = re.compile(r"[0-9]{8}-[0-9]{12}-[0-9a-f]{6}")


class JobStore:
    """The jobs under `root`, one directory each; any number of processes may use it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ids = FolderCache(self._sorted)
        self._ended: dict[str, Status] = {}
        self._faults = FilesCache(_fault)

    def create(self, request: JobRequest) -> Job:
        """Create a queued job, atomically, on the disk when this returns. Raises OSError."""
        job = new_id()
        with draft_folder(self.root) as folder:
            run_files.write_json(folder / run_files.REQUEST, job_files.request_values(request))
            EventLog(folder).append("status", {"status": "queued"})
            stalls.prepare(folder)
            put_new_folder(folder, self.root / job)
        return self.get(job)

    def get(self, job: str) -> Job:
        """The job in its current state. Raises JobNotFoundError, JobDamagedError."""
        folder = self.folder(job)
        try:
            request, created = job_files.read_request(folder)
        except DamagedFileError as error:
            raise JobDamagedError(job, str(error)) from error
        state, warnings = job_files.read_state(folder), job_files.read_warnings(folder)
        return Job(
            id=job,
            request=request,
            created=created,
            state=state,
            progress=job_files.read_progress(folder),
            cancel_requested=is_there(folder / run_files.CANCEL),
            warnings=warnings if state.is_final else (*warnings, *stalls.warnings(folder)),
        )

    def look(self, job: str) -> AnyJob:
        """The job in its current state, damaged or not. Raises JobNotFoundError."""
        try:
            found = self.get(job)
        except JobDamagedError as error:
            folder = self.root / job
            cancel_requested = is_there(folder / run_files.CANCEL)
            state, progress, is_run = QUEUED, NOT_BEGUN, False
            if is_folder(folder):
                state, progress = job_files.read_state(folder), job_files.read_progress(folder)
                is_run = is_live(folder)
            if not (state.is_final or is_run):
                # No worker can run it any more; one that meets it writes this down.
                state = replace(state, status="failed", error=f"the job's files are damaged: {error.reason}")
            return DamagedJob(
                id=job,
                created=_moment(job),
                state=state,
                progress=progress,
                cancel_requested=cancel_requested,
                damaged=error.reason,
            )
        return replace(found, damaged=self.fault(job))

    def fault(self, job: str) -> str:
        """What is wrong with the files of the job's directory; empty when nothing is."""
        return self._faults.of(self.root / job)

    def stalled(self) -> Iterator[tuple[str, str]]:
        """The jobs that wait for a disk that is full or read-only, each with a sentence that says so."""
        for job in self.unfinished():
            for warning in stalls.warnings(self.root / job):
                yield job, warning

    def list(self) -> AnyJobs:
        """All jobs, the oldest first."""
        found = []
        for job in self.ids():
            with suppress(JobNotFoundError):  # deleted meanwhile
                found.append(self.look(job))
        return found

    def ids(self) -> JobIds:
        """All jobs' ids, the oldest first."""
        return list(self._ids.of(self.root))

    @staticmethod
    def place(job: str) -> str:
        """Where a job's id is in the list of ids, even if there is no such job any more. Raises JobNotFoundError for
        what is no id."""
        if not is_id(job):
            raise not_found(job)
        return job

    def unfinished(self) -> Iterator[str]:
        """The ids of the jobs that have not ended, the oldest first."""
        for job in self.ids():
            if job not in self._ended and is_folder(self.root / job) and self._status(job) not in FINAL:
                yield job

    def count_by_status(self) -> Counter[Status]:
        """How many jobs of each status there are; the files of a job that has ended are read only once."""
        return Counter(self._ended.get(job) or self._status(job) for job in self.ids())

    def _sorted(self, _: Path, names: Sequence[str]) -> JobIds:
        ids = sorted(filter(is_id, names))
        for job in self._ended.keys() - ids:  # deleted
            self._ended.pop(job, None)
            self._faults.forget(self.root / job)
        return ids

    def _status(self, job: str) -> Status:
        if job in self._ended:
            return self._ended[job]
        state = job_files.read_state(self.root / job) if is_folder(self.root / job) else QUEUED
        if state.is_final:
            self._ended[job] = state.status
        return state.status

    def using(self, corpus: str) -> JobIds:
        """The ids of the jobs that still need this corpus."""
        found = []
        for job in self.unfinished():
            with suppress(JobNotFoundError, JobDamagedError):  # a damaged job cannot use it
                if self.get(job).request.corpus == corpus:
                    found.append(job)
        return found

    def event_log(self, job: str) -> EventLog:
        """The job's event log. Raises JobNotFoundError."""
        return EventLog(self.folder(job))

    def plan(self, job: str) -> Plan | None:
        """The job's plan; None before the job begins, or if the plan cannot be read. Raises JobNotFoundError."""
        return run_files.read_shaped(self.folder(job) / run_files.PLAN, PLAN_SHAPE)

    def cancel(self, job: str) -> AnyJob:
        """Cancel the job: at once if no worker runs it; otherwise its worker ends it within 2 seconds.

        Raises JobNotFoundError, and JobFinishedError if it has succeeded or failed.
        """
        folder = self.folder(job)
        check_cancellable(job, job_files.read_state(folder))
        with suppress(FileExistsError):
            (folder / run_files.CANCEL).touch(exist_ok=False)
        with suppress(TimeoutError), locks.locked(folder / run_files.LOCK, LOCK_SECONDS):
            state = job_files.read_state(folder)
            if not state.is_final and not is_live(folder):
                job_files.write_state(FolderWriter(folder), JobState("cancelled", state.started, now()))
        return self.look(job)

    def delete(self, job: str) -> None:
        """Delete a job that has ended, with its measurements; the version that it published stays. A damaged job need
        not have ended, as long as no worker runs it.

        Raises JobNotFoundError, JobUnfinishedError.
        """
        self._existing(job)
        folder = self.root / job
        if is_folder(folder):
            self._check_ended(job)
        drop(withdraw(folder))

    def _check_ended(self, job: str) -> None:
        damaged = isinstance(self.look(job), DamagedJob)
        if is_live(self.root / job) or not (damaged or job_files.read_state(self.root / job).is_final):
            raise JobUnfinishedError(f"job {job} has not ended; cancel it first")

    def take(self, job: str, stop: Event) -> Lease:
        """Take the lease of a job's run, waiting for a dead holder's to expire; `stop` ends the wait.

        Raises LeaseHeldError while another worker holds it, OSError.
        """
        return Lease.take_soon(self.root / job, stop)

    def run(self, job: str, lease: Lease) -> Run:
        """The run of a job, to be written to by the holder of its lease. Raises LeaseLostError, OSError."""
        return Run(self.root / job, lease)

    def folder(self, job: str) -> Path:
        """The job's directory. Raises JobNotFoundError, JobDamagedError when something else has its name."""
        folder = self._existing(job)
        if not is_folder(folder):
            raise JobDamagedError(job, NO_FOLDER)
        return folder

    def _existing(self, job: str) -> Path:
        folder = self.root / job
        if not is_id(job) or not is_there(folder):
            raise not_found(job)
        return folder


def _fault(folder: Path) -> str:
    """What is wrong with the files in a job's directory; empty when nothing is."""
    if not is_folder(folder):
        return NO_FOLDER if is_there(folder) else ""
    try:
        there = set(os.listdir(folder))  # noqa: PTH208 (one call for all the names)
    except OSError as error:
        return f"its directory {fault_of(error)}" if is_there(folder) else ""
    found = [job_files.request_fault(folder / run_files.REQUEST)]
    found += [job_files.shape_fault(folder / name) for name in job_files.SHAPES if name in there]
    found.append(log_fault(folder / EVENTS))
    return "; ".join(filter(None, found)) if is_there(folder) else ""  # deleted meanwhile: not damaged


def new_id() -> str:
    """An id for a job that is created now: ids are in the order of the jobs' creation."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S%f}-{secrets.token_hex(3)}"


def is_id(name: str) -> bool:
    """Whether this can be the id of a job."""
    return _ID.fullmatch(name) is not None


def check_cancellable(job: str, state: JobState) -> None:
    """Raises JobFinishedError if the job has succeeded or failed."""
    if state.is_final and state.status != "cancelled":
        raise JobFinishedError(f"job {job} has {state.status} already and cannot be cancelled")


def not_found(job: str) -> JobNotFoundError:
    return JobNotFoundError(f"there is no job {job[:70]!r}")


def _moment(job: str) -> str:
    """When the job was created, taken from the beginning of its id."""
    made = datetime.strptime(job[:21], "%Y%m%d-%H%M%S%f").replace(tzinfo=UTC)
    return iso(made.timestamp())
