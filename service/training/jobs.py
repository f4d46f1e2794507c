"""The jobs that were ever asked for, each a directory that holds the truth about it; knows no queue and no training."""

from __future__ import annotations

import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from durable import locks
from durable.clock import iso, now
from durable.drafts import draft_folder, place, unname
from durable.names import drop, is_there
from durable.reading import DamagedFileError, Looks
from service.training import job_files, run_files
from service.training.errors import JobDamagedError, JobFinishedError, JobNotFoundError, JobUnfinishedError
from service.training.job import FINAL, AnyJob, DamagedJob, Job, JobStatus, Status
from service.training.lease import is_live
from service.training.plan import PLAN_SHAPE, Plan
from service.training.requests import JobRequest
from service.training.run_files import Event

AnyJobs = list[AnyJob]
JobIds = list[str]
Lines = list[dict[str, Any]]

LOCK_SECONDS: Final = 0.5
NO_FOLDER: Final = "its directory is none"

_ID: Final = re.compile(r"[0-9]{8}-[0-9]{12}-[0-9a-f]{6}")


class JobStore:
    """The jobs under `root`, one directory each; any number of processes may use it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ended: dict[str, Status] = {}
        self._looks = Looks()

    def create(self, request: JobRequest) -> Job:
        """Keep a new job, queued; it exists whole or not at all, and is on the disk when this returns."""
        job = f"{datetime.now(UTC):%Y%m%d-%H%M%S%f}-{secrets.token_hex(3)}"
        with draft_folder(self.root) as folder:
            run_files.write_json(folder / run_files.REQUEST, {"created": now(), **request.as_dict()})
            run_files.append_event(folder, "status", {"status": "queued"})
            place(folder, self.root / job)
        return self.get(job)

    def get(self, job: str) -> Job:
        """The job as it stands. Raises JobNotFoundError, JobDamagedError."""
        folder = self.folder(job)
        try:
            request, created = job_files.read_request(folder)
        except DamagedFileError as error:
            raise JobDamagedError(job, str(error)) from error
        return Job(
            id=job,
            request=request,
            created=created,
            state=job_files.read_status(folder),
            progress=job_files.read_progress(folder),
            cancel_requested=(folder / run_files.CANCEL).exists(),
            warnings=job_files.read_warnings(folder),
        )

    def look(self, job: str) -> AnyJob:
        """The job as it stands, in whatever state. Raises JobNotFoundError."""
        try:
            found = self.get(job)
        except JobDamagedError as error:
            folder = self.root / job
            asked = (folder / run_files.CANCEL).exists()
            state, progress = job_files.read_status(folder), job_files.read_progress(folder)
            return DamagedJob(
                id=job,
                created=_moment(job),
                state=state,
                progress=progress,
                cancel_requested=asked,
                damaged=error.reason,
            )
        return replace(found, damaged=self.fault(job))

    def fault(self, job: str) -> str:
        """What is wrong with the files of the job's directory; empty when nothing is."""
        folder = self.root / job
        try:
            there = set(os.listdir(folder))  # noqa: PTH208 (one call for all the names)
        except OSError:
            return NO_FOLDER if is_there(folder) else ""
        found = [self._looks.fault(folder / run_files.REQUEST, job_files.request_fault)]
        found += [self._looks.fault(folder / name, job_files.shape_fault) for name in job_files.SHAPES if name in there]
        found.append(run_files.events_fault(folder / run_files.EVENTS))
        return "; ".join(filter(None, found)) if is_there(folder) else ""  # deleted meanwhile: nothing is wrong

    def list(self) -> AnyJobs:
        """All jobs, the oldest first."""
        found = []
        for job in self.ids():
            with suppress(JobNotFoundError):  # deleted meanwhile
                found.append(self.look(job))
        return found

    def ids(self) -> JobIds:
        """All jobs' ids, the oldest first."""
        return sorted(path.name for path in self.root.glob("*") if _ID.fullmatch(path.name))

    def unfinished(self) -> Iterator[str]:
        """The ids of the jobs that have not ended, the oldest first."""
        for job in self.ids():
            if job in self._ended or not (self.root / job).is_dir():
                continue
            if self._status(job) not in FINAL:
                yield job

    def count_by_status(self) -> Counter[Status]:
        """How many jobs of each status there are; the files of one that has ended are read once."""
        return Counter(self._status(job) for job in self.ids())

    def _status(self, job: str) -> Status:
        if job in self._ended:
            return self._ended[job]
        state = job_files.read_status(self.root / job)
        if state.is_final:
            self._ended[job] = state.status
        return state.status

    def using(self, corpus: str) -> JobIds:
        """The ids of the jobs that still need this corpus."""
        found = []
        for job in self.unfinished():
            with suppress(JobNotFoundError, JobDamagedError):  # one that is damaged can do nothing with it
                if self.get(job).request.corpus == corpus:
                    found.append(job)
        return found

    def events(self, job: str, after: int = 0) -> Iterator[Event]:
        """What happened to the job, oldest first, after the event with this id: `status`, `metrics`, `evaluation`,
        `samples`, `warnings`.

        Raises JobNotFoundError.
        """
        return run_files.read_events(self.folder(job), after)

    def has_event(self, job: str, event: int) -> bool:
        """Whether the job has an event with this id; 0 is where all begin. Raises JobNotFoundError."""
        return run_files.has_event(self.folder(job), event)

    def metrics(self, job: str) -> Lines:
        """The measurements made so far, in the order of their steps; those of evaluations have `gradient_norms`, and
        the loss on held-out text if there is any.

        Raises JobNotFoundError.
        """
        return [event.data for event in self.events(job) if event.kind in {"metrics", "evaluation"}]

    def sizes(self, job: str) -> dict[str, Any]:
        """What the network is made of, once that is decided: the fields of ModelConfig but the vocabulary's size.

        Raises JobNotFoundError.
        """
        plan = self._plan(job)
        return plan.model if plan and {"cell", "layers", "hidden_size"} <= set(plan.model) else {}

    def decided(self, job: str) -> dict[str, Any]:
        """What the trainer goes by, the fields that the request left to it included, once that is decided.

        Raises JobNotFoundError.
        """
        plan = self._plan(job)
        if plan is None:
            return {}
        return {**plan.model, **{name: value for name, value in plan.training.items() if name != "budget"}}

    def _plan(self, job: str) -> Plan | None:
        return run_files.read_shaped(self.folder(job) / run_files.PLAN, PLAN_SHAPE)

    def samples(self, job: str) -> Lines:
        """The texts written so far, at evaluations and after 1%, 5%, 20% and all of the training: `step`, `fraction` of
        the training, `characters` seen by then, `samples`, always of the same prompts and seeds.

        Raises JobNotFoundError.
        """
        return [event.data for event in self.events(job) if event.kind == "samples"]

    def cancel(self, job: str) -> AnyJob:
        """Ask for the job's end: at once when nobody is at work on it, else its worker sees to it within 2 seconds.

        Raises JobNotFoundError, JobFinishedError when it has ended otherwise.
        """
        folder, state = self.folder(job), job_files.read_status(self.folder(job))
        if state.is_final and state.status != "cancelled":
            raise JobFinishedError(f"job {job} has {state.status} already and cannot be cancelled")
        (folder / run_files.CANCEL).touch()
        with suppress(TimeoutError), locks.locked(folder / run_files.LOCK, LOCK_SECONDS):
            state = job_files.read_status(folder)
            if not state.is_final and not is_live(folder):
                job_files.write_status(folder, JobStatus("cancelled", state.started, now()))
        return self.look(job)

    def delete(self, job: str) -> None:
        """Delete a job that has ended, with all that was measured; what it published stays. One that is damaged need
        not have ended, if no worker is at it.

        Raises JobNotFoundError, JobUnfinishedError.
        """
        self._existing(job)
        folder = self.root / job
        if folder.is_dir():
            damaged = isinstance(self.look(job), DamagedJob)
            if is_live(folder) or not (damaged or job_files.read_status(folder).is_final):
                raise JobUnfinishedError(f"job {job} has not ended; cancel it first")
        drop(unname(folder))

    def folder(self, job: str) -> Path:
        """The job's directory. Raises JobNotFoundError, JobDamagedError when something else has its name."""
        folder = self._existing(job)
        if not folder.is_dir():
            raise JobDamagedError(job, NO_FOLDER)
        return folder

    def _existing(self, job: str) -> Path:
        folder = self.root / job
        if _ID.fullmatch(job) is None or not is_there(folder):
            raise JobNotFoundError(f"there is no job {job[:70]!r}")
        return folder


def _moment(job: str) -> str:
    """When the job was made, as its id tells."""
    made = datetime.strptime(job[:21], "%Y%m%d-%H%M%S%f").replace(tzinfo=UTC)
    return iso(made.timestamp())
