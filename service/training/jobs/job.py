"""A job: status, result, progress and, if it can be read, its request; knows no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from service.training.jobs.requests import JobRequest

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
FINAL: Final[tuple[Status, ...]] = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class JobProgress:
    """The progress of a job: `fraction` 0 to 1, `seconds` spent (of a budget in minutes, including preparation), losses
    in nats per token, the gradient's norm before clipping; None: not known yet. The validation loss, also given in bits
    per character, was measured after `validation_step` steps; that of the untrained network is omitted once there is a
    `loss`."""

    fraction: float
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
class JobState:
    """A job's status and result: `version` and `promoted` if it has published, `error` if it has failed; the times are
    UTC, ISO 8601."""

    status: Status
    started: str | None = None
    finished: str | None = None
    version: int | None = None
    promoted: bool | None = None
    error: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.status in FINAL


QUEUED: Final = JobState("queued")
NOT_BEGUN: Final = JobProgress(fraction=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What is known of any job, damaged or not; `created` is UTC, ISO 8601; `warnings` are about its result, a sentence
    each; `damaged` says what is wrong with the files in its directory, and is empty when nothing is."""

    id: str
    created: str
    state: JobState
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
        """Whether the job has ended."""
        return self.state.is_final


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(_Job):
    """A job whose request can be read."""

    request: JobRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedJob(_Job):
    """A job whose request can no longer be read: it has failed, unless it had ended or a worker still runs it."""


AnyJob = Job | DamagedJob
