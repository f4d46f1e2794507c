"""`/jobs`: start, follow, cancel and delete training jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, Literal, cast

from flask import Blueprint, request

from model_store.store import ModelStore
from service.api.http.auth import Guard, guarded
from service.api.http.client_connection import client_of
from service.api.http.errors import ApiError
from service.api.http.paging import requested
from service.api.http.parsing import json_body
from service.api.http.responses import EventStream, NoContent, Svg
from service.api.http.sse import Event, event_stream
from service.api.openapi.operations import describe, last_event
from service.api.openapi.page_parameters import PAGE_PARAMETERS
from service.api.schemas.jobs import JobBody
from service.api.schemas.replies.jobs import (
    JobDetailReply,
    JobEvent,
    JobReply,
    JobsReply,
    job_detail_reply,
    job_reply,
)
from service.settings import Settings
from service.training.corpora.store import CorpusStore
from service.training.curves import job_curves
from service.training.errors import JobDamagedError, JobNotFoundError
from service.training.jobs.store import JobStore
from service.training.queue.submission import Queue, submit

POLL_SECONDS: Final = 0.25
EVENTS: Final = (
    "`status`; `metrics` at intervals; `evaluation` with the held-out loss and `gradient_norms` by layer"
    " and steps back; `samples` from the same prompts with the same seeds, at evaluations and after 1%, 5%, 20% and all"
    " of the training (`fraction`); `warnings`, all that apply from then on. Each is sent once, even if the job is"
    " interrupted."
)
EVENT_ID: Final = "[0-9]{1,18}"


def blueprint(
    jobs: JobStore,
    corpora: CorpusStore,
    queue: Queue,
    settings: Settings,
    guard: Guard,
    *,
    models: ModelStore,
    check_shutdown: Callable[[], None],
) -> Blueprint:
    """The routes of jobs, all for admins."""
    routes = guarded("jobs", guard, "/jobs")

    @routes.post("")
    @describe(
        "Train a version",
        access="admin",
        body=JobBody,
        errors=(404, 503),
        examples={"five minutes": {"corpus": "0" * 16, "model": "plays", "budget": {"minutes": 5}}},
    )
    def start_job() -> tuple[JobReply, Literal[202]]:
        job = submit(json_body(JobBody, settings).request(), corpora, jobs, queue, models)
        return job_reply(job), 202

    @routes.get("")
    @describe("All jobs", access="admin", parameters=PAGE_PARAMETERS, errors=(422,))
    def list_jobs() -> JobsReply:
        page = requested(jobs.ids(), jobs.place, "the id of a job")
        found: list[JobReply] = []
        for job_id in page.places:
            with suppress(JobNotFoundError):  # deleted meanwhile
                found.append(job_reply(jobs.look(job_id)))
        return {"jobs": found, **page.fields}

    @routes.get("/<job_id>")
    @describe("A job with its measurements and samples", access="admin", errors=(404,))
    def show_job(job_id: str) -> JobDetailReply:
        job = job_reply(jobs.look(job_id))
        try:
            plan, log = jobs.plan(job_id), jobs.event_log(job_id)
            return job_detail_reply(job, plan, log.metrics(), log.samples())
        except JobDamagedError:  # there is not even a directory
            return job_detail_reply(job, None, [], [])

    @routes.get("/<job_id>/curves.svg")
    @describe("A job's measurements as a picture", access="admin", errors=(404, 409))
    def draw_job(job_id: str) -> Svg:
        return Svg(job_curves(jobs, job_id), headers={"Cache-Control": "no-store"})

    @routes.post("/<job_id>/cancel")
    @describe("Cancel a job", access="admin", errors=(404, 409))
    def cancel_job(job_id: str) -> JobReply:
        return job_reply(jobs.cancel(job_id))

    @routes.delete("/<job_id>")
    @describe(
        "Delete a job that has ended or is damaged",
        access="admin",
        description="Deletes all its measurements; the version that it published is kept.",
        errors=(404, 409),
    )
    def delete_job(job_id: str) -> NoContent:
        jobs.delete(job_id)
        return NoContent()

    @routes.get("/<job_id>/events")
    @describe(
        "Follow a job live, as server-sent events",
        access="admin",
        description=EVENTS,
        parameters=(last_event(EVENT_ID),),
        nothing="the job has ended and no events are left; an EventSource does not reconnect",
        errors=(404, 422),
    )
    def follow_job(job_id: str) -> EventStream[JobEvent] | NoContent:
        after = _last_event_id(jobs, job_id)
        if jobs.look(job_id).is_final and next(jobs.event_log(job_id).read(after), None) is None:
            return NoContent()
        client = client_of(request.environ)

        def alive() -> bool:
            check_shutdown()
            return client.is_connected()

        return event_stream(_follow(jobs, job_id, after, alive))

    return routes


def _last_event_id(jobs: JobStore, job_id: str) -> int:
    """The id of the event after which to begin; 0 for the first, as for an EventSource that has seen none.

    Raises ApiError 422 if the job has no such event.
    """
    given = request.headers.get("Last-Event-ID") or "0"
    written = given.isascii() and given.isdigit() and len(given) <= 18
    if not written or not jobs.event_log(job_id).has(int(given)):
        message = f"Last-Event-ID must be the id of one of the job's events, or 0, not {given[:50]!r}"
        raise ApiError(422, "invalid_value", message, "Last-Event-ID")
    return int(given)


def _follow(jobs: JobStore, job_id: str, after: int, alive: Callable[[], bool]) -> Iterator[Event[JobEvent] | None]:
    """Past and live events, until the job has ended or the client has disconnected."""
    status = ""
    while alive():
        # Read before the events, so that all events from before the end are included.
        job = jobs.look(job_id)
        for event in jobs.event_log(job_id).read(after):
            after = event.id
            status = event.data.get("status", status)
            yield Event(cast(JobEvent, event.data), kind=event.kind, id=str(event.id))
        if job.is_final:
            if status != job.status:  # the job is damaged, and no worker has written its end down
                end: JobEvent = {"status": job.status, "error": job.state.error}
                yield Event(end, kind="status", id=str(after))
            return
        yield None
        time.sleep(POLL_SECONDS)
