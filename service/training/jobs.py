"""The jobs that were ever asked for, each a directory that holds the truth about it; knows no queue and no training."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from model_store import files, locks
from model_store.aliases import now
from model_store.errors import DamagedFileError
from model_store.reading import Looks, json_fault, read_json
from service.training import run_files, shapes
from service.training.errors import JobDamagedError, JobFinishedError, JobNotFoundError, JobUnfinishedError
from service.training.lease import LEASE, is_live
from service.training.requests import JobRequest
from service.training.run_files import Event

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]

JobIds = list[str]
Lines = list[dict[str, Any]]

FINAL: Final[tuple[Status, ...]] = ("succeeded", "failed", "cancelled")
LOCK_SECONDS: Final = 0.5
NO_FOLDER: Final = "its directory is none"
DEAD_SECONDS: Final = 60

_ID: Final = re.compile(r"[0-9]{8}-[0-9]{12}-[0-9a-f]{6}")
_DRAFT: Final = ".new-"


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is: `fraction` 0 to 1, `seconds` spent (of a budget in minutes, preparation included), losses in
    nats per token, the gradient's norm before clipping; None: not known yet. The validation loss, in bits per character
    as well, was measured after `validation_step` steps; that of the untrained network is not told beside a trained
    one's `loss`."""

    fraction: float = 0.0
    step: int = 0
    steps: int | None = None
    characters: int = 0
    characters_per_second: float | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
    loss: float | None = None
    validation_loss: float | None = None
    bits_per_character: float | None = None
    validation_step: int | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What became of a job so far: `version` and `promoted` when it has published, `error` when it has failed."""

    status: Status = "queued"
    started: str | None = None
    finished: str | None = None
    version: int | None = None
    promoted: bool | None = None
    error: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands; times are UTC, ISO 8601; `warnings` what to know about its result, a sentence each;
    `damaged` what is wrong with what lies in its directory."""

    id: str
    request: JobRequest
    created: str
    state: JobStatus
    progress: JobProgress
    cancel_requested: bool
    damaged: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """Queued, running, or how it ended."""
        return self.state.status

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state.is_final


@dataclass(frozen=True, slots=True)
class DamagedJob:
    """A job of which can no longer be read what it was asked to do; `damaged` says why."""

    id: str
    created: str
    state: JobStatus
    progress: JobProgress
    cancel_requested: bool
    damaged: str
    warnings: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """What was last said of it."""
        return self.state.status

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state.is_final


AnyJob = Job | DamagedJob
AnyJobs = list[AnyJob]

_STATUS: Final = TypeAdapter(JobStatus)
_PROGRESS: Final = TypeAdapter(JobProgress)
SHAPES: Final[Mapping[str, tuple[TypeAdapter[Any], ...]]] = {
    run_files.STATUS: (shapes.STATUS, _STATUS),
    run_files.PROGRESS: (shapes.PROGRESS, _PROGRESS),
    run_files.WARNINGS: (shapes.WARNINGS,),
    run_files.PLAN: (shapes.PLAN,),
    run_files.INTENT: (shapes.INTENT,),
    run_files.ATTEMPTS: (shapes.ATTEMPTS,),
    LEASE: (shapes.LEASE,),
}
"""What may lie in a run's directory, and what it holds then."""


