"""The small files in a job's directory: their shapes, and what replaces damaged ones; knows no queue."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from durable.clock import now
from durable.reading import DamagedFileError, json_fault, read_json
from service.training.jobs import run_files, shapes
from service.training.jobs.event_log import EventLog
from service.training.jobs.job import NOT_BEGUN, QUEUED, JobProgress, JobState
from service.training.jobs.lease import LEASE
from service.training.jobs.plan import PLAN_SHAPE
from service.training.jobs.requests import JobRequest
from service.training.jobs.run_writer import Writer

_STATE: Final = TypeAdapter(JobState)
_PROGRESS: Final = TypeAdapter(JobProgress)
SHAPES: Final[Mapping[str, TypeAdapter[Any]]] = {
    run_files.STATUS: _STATE,
    run_files.PROGRESS: _PROGRESS,
    run_files.WARNINGS: shapes.WARNINGS,
    run_files.PLAN: PLAN_SHAPE,
    run_files.INTENT: shapes.INTENT,
    run_files.ATTEMPTS: shapes.ATTEMPTS,
    LEASE: shapes.LEASE,
}
"""The shapes of the small files in a run's directory."""


def read_state(folder: Path) -> JobState:
    """The state of the job in this directory; if the file is damaged, the last one in its log."""
    try:
        return read_json(folder / run_files.STATUS, _STATE)
    except FileNotFoundError:
        return QUEUED
    except DamagedFileError:
        return _last_logged_state(folder)


def _last_logged_state(folder: Path) -> JobState:
    state = QUEUED
    for event in EventLog(folder).read():
        if event.kind == "status":
            with suppress(ValidationError):
                state = _STATE.validate_python(event.data)
    return state


def write_state(files: Writer, state: JobState) -> None:
    """Replace a job's state and log it; the caller may write to the run and has checked that the job has not ended.
    Raises OSError."""
    values = asdict(state)
    files.put(run_files.STATUS, values)
    logged = {"status", "version", "promoted", "error"} if state.is_final else {"status"}
    files.log("status", {k: v for k, v in values.items() if k in logged and v is not None})


def shape_fault(path: Path) -> str:
    """What is wrong with one of the small files in a run's directory; empty when nothing is."""
    return json_fault(path, SHAPES[path.name])


def read_progress(folder: Path) -> JobProgress:
    """The progress of the job in this directory."""
    return run_files.read_shaped(folder / run_files.PROGRESS, _PROGRESS) or NOT_BEGUN


def request_values(request: JobRequest) -> dict[str, Any]:
    """The content of the file of a request that is made now."""
    return {"created": now(), **request.as_dict()}


def read_request(folder: Path) -> tuple[JobRequest, str]:
    """The job's request, and when it was created. Raises DamagedFileError."""
    name = run_files.REQUEST
    try:
        values = read_json(folder / name, shapes.REQUEST)
        return JobRequest.from_dict(values), values["created"]
    except FileNotFoundError as error:
        raise DamagedFileError(f"{name} is missing") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFileError(f"{name} is not a valid request: {str(error)[:200]}") from error


def request_fault(path: Path) -> str:
    """What is wrong with the file of a job's request; empty when nothing is."""
    try:
        read_request(path.parent)
    except DamagedFileError as error:
        return str(error)
    return ""


def read_warnings(folder: Path) -> tuple[str, ...]:
    """The warnings about the result of the job in this directory."""
    values = run_files.read_shaped(folder / run_files.WARNINGS, shapes.WARNINGS)
    return tuple(values["warnings"]) if values else ()
