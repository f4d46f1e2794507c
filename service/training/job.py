"""A job as it stands: how far it is, what became of it, and what it was asked to do, when that can be read; knows no
files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from service.training.requests import JobRequest

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
FINAL: Final[tuple[Status, ...]] = ("succeeded", "failed", "cancelled")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What can be said of a job, whatever became of its files; `created` is UTC, ISO 8601, `warnings` what to know
    about its result, a sentence each; `damaged` what is wrong with what lies in its directory."""

    id: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(_Job):
    """A job that can be worked on, or that was."""

    request: JobRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedJob(_Job):
    """A job of which can no longer be read what it was asked to do; its status is what was last said of it."""


AnyJob = Job | DamagedJob
