"""One thread at a time owns the batches: every active sequence advances with the others, joining and leaving at any
step."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Sequence as Items
from typing import Final

from charrnn.engine.base import Batch, Engine, Output, Sequence
from charrnn.vocabulary import Ids
from service.generation.disconnects import DisconnectWatcher
from service.generation.errors import BusyError, ClosedError, NeverFitsError

log = logging.getLogger(__name__)

QUANTUM_SECONDS: Final = 0.002
"""About how long one call of an engine may take, which is how long a new request waits to join."""
MAX_STEPS: Final = 256
HELP_SECONDS: Final = 0.02
"""How long a thread that asked works for others too; it must soon look again whether its client is still there."""
KEPT_BATCHES: Final = 4
LONGEST_RETRY_SECONDS: Final = 60

Watch = Callable[[Ids], bool]


class Ticket:
    """One sequence's place with the scheduler, as seen by whoever asked for it.

    `wake` is set when the sequence is done or has failed, and with `stream` at all news; it may be shared by several
    tickets. `watch` sees the new ids in the scheduler's thread and ends the sequence by returning True.
    """

    def __init__(
        self, sequence: Sequence, wake: threading.Event, watch: Watch | None = None, *, stream: bool = False
    ) -> None:
        self.sequence = sequence
        self.done = False
        self.admitted = 0.0
        self.error: BaseException | None = None
        self.cancelled = False
        self._wake = wake
        self._watch = watch
        self._stream = stream
        self._outputs: deque[Output] = deque()

    def take(self) -> list[Output]:
        """What has come since the last call, in order; after the last of it, raises what the engine failed with."""
        outputs = [self._outputs.popleft() for _ in range(len(self._outputs))]
        if not outputs and self.error is not None:
            raise self.error
        return outputs

    def cancel(self) -> None:
        """Give the place up: the sequence leaves before the next step."""
        self.cancelled = True

    def deliver(self, output: Output) -> bool:
        """For the scheduler: hand over an output; whether the sequence is over with it."""
        self._outputs.append(output)
        over = output.done or (self._watch is not None and bool(output.ids.size) and self._watch(output.ids))
        if over:
            self.finish()
        elif self._stream:
            self._wake.set()
        return over

    def finish(self, error: BaseException | None = None) -> None:
        """For the scheduler: nothing more will come."""
        self.error = error
        self.done = True
        self._wake.set()


class Scheduler:
    """Generates for up to `max_active` sequences at once, of any resident versions; up to `max_waiting` more wait.

    The places are given in the order of arrival. A thread of its own advances the batches, or a thread that asked, by
    `help`; never both. `start` is called after a fork, in the process that generates.
    """

    def __init__(self, max_active: int, max_waiting: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self._max_active = max_active
        self._max_waiting = max_waiting
        self._clock = clock
        self._changed = threading.Condition()
        self._at_work = threading.Lock()
        self._waiting: deque[tuple[Engine, Ticket]] = deque()
        self._running: dict[Engine, _Running] = {}
        self._closed = self._given_up = False
        self.disconnects = DisconnectWatcher()
        self._seconds_a_sequence = 0.0
        self.steps = 0
        self.rows = 0
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Take nothing new, finish what runs and waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def give_up(self) -> None:
        """Take nothing new, and end what runs and waits with a ClosedError; may be called by any thread."""
        with self._changed:
            self._closed = self._given_up = True
            self._changed.notify()

    @property
    def active(self) -> int:
        """Sequences being generated."""
        return sum(len(running.tickets) for running in list(self._running.values()))

    @property
    def waiting(self) -> int:
        """Sequences waiting for a place."""
        return len(self._waiting)

    def check_fits(self, count: int) -> None:
        """Raises NeverFitsError when so many sequences find no place even where nothing else runs or waits."""
        if count > (places := self._max_active + self._max_waiting):
            raise NeverFitsError(places, count)

    def submit(self, engine: Engine, tickets: list[Ticket], *, helps: bool = False) -> None:
        """Queue the sequences of one request, all of them or none; with `helps`, the caller calls `help` at once.

        Raises BusyError when they cannot all be active or wait, NeverFitsError when they never could, ClosedError after
        `close`.
        """
        self.check_fits(len(tickets))
        with self._changed:
            if self._closed:
                raise ClosedError("the service is shutting down")
            free = self._max_active - self.active
            if len(self._waiting) + len(tickets) > free + self._max_waiting:
                raise BusyError(self._max_waiting, self._seconds_until_free(len(tickets)))
            self._waiting.extend((engine, ticket) for ticket in tickets)
            if not helps:
                self._changed.notify()

    def help(self, done: Callable[[], bool]) -> None:
        """Advance the batches in the caller's thread until `done()`, but not for long, unless another thread is at it.

        A short text then costs no change of threads, which costs more than the text.
        """
        # Whoever is at it sees what was submitted before: it looks again after it has stopped.
        if not self._at_work.acquire(blocking=False):
            return
        try:
            until = self._clock() + HELP_SECONDS
            while not done() and self._clock() < until and self._admit():
                self._step()
        finally:
            self._at_work.release()
        with self._changed:
            if self._has_work():
                self._changed.notify()

    def _seconds_until_free(self, places: int) -> int:
        """About how long it takes until so many more could wait, as long as sequences take as long as the last ones."""
        seconds = self._seconds_a_sequence * (len(self._waiting) + places) / self._max_active
        return max(1, min(LONGEST_RETRY_SECONDS, math.ceil(seconds)))

    def _run(self) -> None:
        while self._wait_for_work():
            with self._at_work:
                while self._admit():
                    self._step()

    def _wait_for_work(self) -> bool:
        """Sleep until there is something to do. False: it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_work() or self._closed)
            return self._has_work()

    def _has_work(self) -> bool:
        return bool(self._waiting or self.active)

    def _step(self) -> None:
        self.disconnects.check()
        for running in list(self._running.values()):
            if self._given_up:
                running.fail(ClosedError("the service is shutting down"))
            rows = len(running.tickets)
            steps = running.step(self._clock)
            self.steps += steps
            self.rows += steps * rows
            self._seconds_a_sequence = running.seconds_a_sequence or self._seconds_a_sequence
        self._forget_idle()

    def _forget_idle(self) -> None:
        """Keep the batches of the versions last used: making one anew costs more than a short text."""
        idle = [engine for engine, running in self._running.items() if not running.tickets]
        for engine in idle[: max(0, len(self._running) - KEPT_BATCHES)]:
            del self._running[engine]

    def _admit(self) -> bool:
        """Let those who wait in as far as there is place. False: there is nothing to do."""
        with self._changed:
            while self._waiting and self.active < self._max_active:
                engine, ticket = self._waiting.popleft()
                if ticket.cancelled or self._given_up:
                    ticket.finish(ClosedError("the service is shutting down") if self._given_up else None)
                    continue
                running = self._running.pop(engine, None) or _Running(engine.batch(self._max_active))
                self._running[engine] = running  # the last one used stands last
                ticket.admitted = self._clock()
                running.add(ticket)
            return self._has_work()


