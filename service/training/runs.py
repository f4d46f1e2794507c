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
from service.training import run_files, shapes
from service.training.job import JobProgress, JobStatus
from service.training.job_files import SHAPES, read_progress, read_status, read_warnings, shape_fault, write_status
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
        self._lease = lease
        with lease.held():
            _mend(folder)
            run_files.mend_events(folder)
            remove_dead_drafts(folder)
        self._last_step = {kind: self._recorded(kind) for kind in COMES_AFTER}

    @property
    def id(self) -> str:
        """The job's id."""
        return self._folder.name

    @property
    def status(self) -> JobStatus:
        """What became of the job so far."""
        return read_status(self._folder)

    @property
    def progress(self) -> JobProgress:
        """How far the job is, as it was last shown."""
        return read_progress(self._folder)

    def cancel_requested(self) -> bool:
        """Whether somebody asked for its end."""
        return (self._folder / run_files.CANCEL).exists()

    def start(self) -> int:
        """Say that the job is running; returns how many workers in a row began from the same resume point and died."""
        with self._lease.held():
            state = self.status
            write_status(self._folder, replace(state, status="running", started=state.started or now()))
            before = run_files.read_shaped(self._folder / run_files.ATTEMPTS, shapes.ATTEMPTS)
            step = run_files.newest_step(self._folder)
            deaths = before["deaths"] + 1 if before and before["step"] == step else 0
            run_files.write_json(self._folder / run_files.ATTEMPTS, {"step": step, "deaths": deaths})
            return deaths

    def hand_over(self) -> None:
        """Say that the job waits for the next worker, who finds it where this one leaves it, alive."""
        with self._lease.held():
            write_status(self._folder, replace(self.status, status="queued"))
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
        """Show how far the job is."""
        data = json.dumps(asdict(progress)).encode()
        with self._lease.held():
            files.put(self._folder / run_files.PROGRESS, data, sync=False)

    def record(self, kind: str, step: int, values: dict[str, Any]) -> None:
        """Add an event to the log, unless one that it must come after (COMES_AFTER) is there for this step or a later
        one."""
        if step <= max(self._last_step[each] for each in COMES_AFTER[kind]):
            return
        with self._lease.held():
            run_files.append_event(self._folder, kind, {"step": step, **values})
        self._last_step[kind] = step

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was said about the job's result last."""
        return read_warnings(self._folder)

    def warn(self, step: int, warnings: list[str]) -> None:
        """Say what there is to know about the job's result after so many steps: all of it, each time it changes."""
        self.record("warnings", step, {"warnings": warnings})
        with self._lease.held():
            run_files.write_json(self._folder / run_files.WARNINGS, {"warnings": warnings})

    def save(self, step: int, state: bytes) -> None:
        """Keep a resume point, and the one before it."""
        with draft(self._folder) as new:
            new.file.write(run_files.sealed(state))
            new.finish()
            with self._lease.held():
                new.put(self._folder / run_files.resume_name(step))
                run_files.drop_old_resume_points(self._folder)

    def resume_points(self) -> Iterator[bytes]:
        """The undamaged resume points, the newest first."""
        return run_files.read_resume_points(self._folder)

    def intent(self) -> dict[str, Any] | None:
        """What an earlier worker was about to publish, if any was."""
        kept = run_files.read_shaped(self._folder / run_files.INTENT, shapes.INTENT)
        return None if kept is None else dict(kept)

    def publish(self, intent: dict[str, Any], publish: Callable[[], tuple[int, bool]]) -> JobStatus:
        """Publish with the run in hand and say so; `intent` lets the next worker find the version, should this one die
        between the two. `publish` returns the version and whether it was promoted."""
        with self._lease.held():
            run_files.write_json(self._folder / run_files.INTENT, intent)
            version, promoted = publish()
            return self._end(replace(self.status, status="succeeded", version=version, promoted=promoted))

    def fail(self, message: str) -> JobStatus:
        """Say that the job cannot be done, and why."""
        with self._lease.held():
            return self._end(replace(self.status, status="failed", error=message))

    def cancel(self) -> JobStatus:
        """Say that the job was ended on request."""
        with self._lease.held():
            return self._end(replace(self.status, status="cancelled"))

    def _end(self, state: JobStatus) -> JobStatus:
        ended = replace(state, finished=now())
        write_status(self._folder, ended)
        run_files.drop_resume_points(self._folder)
        return ended

    def _recorded(self, kind: str) -> int:
        events = run_files.read_events(self._folder)
        return max((event.data.get("step", 0) for event in events if event.kind == kind), default=-1)


def _mend(folder: Path) -> None:
    """Take away the small files that cannot be read and that a worker makes anew."""
    state = read_status(folder)
    for name in SHAPES.keys() - {LEASE, run_files.PLAN}:
        if fault := shape_fault(folder / name):
            log.warning("run %s: %s; the file is rebuilt", folder.name, fault)
            drop(folder / name)
            if name == run_files.STATUS:
                run_files.write_json(folder / name, asdict(state))
