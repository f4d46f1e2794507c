"""The small files in a job's directory: the shape of each, and what replaces one that is damaged; knows no queue."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from durable.reading import DamagedFileError, json_fault, read_json
from service.training import run_files, shapes
from service.training.event_log import EventLog
from service.training.job import NOT_BEGUN, QUEUED, JobProgress, JobState
from service.training.lease import LEASE
from service.training.plan import PLAN_SHAPE
from service.training.requests import JobRequest

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
"""The small files that may be in a run's directory, with the shape of each."""


def read_state(folder: Path) -> JobState:
    """The state of the job in this directory; the last one in its log when the file is damaged."""
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


def write_state(folder: Path, state: JobState) -> None:
    """Replace a job's state and log it; the caller holds the directory's lock and has checked that the job has not
    ended. Raises OSError."""
    values = asdict(state)
    run_files.write_json(folder / run_files.STATUS, values)
    logged = {"status", "version", "promoted", "error"} if state.is_final else {"status"}
    EventLog(folder).append("status", {k: v for k, v in values.items() if k in logged and v is not None})


def shape_fault(path: Path) -> str:
    """What is wrong with one of the small files that may be in a run's directory; empty when nothing is."""
    return json_fault(path, SHAPES[path.name])


def read_progress(folder: Path) -> JobProgress:
    """How far the job in this directory is."""
    return run_files.read_shaped(folder / run_files.PROGRESS, _PROGRESS) or NOT_BEGUN


def read_request(folder: Path) -> tuple[JobRequest, str]:
    """What the job was asked to do, and when. Raises DamagedFileError."""
    name = run_files.REQUEST
    try:
        values = read_json(folder / name, shapes.REQUEST)
        return JobRequest.from_dict(values), values["created"]
    except FileNotFoundError as error:
        raise DamagedFileError(f"{name} is missing") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFileError(f"{name} is no request: {str(error)[:200]}") from error


def request_fault(path: Path) -> str:
    """What is wrong with the file of a job's request; empty when nothing is."""
    try:
        read_request(path.parent)
    except DamagedFileError as error:
        return str(error)
    return ""


def read_warnings(folder: Path) -> tuple[str, ...]:
    """What there is to know about the result of the job in this directory."""
    values = run_files.read_shaped(folder / run_files.WARNINGS, shapes.WARNINGS)
    return tuple(values["warnings"]) if values else ()
