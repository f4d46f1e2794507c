"""The small files in a job's directory: what each holds, and what is made of one that is damaged; knows no queue."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from durable.reading import DamagedFileError, json_fault, read_json
from service.training import run_files, shapes
from service.training.job import JobProgress, JobStatus
from service.training.lease import LEASE
from service.training.plan import PLAN_SHAPE
from service.training.requests import JobRequest

_STATUS: Final = TypeAdapter(JobStatus)
_PROGRESS: Final = TypeAdapter(JobProgress)
SHAPES: Final[Mapping[str, tuple[TypeAdapter[Any], ...]]] = {
    run_files.STATUS: (shapes.STATUS, _STATUS),
    run_files.PROGRESS: (shapes.PROGRESS, _PROGRESS),
    run_files.WARNINGS: (shapes.WARNINGS,),
    run_files.PLAN: (PLAN_SHAPE,),
    run_files.INTENT: (shapes.INTENT,),
    run_files.ATTEMPTS: (shapes.ATTEMPTS,),
    LEASE: (shapes.LEASE,),
}
"""What may lie in a run's directory, and what it holds then."""


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
