"""A run's directory in the hands of the one worker that may write to it; knows nothing of how training is done."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from durable import files
from durable.clock import now
from durable.drafts import draft, remove_dead_drafts
from durable.names import drop
from service.training import resume_points, run_files, shapes
from service.training.event_log import EventLog
from service.training.job import JobProgress, JobState
from service.training.job_files import SHAPES, read_progress, read_state, read_warnings, shape_fault, write_state
from service.training.lease import LEASE, Lease
from service.training.plan import PLAN_SHAPE, Plan

log = logging.getLogger(__name__)

COMES_AFTER: Final = {
    "metrics": ("metrics", "evaluation"),
    "evaluation": ("evaluation",),
    "samples": ("samples",),
    "warnings": ("warnings",),
}
"""The kinds of events, each with those whose steps it comes after. A resumed run repeats some of its steps and measures
at other ones than before: without evaluations among these, measurements would not be in the order of their steps."""


class Run:
    """A run that is held by `lease`. Every method that writes raises LeaseLostError when another worker took it over,
    and then has written nothing."""

    def __init__(self, folder: Path, lease: Lease) -> None:
        self._folder = folder
        self._log = EventLog(folder)
        self._lease = lease
        with lease.held():
            _mend(folder)
            self._log.mend()
            remove_dead_drafts(folder)
        self._last_step = {kind: self._log.last_step(kind) for kind in COMES_AFTER}

    @property
    def id(self) -> str:
        """The job's id."""
        return self._folder.name

    @property
    def state(self) -> JobState:
        """The job's status and result."""
        return read_state(self._folder)

    @property
    def progress(self) -> JobProgress:
        """How far the job is, as it was last noted."""
        return read_progress(self._folder)

    def cancel_requested(self) -> bool:
        """Whether the job is to be cancelled."""
        return (self._folder / run_files.CANCEL).exists()

    def start(self) -> int:
        """Mark the job as running; returns how many workers in a row began at the same resume point and died."""
        with self._lease.held():
            state = self.state
            write_state(self._folder, replace(state, status="running", started=state.started or now()))
            before = run_files.read_shaped(self._folder / run_files.ATTEMPTS, shapes.ATTEMPTS)
            step = resume_points.newest_step(self._folder)
            deaths = before["deaths"] + 1 if before and before["step"] == step else 0
            run_files.write_json(self._folder / run_files.ATTEMPTS, {"step": step, "deaths": deaths})
            return deaths

    def hand_over(self) -> None:
        """Mark the job as queued again, for the next worker; leaving it like this does not count as a death."""
        with self._lease.held():
            write_state(self._folder, replace(self.state, status="queued"))
            drop(self._folder / run_files.ATTEMPTS)

    def plan(self) -> Plan | None:
        """What was decided when the job was first begun; None before that, or when the file is damaged."""
        return run_files.read_shaped(self._folder / run_files.PLAN, PLAN_SHAPE)

    def keep_plan(self, plan: Plan) -> Plan:
        """Keep what was decided, for whoever goes on with the job; returns it."""
        with self._lease.held():
            run_files.write_json(self._folder / run_files.PLAN, plan.as_dict())
        return plan

    def note(self, progress: JobProgress) -> None:
        """Replace the progress that readers see."""
        data = json.dumps(asdict(progress)).encode()
        with self._lease.held():
            files.put(self._folder / run_files.PROGRESS, data, sync=False)

    def add_event(self, kind: str, step: int, values: dict[str, Any]) -> None:
        """Add an event to the log, unless one that it must come after (COMES_AFTER) is there for this step or a later
        one."""
        if step <= max(self._last_step[each] for each in COMES_AFTER[kind]):
            return
        with self._lease.held():
            self._log.append(kind, {"step": step, **values})
        self._last_step[kind] = step

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings about the job's result, as they were last written."""
        return read_warnings(self._folder)

    def warn(self, step: int, warnings: list[str]) -> None:
        """Write the warnings about the job's result that hold after `step` steps, all of them, when they change."""
        self.add_event("warnings", step, {"warnings": warnings})
        with self._lease.held():
            run_files.write_json(self._folder / run_files.WARNINGS, {"warnings": warnings})

    def save(self, step: int, state: bytes) -> None:
        """Keep a resume point, and the one before it."""
        with draft(self._folder) as new:
            new.file.write(resume_points.sealed(state))
            new.finish()
            with self._lease.held():
                new.put(self._folder / resume_points.name_of(step))
                resume_points.drop_old(self._folder)

    def resume_points(self) -> Iterator[bytes]:
        """The undamaged resume points, the newest first."""
        return resume_points.read(self._folder)

    def intent(self) -> dict[str, Any] | None:
        """What an earlier worker was about to publish, if it came that far."""
        kept = run_files.read_shaped(self._folder / run_files.INTENT, shapes.INTENT)
        return None if kept is None else dict(kept)

    def publish(self, intent: dict[str, Any], publish: Callable[[], tuple[int, bool]]) -> JobState:
        """Publish while the run is held, and mark the job as succeeded; `intent` lets the next worker find the version,
        should this one die between the two. `publish` returns the version and whether it was promoted."""
        with self._lease.held():
            run_files.write_json(self._folder / run_files.INTENT, intent)
            version, promoted = publish()
            return self._end(replace(self.state, status="succeeded", version=version, promoted=promoted))

    def fail(self, message: str) -> JobState:
        """Mark the job as failed; `message` says why."""
        with self._lease.held():
            return self._end(replace(self.state, status="failed", error=message))

    def cancel(self) -> JobState:
        """Mark the job as cancelled."""
        with self._lease.held():
            return self._end(replace(self.state, status="cancelled"))

    def _end(self, state: JobState) -> JobState:
        ended = replace(state, finished=now())
        write_state(self._folder, ended)
        resume_points.drop_all(self._folder)
        return ended


def _mend(folder: Path) -> None:
    """Remove the damaged small files that a worker writes anew."""
    state = read_state(folder)
    for name in SHAPES.keys() - {LEASE, run_files.PLAN}:
        if fault := shape_fault(folder / name):
            log.warning("run %s: %s; the file is rebuilt", folder.name, fault)
            drop(folder / name)
            if name == run_files.STATUS:
                run_files.write_json(folder / name, asdict(state))
