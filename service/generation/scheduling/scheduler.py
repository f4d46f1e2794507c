"""Which sequences are generated now and which wait; one thread at a time advances the batches, and sequences join and
leave at any step."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Final, TypeVar

from charrnn.engine.base import Engine
from service.generation.errors import BusyError, ClosedError, NeverFitsError
from service.generation.scheduling.active_batch import ActiveBatch
from service.generation.scheduling.disconnects import DisconnectWatcher
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.slices import Slices
from service.generation.scheduling.waiting import Submitted, Waiting

T = TypeVar("T")

HELP_SECONDS: Final = 0.02
"""How long a request's thread may advance all sequences before it checks its own client again."""
GATHER_SECONDS: Final = 0.0005
"""How long a request's thread waits, before it starts, for others to submit their sequences, if there were others
recently. In a step of several sequences each costs little more than half as much as alone: the weights are read
once."""
KEPT_BATCHES: Final = 4
"""How many batches without sequences are kept: those of the most recently used versions."""
LONGEST_RETRY_SECONDS: Final = 60


class Scheduler:
    """Generates up to `max_active` sequences at once, of any resident versions; up to `max_waiting` more wait.

    Requests take turns, in which they get the same number of tokens: of each, sequences become active in the order of
    arrival, and one that has had its turn leaves its place while those of another request wait, so that a short text
    never waits for the end of long ones, nor until long prompts are read. The batches are advanced by the scheduler's
    own thread or by the thread of a request (`help`), never by two at once. `start` is called after a fork, in the
    process that generates.
    """

    def __init__(self, max_active: int, max_waiting: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.max_active = max_active
        self._max_waiting = max_waiting
        self._clock = clock
        self._changed = threading.Condition()
        self._advancing = threading.Lock()
        self._waiting = Waiting()
        self._batches: dict[Engine, ActiveBatch] = {}
        self._slices = Slices(clock)
        self._closed = self._given_up = self._contended = False
        self._seconds_per_sequence = 0.0
        self.disconnects = DisconnectWatcher()
        self.steps = 0
        """Steps of batches so far."""
        self.rows = 0
        """Sequences advanced, summed over these steps."""
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Accept nothing new, finish what is active or waiting, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def give_up(self) -> None:
        """Accept nothing new, and end what is active or waiting with a ClosedError; may be called by any thread."""
        with self._changed:
            self._closed = self._given_up = True
            self._changed.notify()

    @property
    def active(self) -> int:
        """Sequences being generated."""
        return sum(len(batch.sequences) for batch in list(self._batches.values()))

    @property
    def waiting(self) -> int:
        """Sequences that wait to become active."""
        return len(self._waiting)

    def check_fits(self, count: int) -> None:
        """Raises NeverFitsError for more sequences at once than can be active or waiting when there are no others."""
        if count > (most := self.max_active + self._max_waiting):
            raise NeverFitsError(most, count)

    def submit(self, engine: Engine, scheduled: Sequence[ScheduledSequence], *, helps: bool = False) -> None:
        """Queue sequences of one request, all of them or none. With `helps`, the caller calls `help` at once.

        Raises BusyError when they cannot all be active or wait, NeverFitsError when they never could, ClosedError after
        `close`.
        """
        self.submit_all([(engine, each) for each in scheduled], helps=helps)

    def submit_all(self, scheduled: Sequence[Submitted], *, helps: bool = False) -> None:
        """The same for sequences of several versions."""
        self.check_fits(len(scheduled))
        with self._changed:
            if self._free() < len(scheduled):
                raise BusyError(self._max_waiting, self._seconds_until_free(len(scheduled)))
            self._queue(scheduled, helps=helps)

    def submit_some(self, scheduled: Sequence[Submitted]) -> int:
        """Queue as many of them, from the first on, as can be active or wait now; returns how many. Raises ClosedError
        after `close`."""
        with self._changed:
            count = max(0, min(len(scheduled), self._free()))
            self._queue(scheduled[:count])
            return count

    def submit_slice(self, work: Callable[[], T]) -> Future[T]:
        """Queue work of a few milliseconds that does not use the batches; active sequences come first. It may be done
        in any thread, this one included. Raises ClosedError after `close`."""
        with self._changed:
            if self._closed:
                raise _closed()
            future = self._slices.add(work)
        self.help(future.done)
        return future

    @property
    def slice_seconds(self) -> float:
        """About how long the next slice should take."""
        return self._slices.seconds

    def help(self, done: Callable[[], bool]) -> None:
        """Advance all batches and slices in the caller's thread until `done()`, for up to HELP_SECONDS; return at once
        when another thread is advancing them.

        Generating a short text takes less time than waking the scheduler's thread and being woken by it.
        """
        if not self._advancing.acquire(blocking=False):
            # The thread that advances the batches admits waiting sequences before every step and after its last one.
            self._contended = True
            return
        try:
            if self._contended:
                self._contended = False
                time.sleep(GATHER_SECONDS)
            until = self._clock() + HELP_SECONDS
            while not done() and self._clock() < until and self._admit():
                self._step()
        finally:
            self._advancing.release()
        with self._changed:
            if self._has_work():
                self._changed.notify()

    def _free(self) -> int:
        """How many more sequences can be active or wait. Raises ClosedError."""
        if self._closed:
            raise _closed()
        return self.max_active - self.active + self._max_waiting - len(self._waiting)

    def _queue(self, scheduled: Sequence[Submitted], *, helps: bool = False) -> None:
        for each in scheduled:
            self._waiting.append(each)
        if not helps:
            self._changed.notify()

    def _seconds_until_free(self, count: int) -> int:
        """About how long it takes until this many more sequences can wait, if sequences take as long as recent ones."""
        seconds = self._seconds_per_sequence * (len(self._waiting) + count) / self.max_active
        return max(1, min(LONGEST_RETRY_SECONDS, math.ceil(seconds)))

    def _run(self) -> None:
        while self._wait_for_work():
            with self._advancing:
                while self._admit():
                    self._step()

    def _wait_for_work(self) -> bool:
        """Sleep until there is something to do; returns False when closed and everything is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_work() or self._closed)
            return self._has_work()

    def _has_work(self) -> bool:
        return bool(self._waiting or self._slices or self.active)

    def _admit(self) -> bool:
        """Move waiting sequences to their batches, as many as may be active; returns False if there is nothing to
        do."""
        with self._changed:
            self._make_room()
            while self._waiting and self.active < self.max_active:
                engine, scheduled = self._waiting.popleft()
                if self._given_up:
                    scheduled.give_up(_closed())
                elif scheduled.cancelled:
                    scheduled.finish()
                else:
                    self._batch_of(engine).add(scheduled)
            return self._has_work()

    def _make_room(self) -> None:
        """Suspend as many sequences as wait for a place, of those that have had their turn."""
        wanted = len(self._waiting) - (self.max_active - self.active)
        if wanted <= 0:
            return
        over = (
            (engine, batch, handle)
            for engine, batch in self._batches.items()
            for handle, scheduled in batch.sequences.items()
            if scheduled.has_had_its_turn and self._waiting.others(scheduled.request)
        )
        for engine, batch, handle in list(islice(over, wanted)):
            if (suspended := batch.suspend(handle)) is not None:
                self._waiting.append((engine, suspended))

    def _batch_of(self, engine: Engine) -> ActiveBatch:
        """The engine's batch, moved to the end of `_batches`, which are in order of last use."""
        batch = self._batches.pop(engine, None) or ActiveBatch(engine.batch(self.max_active), self._clock)
        self._batches[engine] = batch
        return batch

    def _step(self) -> None:
        self.disconnects.check()
        if self._given_up:
            self._slices.fail(_closed())
        # Before the batches, so that a request which is done with this step need not wait for a slice.
        self._slices.run(busy=self.active > 0)
        for engine, batch in list(self._batches.items()):
            if self._given_up:
                batch.give_up(_closed())
            count = len(batch.sequences)
            steps = batch.step()
            if parts := batch.parts_read():
                with self._changed:
                    self._queue([(engine, scheduled) for scheduled in parts], helps=True)
            self.steps += steps
            self.rows += steps * count
            self._seconds_per_sequence = batch.seconds_per_sequence or self._seconds_per_sequence
        self._drop_unused_batches()

    def _drop_unused_batches(self) -> None:
        """Drop unused batches except the KEPT_BATCHES last used, because creating a batch costs more than a short
        text."""
        unused = [engine for engine, batch in self._batches.items() if not batch.sequences]
        for engine in unused[: max(0, len(self._batches) - KEPT_BATCHES)]:
            del self._batches[engine]


def _closed() -> ClosedError:
    return ClosedError("the service is shutting down")
