"""A run in an object store, as seen by the one worker that may write to it; knows nothing of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from durable import files
from durable.drafts import draft
from durable.objects import ObjectExistsError, ObjectMissingError
from service.training.errors import LeaseLostError
from service.training.jobs import resume_points, run_files
from service.training.jobs.job import JobState
from service.training.jobs.run import Run
from service.training.jobs.run_mirror import RunMirror, is_of, reference
from service.training.jobs.run_writer import Writer
from service.training.jobs.shared_head import Reference
from service.training.jobs.shared_lease import SharedLease

KEPT: Final = 2
"""How many resume points a run has."""


class SharedRun(Run):
    """A run that is held by a shared lease; it is read in the mirror, and written to the store."""

    def __init__(self, mirror: RunMirror, lease: SharedLease) -> None:
        self._mirror = mirror
        self._shared = lease
        super().__init__(mirror.folder, lease)

    def save(self, step: int, state: bytes) -> None:
        """As in Run. Raises StoreUnavailableError at once while the store does not answer."""
        self._shared.check()
        data, name = resume_points.sealed(state), resume_points.name_of(step)
        point = reference(f"{name}-{self._shared.token}", "", data)
        with draft(self._folder) as new:
            new.file.write(data)
            new.file.flush()
            with suppress(ObjectExistsError):  # the name has the content's hash
                self._mirror.objects.put_new_file(self._mirror.key(point.name), new.path)
            self._refer_to(point)
            new.put(self._folder / name, sync=False)
        resume_points.drop_old(self._folder)

    def resume_points(self) -> Iterator[bytes]:
        """As in Run; what this machine does not have is fetched."""
        for point in self._shared.points:
            data = self._content(point)
            if data is not None:
                yield from resume_points.unsealed(data)

    def publish(self, intent: dict[str, Any], publish: Callable[[], tuple[int, bool]]) -> JobState:
        """As in Run; the intent is stored before anything is published, and the lease renewed meanwhile."""
        with self._shared.held() as changes:
            changes.put(run_files.INTENT, intent)
        version, promoted = publish()
        with self._shared.held() as changes:
            return self._end(changes, replace(self.state, status="succeeded", version=version, promoted=promoted))

    def confirm(self) -> None:
        """As in Run."""
        with self._shared.held():
            pass

    def _refer_to(self, point: Reference) -> None:
        """Add the resume point to the head, and keep the one before."""
        others = [each for each in self._shared.points if each.name != point.name]
        try:
            with self._shared.held() as changes:
                changes.points = (point, *others)[:KEPT]
        except LeaseLostError:  # no other holder uses an object of this token
            self._mirror.objects.delete(self._mirror.key(point.name))
            raise

    def _content(self, point: Reference) -> bytes | None:
        """A resume point as stored; None if it is damaged."""
        path = self._folder / resume_points.name_of(resume_points.step_of(point.name))
        with suppress(OSError):
            if is_of(point, data := files.read(path)):
                return data
        with suppress(ObjectMissingError):
            if is_of(point, data := self._mirror.objects.get(self._mirror.key(point.name)).data):
                return data
        return None

    def _end(self, files: Writer, state: JobState) -> JobState:
        if self.state.is_final:  # an earlier call has ended the job, but its answer was lost
            return self.state
        return super()._end(files, state)

    def _newest_step(self) -> int:
        return max((resume_points.step_of(point.name) for point in self._shared.points), default=0)
