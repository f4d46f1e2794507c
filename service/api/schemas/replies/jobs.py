"""The replies of `/jobs`, and the events of a job's training."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict

from service.api.schemas.replies.common import OrNull, Paged, closed, extensible
from service.training.jobs.job import AnyJob, Job, JobProgress, Status
from service.training.jobs.plan import Plan


@closed
class JobReply(TypedDict):
    """A training job. If it is damaged, the original request may be unknown."""

    id: str
    status: Status
    corpus: str | None
    model: str | None
    created: str
    started: str | None
    finished: str | None
    version: Annotated[int | None, Field(description="number of the published version")]
    promoted: bool | None
    error: str | None
    cancel_requested: bool
    warnings: Annotated[
        list[str], Field(description="warnings about the result, one sentence each; also in the record")
    ]
    progress: JobProgress
    request: dict[str, Any]
    damaged: NotRequired[Annotated[str, Field(default="", description="only if damaged: what is wrong with its files")]]


def job_reply(job: AnyJob) -> JobReply:
    """A job without its measurements; for a damaged job, what is still known."""
    request = job.request.as_dict() if isinstance(job, Job) else {}
    reply: JobReply = {
        "id": job.id,
        "status": job.state.status,
        "corpus": request.get("corpus"),
        "model": request.get("model"),
        "created": job.created,
        "started": job.state.started,
        "finished": job.state.finished,
        "version": job.state.version,
        "promoted": job.state.promoted,
        "error": job.state.error,
        "cancel_requested": job.cancel_requested,
        "warnings": list(job.warnings),
        "progress": job.progress,
        "request": request,
    }
    if job.damaged:
        reply["damaged"] = job.damaged
    return reply


@extensible
class JobMeasurement(TypedDict):
    """What was measured after a number of steps: losses in nats per token, times in seconds; the held-out loss
    and `gradient_norms` [layers][k] only at evaluations."""

    step: int
    characters: NotRequired[OrNull[int]]
    characters_per_second: NotRequired[OrNull[float]]
    loss: NotRequired[OrNull[float]]
    validation_loss: NotRequired[OrNull[float]]
    bits_per_character: NotRequired[OrNull[float]]
    learning_rate: NotRequired[OrNull[float]]
    gradient_norm: NotRequired[OrNull[float]]
    gradient_norms: NotRequired[OrNull[list[list[float]]]]
    seconds: NotRequired[OrNull[float]]
    seconds_left: NotRequired[OrNull[float]]


@closed
class Sample(TypedDict):
    """A text that the network generated during training."""

    prompt: str
    seed: int
    temperature: float
    text: str


@extensible
class JobSamples(TypedDict):
    """Samples from the same prompts with the same seeds, at one moment of the training."""

    step: int
    fraction: float
    characters: int
    samples: list[Sample]


class JobWarnings(TypedDict):
    """Warnings about the job's result, as far as known after a number of steps."""

    step: int
    warnings: list[str]


class JobStatusEvent(TypedDict):
    """A job's new state."""

    status: Status
    version: NotRequired[OrNull[int]]
    promoted: NotRequired[OrNull[bool]]
    error: NotRequired[OrNull[str]]


JobEvent = JobStatusEvent | JobMeasurement | JobSamples | JobWarnings


class JobDetailReply(JobReply):
    """A training job with its measurements and samples."""

    decided: Annotated[
        dict[str, Any], Field(description="the sizes and settings in use; empty until training has started")
    ]
    comparison: Annotated[
        dict[str, Any],
        Field(
            description="what two simple models reach on the held-out text (`yardsticks`: `ppm` and `xz`, in nats per"
            " character), and how many held-out lines stand in the training text (`held_out_lines`); also in the record"
        ),
    ]
    metrics: list[JobMeasurement]
    samples: list[JobSamples]


def job_detail_reply(
    job: JobReply, plan: Plan | None, metrics: list[dict[str, Any]], samples: list[dict[str, Any]]
) -> JobDetailReply:
    """The job with its plan, once there is one, and the content of its event log, which is sent unchanged."""
    return {
        **job,
        "decided": plan.decided if plan else {},
        "comparison": plan.comparison if plan else {},
        "metrics": cast(list[JobMeasurement], metrics),
        "samples": cast(list[JobSamples], samples),
    }


@closed
class JobsReply(Paged):
    """A page of the jobs, the newest first."""

    jobs: list[JobReply]
