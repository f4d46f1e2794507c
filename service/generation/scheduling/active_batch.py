"""The sequences of one version that advance together; one thread at a time uses it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from charrnn.engine.base import Batch, Output
from service.generation.scheduling.scheduled import Checkpoint, ScheduledSequence

log = logging.getLogger(__name__)

QUANTUM_SECONDS: Final = 0.002
"""About how long one call of an engine may take; a new request waits this long at most to join."""
MAX_STEPS: Final = 256
"""The maximum number of steps in one call."""
SHORTEST_STEP_SECONDS: Final = 1e-7
LEARNING_RATE: Final = 1 / 8
"""Weight of the latest sequence in the running average of their durations."""


class ActiveBatch:
    """An engine's batch, and the scheduled sequence of each handle."""

    def __init__(self, batch: Batch, clock: Callable[[], float]) -> None:
        self._batch = batch
        self._clock = clock
        self._step_seconds = QUANTUM_SECONDS
        self.seconds_per_sequence = 0.0
        """Running average over those that ended, from joining to their end; 0 before the first."""
        self.sequences: dict[int, ScheduledSequence] = {}
        self._parts_read: list[ScheduledSequence] = []

    def add(self, scheduled: ScheduledSequence) -> None:
        """Add the sequence before the next step; one that the engine refuses ends with the engine's error."""
        scheduled.started_at = scheduled.started_at or self._clock()
        try:
            self.sequences[self._batch.add(scheduled.sequence)] = scheduled
        except Exception as error:
            log.exception("a sequence could not be started")
            scheduled.finish(error)

    def step(self) -> int:
        """Remove what was cancelled, advance the rest by about a quantum and deliver the outputs; returns the number of
        steps. If the engine fails, all of them end with its error."""
        for handle in [handle for handle, scheduled in self.sequences.items() if scheduled.cancelled]:
            self._remove(handle).finish()
        if not self.sequences:
            return 0
        steps = max(1, min(MAX_STEPS, int(QUANTUM_SECONDS / (self._step_seconds * len(self.sequences)))))
        pausing = [(handle, scheduled) for handle, scheduled in self.sequences.items() if scheduled.pauses]
        steps = min([steps, *(scheduled.pauses[0] for _, scheduled in pausing)])
        try:
            for handle in [handle for handle, scheduled in self.sequences.items() if scheduled.needs_checkpoint]:
                self.sequences[handle].checkpoint = self._state(handle)
            outputs = self._timed_step(steps)
            for handle, scheduled in pausing:
                if scheduled.advance(steps):
                    scheduled.states.append(self._batch.state(handle))
            for output in outputs:
                if self.sequences[output.handle].has_unread_prompt:
                    self._read_on(output)
                elif self._deliver(output):
                    self._learn(self._clock() - self._remove(output.handle).started_at)
        except Exception as error:
            log.exception("a batch failed; its sequences are given up")
            self.fail(error)
        return steps

    def parts_read(self) -> list[ScheduledSequence]:
        """The sequences that have left the batch since the last call because a part of their prompt was read."""
        found, self._parts_read = self._parts_read, []
        return found

    def suspend(self, handle: int) -> ScheduledSequence | None:
        """Remove a sequence that goes on later; None if the engine has just failed: all of them have ended then."""
        if handle not in self.sequences:
            return None
        try:
            self.sequences[handle].suspend(self._batch.state(handle))
        except Exception as error:
            log.exception("a sequence could not be suspended; its batch is given up")
            self.fail(error)
            return None
        return self._remove(handle)

    def fail(self, error: Exception) -> None:
        """End all of them with this error."""
        for handle in list(self.sequences):
            self._remove(handle).finish(error)

    def give_up(self, error: Exception) -> None:
        """End all of them with this error, each with the state in which it could go on elsewhere."""
        for handle, scheduled in self.sequences.items():
            if scheduled.tokens:
                scheduled.end = self._state(handle)
        self.fail(error)

    def _read_on(self, output: Output) -> None:
        state = self._batch.state(output.handle)
        scheduled = self._remove(output.handle)
        scheduled.read_on(output, state)
        self._parts_read.append(scheduled)

    def _deliver(self, output: Output) -> bool:
        scheduled = self.sequences[output.handle]
        if output.done and scheduled.keeps_end:
            scheduled.end = self._state(output.handle, output.ids.size)
        return scheduled.deliver(output)

    def _state(self, handle: int, new: int = 0) -> Checkpoint:
        """The state of a sequence, which has `new` ids that are not delivered yet."""
        return Checkpoint(self._batch.state(handle), self.sequences[handle].tokens + new)

    def _timed_step(self, steps: int) -> Sequence[Output]:
        """Step, and measure how long a step of one sequence takes.

        Of one sequence, so that the estimate still holds when many join at once; and in this thread's processor time,
        because time spent waiting for the interpreter's lock afterwards would make the calls smaller, and smaller calls
        wait for it more often.
        """
        began = time.thread_time()
        outputs = self._batch.step(steps)
        made = max((output.ids.size for output in outputs), default=0) or steps
        seconds = (time.thread_time() - began) / (made * len(self.sequences))
        self._step_seconds = max(seconds, SHORTEST_STEP_SECONDS)
        return outputs

    def _learn(self, seconds: float) -> None:
        weight = LEARNING_RATE if self.seconds_per_sequence else 1
        self.seconds_per_sequence += (seconds - self.seconds_per_sequence) * weight

    def _remove(self, handle: int) -> ScheduledSequence:
        self._batch.remove(handle)
        return self.sequences.pop(handle)
