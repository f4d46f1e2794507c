"""The jobs that were ever asked for, each a directory that holds the truth about it; knows no queue and no training."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from model_store import files
from model_store.aliases import now
from service.training import run_files
from service.training.errors import JobFinishedError, JobNotFoundError
from service.training.lease import is_live
from service.training.requests import JobRequest
from service.training.run_files import Event

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]

JobIds = list[str]
Lines = list[dict[str, Any]]

FINAL: Final[tuple[Status, ...]] = ("succeeded", "failed", "cancelled")
LOCK_SECONDS: Final = 0.5
DEAD_SECONDS: Final = 60

_ID: Final = re.compile(r"[0-9]{8}-[0-9]{12}-[0-9a-f]{6}")
_DRAFT: Final = ".new-"


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is: `fraction` 0 to 1, `seconds` spent training, losses in nats per token, the validation's in bits
    per character as well, the gradient's norm before clipping; None: not known yet."""

    fraction: float = 0.0
    step: int = 0
    steps: int | None = None
    characters: int = 0
    characters_per_second: float = 0.0
    seconds: float = 0.0
    seconds_left: float | None = None
    loss: float | None = None
    validation_loss: float | None = None
    bits_per_character: float | None = None
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
    """A job as it stands; times are UTC, ISO 8601."""

    id: str
    request: JobRequest
    created: str
    state: JobStatus
    progress: JobProgress
    cancel_requested: bool

    @property
    def status(self) -> Status:
        """Queued, running, or how it ended."""
        return self.state.status

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state.is_final


class JobStore:
    """The jobs under `root`, one directory each; any number of processes may use it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ended: set[str] = set()

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
        """The job as it stands. Raises JobNotFoundError."""
        folder = self.folder(job)
        values = run_files.read_json(folder / run_files.REQUEST) or {}
        return Job(
            id=job,
            request=JobRequest.from_dict(values),
            created=values["created"],
            state=read_status(folder),
            progress=read_progress(folder),
            cancel_requested=(folder / run_files.CANCEL).exists(),
        )

    def list(self) -> list[Job]:
        """All jobs, the oldest first."""
        return [self.get(job) for job in self.ids()]

    def ids(self) -> JobIds:
        """All jobs' ids, the oldest first."""
        return sorted(path.name for path in self.root.glob("*") if _ID.fullmatch(path.name))

    def unfinished(self) -> Iterator[str]:
        """The ids of the jobs that have not ended, the oldest first."""
        for job in self.ids():
            if job in self._ended:
                continue
            if read_status(self.root / job).is_final:
                self._ended.add(job)
            else:
                yield job

    def using(self, corpus: str) -> JobIds:
        """The ids of the jobs that still need this corpus."""
        return [job for job in self.unfinished() if self.get(job).request.corpus == corpus]

    def events(self, job: str, after: int = 0) -> Iterator[Event]:
        """What happened to the job, oldest first, after the event with this id: `status`, `metrics`, `evaluation`,
        `samples`.

        Raises JobNotFoundError.
        """
        return run_files.read_events(self.folder(job), after)

    def has_event(self, job: str, event: int) -> bool:
        """Whether the job has an event with this id; 0 is where all begin. Raises JobNotFoundError."""
        return run_files.has_event(self.folder(job), event)

    def metrics(self, job: str) -> Lines:
        """The measurements made so far, in the order of their steps, each with the latest losses known by then; those
        of evaluations have `gradient_norms`.

        Raises JobNotFoundError.
        """
        return [event.data for event in self.events(job) if event.kind in {"metrics", "evaluation"}]

    def sizes(self, job: str) -> dict[str, Any]:
        """What the network is made of, once that is decided: the fields of ModelConfig but the vocabulary's size.

        Raises JobNotFoundError.
        """
        plan = run_files.read_json(self.folder(job) / run_files.PLAN) or {}
        sizes: dict[str, Any] = plan.get("model", {})
        return sizes

    def decided(self, job: str) -> dict[str, Any]:
        """What the trainer goes by, the fields that the request left to it included, once that is decided.

        Raises JobNotFoundError.
        """
        plan = run_files.read_json(self.folder(job) / run_files.PLAN) or {}
        return {**plan.get("model", {}), **{k: v for k, v in plan.get("training", {}).items() if k != "budget"}}

    def samples(self, job: str) -> Lines:
        """The texts written so far, at evaluations and after 1%, 5%, 20% and all of the training: `step`, `fraction` of
        the training, `characters` seen by then, `samples`, always of the same prompts and seeds.

        Raises JobNotFoundError.
        """
        return [event.data for event in self.events(job) if event.kind == "samples"]

    def cancel(self, job: str) -> Job:
        """Ask for the job's end: at once when nobody is at work on it, else its worker sees to it within 2 seconds.

        Raises JobNotFoundError, JobFinishedError when it has ended otherwise.
        """
        folder, state = self.folder(job), read_status(self.folder(job))
        if state.is_final and state.status != "cancelled":
            raise JobFinishedError(f"job {job} has {state.status} already and cannot be cancelled")
        (folder / run_files.CANCEL).touch()
        with suppress(TimeoutError), files.locked(folder / run_files.LOCK, LOCK_SECONDS):
            state = read_status(folder)
            if not state.is_final and not is_live(folder):
                write_status(folder, JobStatus("cancelled", state.started, now()))
        return self.get(job)

    def _remove_dead_drafts(self) -> None:
        """A job is made within moments: what is half made after a minute is nobody's."""
        for draft in self.root.glob(f"{_DRAFT}*"):
            with suppress(FileNotFoundError):
                if time.time() - draft.stat().st_mtime > DEAD_SECONDS:
                    shutil.rmtree(draft, ignore_errors=True)

    def folder(self, job: str) -> Path:
        """The job's directory. Raises JobNotFoundError."""
        folder = self.root / job
        if _ID.fullmatch(job) is None or not folder.is_dir():
            raise JobNotFoundError(f"there is no job {job[:70]!r}")
        return folder


def read_status(folder: Path) -> JobStatus:
    """What became of the job in this directory so far."""
    values = run_files.read_json(folder / run_files.STATUS) or {}
    return JobStatus(**values)


def write_status(folder: Path, state: JobStatus) -> None:
    """Say what became of a job; the caller holds the directory's lock and has looked that the job has not ended."""
    run_files.write_json(folder / run_files.STATUS, asdict(state))
    told = {"version", "promoted", "error"} if state.is_final else set()
    values = {name: value for name, value in asdict(state).items() if name in {"status", *told} and value is not None}
    run_files.append_event(folder, "status", values)


def read_progress(folder: Path) -> JobProgress:
    """How far the job in this directory is."""
    values = run_files.read_json(folder / run_files.PROGRESS) or {}
    known = {field.name for field in fields(JobProgress)}
    return JobProgress(**{name: value for name, value in values.items() if name in known})