class _Running:
    """One version's batch and whose sequences are in it."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._seconds_a_row = QUANTUM_SECONDS
        self.seconds_a_sequence = 0.0
        self.tickets: dict[int, Ticket] = {}

    def add(self, ticket: Ticket) -> None:
        try:
            self.tickets[self._batch.add(ticket.sequence)] = ticket
        except Exception as error:
            log.exception("a sequence could not be started")
            ticket.finish(error)

    def step(self, clock: Callable[[], float]) -> int:
        """Drop what was cancelled, advance the rest by about a quantum, hand out what came; how many steps it was."""
        for handle in [handle for handle, ticket in self.tickets.items() if ticket.cancelled]:
            self._leave(handle).finish()
        if not self.tickets:
            return 0
        steps = max(1, min(MAX_STEPS, int(QUANTUM_SECONDS / (self._seconds_a_row * len(self.tickets)))))
        try:
            outputs = self._timed(steps)
            for output in outputs:
                if self.tickets[output.handle].deliver(output):
                    self._learn(clock() - self._leave(output.handle).admitted)
        except Exception as error:
            log.exception("a batch failed; its sequences are given up")
            self.fail(error)
        return steps

    def _timed(self, steps: int) -> Items[Output]:
        """Step, and learn what a row of a step costs: per row, so that the estimate holds at once when many join, and
        in this thread's processor time, since the wait for the interpreter afterwards is no reason for smaller calls,
        which would only wait more often."""
        began = time.thread_time()
        outputs = self._batch.step(steps)
        made = max((output.ids.size for output in outputs), default=0) or steps
        self._seconds_a_row = max((time.thread_time() - began) / (made * len(self.tickets)), 1e-7)
        return outputs

    def _learn(self, seconds: float) -> None:
        """How long a sequence takes, the last ones counting most."""
        self.seconds_a_sequence += (seconds - self.seconds_a_sequence) / (8 if self.seconds_a_sequence else 1)

    def _leave(self, handle: int) -> Ticket:
        self._batch.remove(handle)
        return self.tickets.pop(handle)

    def fail(self, error: Exception) -> None:
        """Give all of them up."""
        for handle in list(self.tickets):
            self._leave(handle).finish(error)