class JobStore:
    """The jobs under `root`, one directory each; any number of processes may use it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ended: set[str] = set()
        self._looks = Looks()

    def create(self, request: JobRequest) -> Job:
        """Keep a new job, queued; it exists whole or not at all, and is on the disk when this returns."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._remove_dead_drafts()
        moment = datetime.now(UTC)
        job = f"{moment:%Y%m%d-%H%M%S%f}-{secrets.token_hex(3)}"
        draft = self.root / f"{_DRAFT}{job}"
        draft.mkdir()
        try:
            run_files.write_json(draft / run_files.REQUEST, {"created": now(), **request.as_dict()})
            run_files.append_event(draft, "status", {"status": "queued"})
            draft.rename(self.root / job)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        files.sync_folder(self.root)
        return self.get(job)

    def get(self, job: str) -> Job:
        """The job as it stands. Raises JobNotFoundError, JobDamagedError."""
        folder = self.folder(job)
        try:
            request, created = _read_request(folder)
        except DamagedFileError as error:
            raise JobDamagedError(job, str(error)) from error
        return Job(
            id=job,
            request=request,
            created=created,
            state=read_status(folder),
            progress=read_progress(folder),
            cancel_requested=(folder / run_files.CANCEL).exists(),
            warnings=read_warnings(folder),
        )

    def look(self, job: str) -> AnyJob:
        """The job as it stands, in whatever state. Raises JobNotFoundError."""
        try:
            found = self.get(job)
        except JobDamagedError as error:
            folder = self.root / job
            asked = (folder / run_files.CANCEL).exists()
            state, progress = read_status(folder), read_progress(folder)
            return DamagedJob(job, _moment(job), state, progress, asked, error.reason)
        return replace(found, damaged=self.fault(job))

    def fault(self, job: str) -> str:
        """What is wrong with the files of the job's directory; empty when nothing is."""
        folder = self.root / job
        try:
            there = set(os.listdir(folder))  # noqa: PTH208 (one call for all the names)
        except OSError:
            return NO_FOLDER

        found = [self._looks.fault(folder / run_files.REQUEST, _request_fault)]
        found += [self._looks.fault(folder / name, shape_fault) for name in SHAPES if name in there]
        return "; ".join(filter(None, [*found, run_files.events_fault(folder / run_files.EVENTS)]))

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
            if read_status(self.root / job).is_final:
                self._ended.add(job)
            else:
                yield job

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
        sizes = self._plan(job)[0]
        return sizes if {"cell", "layers", "hidden_size"} <= set(sizes) else {}

    def decided(self, job: str) -> dict[str, Any]:
        """What the trainer goes by, the fields that the request left to it included, once that is decided.

        Raises JobNotFoundError.
        """
        sizes, training = self._plan(job)
        return {**sizes, **{name: value for name, value in training.items() if name != "budget"}}

    def _plan(self, job: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The network's sizes and the training's settings, as far as they are decided and can be read."""
        plan = dict(run_files.read_shaped(self.folder(job) / run_files.PLAN, shapes.PLAN) or {})
        sizes, training = plan.get("model"), plan.get("training")
        return sizes if isinstance(sizes, dict) else {}, training if isinstance(training, dict) else {}

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
        folder, state = self.folder(job), read_status(self.folder(job))
        if state.is_final and state.status != "cancelled":
            raise JobFinishedError(f"job {job} has {state.status} already and cannot be cancelled")
        (folder / run_files.CANCEL).touch()
        with suppress(TimeoutError), locks.locked(folder / run_files.LOCK, LOCK_SECONDS):
            state = read_status(folder)
            if not state.is_final and not is_live(folder):
                write_status(folder, JobStatus("cancelled", state.started, now()))
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
            if is_live(folder) or not (damaged or read_status(folder).is_final):
                raise JobUnfinishedError(f"job {job} has not ended; cancel it first")
        gone = self.root / f"{_DRAFT}{job}-{secrets.token_hex(4)}"
        folder.rename(gone)
        files.drop(gone)

    def _remove_dead_drafts(self) -> None:
        """A job is made within moments: what is half made after a minute is nobody's."""
        for draft in self.root.glob(f"{_DRAFT}*"):
            with suppress(FileNotFoundError):
                if time.time() - draft.stat().st_mtime > DEAD_SECONDS:
                    shutil.rmtree(draft, ignore_errors=True)

    def folder(self, job: str) -> Path:
        """The job's directory. Raises JobNotFoundError, JobDamagedError when something else has its name."""
        folder = self._existing(job)
        if not folder.is_dir():
            raise JobDamagedError(job, NO_FOLDER)
        return folder

    def _existing(self, job: str) -> Path:
        folder = self.root / job
        if _ID.fullmatch(job) is None or not files.is_there(folder):
            raise JobNotFoundError(f"there is no job {job[:70]!r}")
        return folder


def read_status(folder: Path) -> JobStatus:
    """What became of the job in this directory so far. A damaged file is made up for by what the log tells last."""
    try:
        return _STATUS.validate_python(read_json(folder / run_files.STATUS, shapes.STATUS))
    except FileNotFoundError:
        return JobStatus()
    except (DamagedFileError, ValidationError):
        told = JobStatus()
        for event in run_files.read_events(folder):
            if event.kind == "status":
                with suppress(ValidationError):
                    told = _STATUS.validate_python(event.data)
        return told


def write_status(folder: Path, state: JobStatus) -> None:
    """Say what became of a job; the caller holds the directory's lock and has looked that the job has not ended."""
    run_files.write_json(folder / run_files.STATUS, asdict(state))
    told = {"version", "promoted", "error"} if state.is_final else set()
    values = {name: value for name, value in asdict(state).items() if name in {"status", *told} and value is not None}
    run_files.append_event(folder, "status", values)


def shape_fault(path: Path) -> str:
    """What is wrong with one of the small files that may lie in a run's directory; empty when nothing is."""
    return next(filter(None, (json_fault(path, shape) for shape in SHAPES[path.name])), "")


def read_progress(folder: Path) -> JobProgress:
    """How far the job in this directory is."""
    return run_files.read_shaped(folder / run_files.PROGRESS, _PROGRESS) or JobProgress()


def _read_request(folder: Path) -> tuple[JobRequest, str]:
    """What the job was asked to do, and when. Raises DamagedFileError."""
    name = run_files.REQUEST
    try:
        values = read_json(folder / name, shapes.REQUEST)
        return JobRequest.from_dict(values), values["created"]
    except FileNotFoundError as error:
        raise DamagedFileError(f"{name} is missing") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFileError(f"{name} is no request: {str(error)[:200]}") from error


def _request_fault(path: Path) -> str:
    try:
        _read_request(path.parent)
    except DamagedFileError as error:
        return str(error)
    return ""


def _moment(job: str) -> str:
    """When the job was made, as its id tells."""
    made = datetime.strptime(job[:21], "%Y%m%d-%H%M%S%f").replace(tzinfo=UTC)
    return made.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_warnings(folder: Path) -> tuple[str, ...]:
    """What there is to know about the result of the job in this directory."""
    values = run_files.read_shaped(folder / run_files.WARNINGS, shapes.WARNINGS)
    return tuple(values["warnings"]) if values else ()
