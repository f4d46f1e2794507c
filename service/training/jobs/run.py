"""A run, as seen by the one worker that may write to its directory; knows nothing of training."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from durable.clock import now
from durable.drafts import draft, remove_dead_drafts
from durable.entries import is_there
from service.training.jobs import resume_points, run_files, shapes, stalls
from service.training.jobs.event_log import EventLog
from service.training.jobs.job import JobProgress, JobState
from service.training.jobs.job_files import SHAPES, read_progress, read_state, read_warnings, shape_fault, write_state
from service.training.jobs.lease import LEASE, Lease
from service.training.jobs.plan import PLAN_SHAPE, Plan
from service.training.jobs.run_writer import Writer

log = logging.getLogger(__name__)

COMES_AFTER: Final = {
    "metrics": ("metrics", "evaluation"),
    "evaluation": ("evaluation",),
    "samples": ("samples",),
    "warnings": ("warnings",),
}
"""For each kind of event, the kinds whose steps it must come after. A resumed run repeats some steps and measures at
different ones than before: if evaluations were not included here, measurements would not be in order of steps."""


class Run:
    """A run that is held by `lease`. Every method that writes raises LeaseLostError, and writes nothing, if another
    worker has taken over the run."""

    def __init__(self, folder: Path, lease: Lease) -> None:
        self._folder = folder
        self._log = EventLog(folder)
        self._lease = lease
        with lease.held() as files:
            _mend(folder, files)
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
        """The job's progress as last written."""
        return read_progress(self._folder)

    def cancel_requested(self) -> bool:
        """Whether cancelling the job was requested."""
        return is_there(self._folder / run_files.CANCEL)

    def start(self) -> int:
        """Mark the job as running; returns how many workers in a row died after starting from the same resume point."""
        with self._lease.held() as files:
            state = self.state
            write_state(files, replace(state, status="running", started=state.started or now()))
            before = run_files.read_shaped(self._folder / run_files.ATTEMPTS, shapes.ATTEMPTS)
            step = self._newest_step()
            deaths = before["deaths"] + 1 if before and before["step"] == step else 0
            files.put(run_files.ATTEMPTS, {"step": step, "deaths": deaths})
            return deaths

    def hand_over(self) -> None:
        """Mark the job as queued again, for the next worker; this does not count as a death."""
        with self._lease.held() as files:
            files.drop(run_files.ATTEMPTS)
            write_state(files, replace(self.state, status="queued"))

    def stall(self) -> None:
        """Note that what should be written waits for a disk that is full or read-only; needs no space, nor the lease,
        because it changes nothing else."""
        stalls.begin(self._folder)

    def go_on(self) -> None:
        """Note that everything can be written again."""
        stalls.end(self._folder)

    def plan(self) -> Plan | None:
        """The job's plan; None before it is decided, or if the file is damaged."""
        return run_files.read_shaped(self._folder / run_files.PLAN, PLAN_SHAPE)

    def keep_plan(self, plan: Plan) -> Plan:
        """Store the plan, for this worker and later ones; returns it."""
        with self._lease.held() as files:
            files.put(run_files.PLAN, plan.as_dict())
        return plan

    def note(self, progress: JobProgress) -> None:
        """Write the job's progress."""
        with self._lease.held(at_once=False) as files:
            files.put(run_files.PROGRESS, asdict(progress), sync=False)

    def add_event(self, kind: str, step: int, values: dict[str, Any]) -> None:
        """Add an event to the log, unless the log already has an event of its kinds in COMES_AFTER for this step or a
        later one."""
        if step <= max(self._last_step[each] for each in COMES_AFTER[kind]):
            return
        with self._lease.held(at_once=False) as files:
            files.log(kind, {"step": step, **values})
        self._last_step[kind] = step

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings about the job's result, as last written."""
        return read_warnings(self._folder)

    def warn(self, step: int, warnings: list[str]) -> None:
        """Write all warnings that apply after `step` steps, if they have changed."""
        self.add_event("warnings", step, {"warnings": warnings})
        with self._lease.held() as files:
            files.put(run_files.WARNINGS, {"warnings": warnings})

    def save(self, step: int, state: bytes) -> None:
        """Save a resume point, and keep the previous one."""
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
        """What an earlier worker was about to publish, if it got that far."""
        kept = run_files.read_shaped(self._folder / run_files.INTENT, shapes.INTENT)
        return None if kept is None else dict(kept)

    def publish(self, intent: dict[str, Any], publish: Callable[[], tuple[int, bool]]) -> JobState:
        """Publish while holding the lease, and mark the job as succeeded; `intent` lets the next worker find the
        version if this one dies in between. `publish` returns the version and whether it was promoted."""
        with self._lease.held() as files:
            files.put(run_files.INTENT, intent)
            version, promoted = publish()
            return self._end(files, replace(self.state, status="succeeded", version=version, promoted=promoted))

    def confirm(self) -> None:
        """Make sure, while publishing, that the run is still held. Raises LeaseLostError; here `publish` holds the
        run's lock."""

    def fail(self, message: str) -> JobState:
        """Mark the job as failed; `message` says why."""
        with self._lease.held() as files:
            return self._end(files, replace(self.state, status="failed", error=message))

    def cancel(self) -> JobState:
        """Mark the job as cancelled."""
        with self._lease.held() as files:
            return self._end(files, replace(self.state, status="cancelled"))

    def _end(self, files: Writer, state: JobState) -> JobState:
        ended = replace(state, finished=now())
        write_state(files, ended)
        resume_points.drop_all(self._folder)
        return ended

    def _newest_step(self) -> int:
        """The step of the newest resume point; 0 without any."""
        return resume_points.newest_step(self._folder)


def _mend(folder: Path, files: Writer) -> None:
    """Remove damaged small files that a worker rebuilds."""
    state = read_state(folder)
    for name in SHAPES.keys() - {LEASE, run_files.PLAN}:
        if fault := shape_fault(folder / name):
            log.warning("run %s: %s; the file is rebuilt", folder.name, fault)
            files.drop(name)
            if name == run_files.STATUS:
                files.put(name, asdict(state))
