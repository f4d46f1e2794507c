"""One sequence from its submission until its end, shared by the request's thread and the one that advances batches."""

from __future__ import annotations

import threading
from collections.abc import Callable

from charrnn.engine.base import Output, Sequence


class ScheduledSequence:
    """A sequence that is waiting, being generated, or has ended.

    `receive` gets each output, in the thread that advances the batch, and ends the sequence by returning True. `wake`
    is set when the sequence has ended and, with `stream`, at every output; several sequences may share it.
    """

    def __init__(
        self,
        sequence: Sequence,
        receive: Callable[[Output], bool | None],
        wake: threading.Event,
        *,
        stream: bool = False,
    ) -> None:
        self.sequence = sequence
        self.cancelled = False
        self.done = False
        """Whether no more outputs follow, for whatever reason."""
        self.error: BaseException | None = None
        """The error of the engine or the scheduler; set before `done`, after the last output."""
        self.started_at = 0.0
        """When it joined its batch, by the scheduler's clock."""
        self._receive = receive
        self._wake = wake
        self._stream = stream

    def cancel(self) -> None:
        """Remove it from its batch, or from the queue, before the next step; may be called by any thread."""
        self.cancelled = True

    def deliver(self, output: Output) -> bool:
        """For the scheduler: pass on an output; returns whether the sequence has ended with it."""
        ended = bool(self._receive(output)) or output.done
        if ended:
            self.finish()
        elif self._stream:
            self._wake.set()
        return ended

    def finish(self, error: BaseException | None = None) -> None:
        """For the scheduler: end the sequence."""
        self.error = error
        self.done = True
        self._wake.set()
