"""`/jobs`: training asked for, watched, cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from model_store.store import ModelStore
from service.api.http.auth import Guard
from service.api.http.connection import client_of
from service.api.http.errors import ApiError
from service.api.http.parsing import json_body
from service.api.http.sse import Event, event_stream
from service.api.openapi.described import Parameter, describe
from service.api.schemas.bodies import JobBody
from service.api.schemas.replies import (
    SVG,
    JobDetailReply,
    JobMeasurement,
    JobReply,
    JobSamples,
    JobsReply,
    JobStatusEvent,
    JobWarnings,
)
from service.settings import Settings
from service.training.corpora import CorpusStore
from service.training.curves import job_curves
from service.training.errors import JobDamagedError
from service.training.job import AnyJob, Job
from service.training.jobs import JobStore
from service.training.submission import Queue, submit

POLL_SECONDS: Final = 0.25
EVENTS: Final = (
    "`status`; `metrics` at intervals; `evaluation` with the held-out loss and `gradient_norms` by layer"
    " and steps back; `samples` from the same prompts with the same seeds, at evaluations and after 1%, 5%, 20% and all"
    " of the training (`fraction`); `warnings`, all that apply from then on. Each is sent once, even if the job is"
    " interrupted."
)
LAST_EVENT: Final = {"type": "string", "pattern": "^[0-9]{1,18}$"}


def blueprint(
    jobs: JobStore,
    corpora: CorpusStore,
    queue: Queue,
    settings: Settings,
    guard: Guard,
    *,
    models: ModelStore,
    check_ending: Callable[[], None],
) -> Blueprint:
    """The routes of jobs, all of them an admin's."""
    routes = Blueprint("jobs", __name__, url_prefix="/jobs")
    routes.before_request(guard)

    @routes.post("")
    @describe(
        "Train a version",
        access="admin",
        body=JobBody,
        reply=JobReply,
        status=202,
        errors=(404, 503),
        examples={"five minutes": {"corpus": "0" * 16, "model": "plays", "budget": {"minutes": 5}}},
    )
    def start_job() -> tuple[Response, int]:
        job = submit(json_body(JobBody, settings).request(), corpora, jobs, queue, models)
        return jsonify(describe_job(job)), 202

    @routes.get("")
    @describe("All jobs", access="admin", reply=JobsReply)
    def list_jobs() -> Response:
        return jsonify(jobs=[describe_job(job) for job in jobs.list()])

    @routes.get("/<job_id>")
    @describe("A job with its measurements and samples", access="admin", reply=JobDetailReply, errors=(404,))
    def show_job(job_id: str) -> Response:
        job = describe_job(jobs.look(job_id))
        try:
            more = {"decided": jobs.decided(job_id), "metrics": jobs.metrics(job_id), "samples": jobs.samples(job_id)}
        except JobDamagedError:  # there is not even a directory
            more = {"decided": {}, "metrics": [], "samples": []}
        return jsonify(job | more)

    @routes.get("/<job_id>/curves.svg")
    @describe("A job's measurements as a picture", access="admin", reply=SVG, errors=(404, 409))
    def draw_job(job_id: str) -> Response:
        return Response(job_curves(jobs, job_id), mimetype=SVG, headers={"Cache-Control": "no-store"})

    @routes.post("/<job_id>/cancel")
    @describe("Cancel a job", access="admin", reply=JobReply, errors=(404, 409))
    def cancel_job(job_id: str) -> Response:
        return jsonify(describe_job(jobs.cancel(job_id)))

    @routes.delete("/<job_id>")
    @describe(
        "Delete a job that has ended or is damaged",
        access="admin",
        description="Deletes all its measurements; the version that it published is kept.",
        status=204,
        errors=(404, 409),
    )
    def delete_job(job_id: str) -> Response:
        jobs.delete(job_id)
        return Response(status=204)

    @routes.get("/<job_id>/events")
    @describe(
        "Follow a job live, as server-sent events",
        access="admin",
        description=EVENTS,
        parameters=(Parameter("Last-Event-ID", "id of the last event received", "header", LAST_EVENT),),
        events=(JobStatusEvent, JobMeasurement, JobSamples, JobWarnings),
        nothing="the job has ended and no events are left; an EventSource does not reconnect",
        errors=(404, 422),
    )
    def follow_job(job_id: str) -> Response:
        after = _last_event_id(jobs, job_id)
        if after and jobs.look(job_id).is_final and next(jobs.events(job_id, after), None) is None:
            return Response(status=204)
        client = client_of(request.environ)

        def alive() -> bool:
            check_ending()
            return client.is_there()

        return event_stream(_follow(jobs, job_id, after, alive))

    return routes


def describe_job(job: AnyJob) -> dict[str, Any]:
    """The JSON of a job, without its measurements; of a damaged one, what is still known."""
    state = asdict(job.state)
    request = job.request.as_dict() if isinstance(job, Job) else {}
    return {
        "id": job.id,
        "status": state.pop("status"),
        "corpus": request.get("corpus"),
        "model": request.get("model"),
        "created": job.created,
        **state,
        "cancel_requested": job.cancel_requested,
        "warnings": list(job.warnings),
        "progress": asdict(job.progress),
        "request": request,
        **({"damaged": job.damaged} if job.damaged else {}),
    }


def _last_event_id(jobs: JobStore, job_id: str) -> int:
    """After which event to begin; 0: with the first. Raises ApiError 422 for what is no id of the job's events."""
    given = request.headers.get("Last-Event-ID", "0")
    written = given.isascii() and given.isdigit() and len(given) <= 18
    if not written or not jobs.has_event(job_id, int(given)):
        message = f"Last-Event-ID must be the id of one of the job's events, or 0, not {given[:50]!r}"
        raise ApiError(422, "invalid_value", message, "Last-Event-ID")
    return int(given)


def _follow(jobs: JobStore, job_id: str, after: int, alive: Callable[[], bool]) -> Iterator[Event | None]:
    """What happened and what happens, until the job has ended or nobody listens."""
    while alive():
        # Asked before the events are read: what was written before the end is then among them.
        ended = jobs.look(job_id).is_final
        for event in jobs.events(job_id, after):
            after = event.id
            yield Event(event.data, kind=event.kind, id=str(event.id))
        if ended:
            return
        yield None
        time.sleep(POLL_SECONDS)
