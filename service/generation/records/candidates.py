"""The candidates of a series in the order of their numbers, whatever the order in which they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from charrnn.engine.base import Engine, Finished, Series
from charrnn.vocabulary import Vocabulary
from service.generation.scheduling.active_batch import MAX_STEPS, SHORTEST_STEP_SECONDS

MAX_SLOTS: Final = 128
"""The maximum number of candidates at a time; with more, engines are hardly faster, and more of them wait for one that
is long."""


class Candidates:
    """Generates a series, `slots` candidates at a time. `step` and `in_order` may be called by different threads."""

    def __init__(
        self,
        engine: Engine,
        series: Series,
        slots: int,
        vocabulary: Vocabulary,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._batch = engine.series(series, min(slots, MAX_SLOTS))
        self._are_whole = series.fit is not None
        self._vocabulary = vocabulary
        self._clock = clock
        self._steps, self._step_seconds = 0, SHORTEST_STEP_SECONDS
        self._next = series.first
        self._early: dict[int, str] = {}
        self._cut_off: set[int] = set()

    def step(self, seconds: float) -> Finished:
        """Generate for about so long; those that are done."""
        steps = max(1, min(MAX_STEPS, 2 * self._steps, int(seconds / self._step_seconds)))
        began = self._clock()
        finished = self._batch.step(steps)
        self._steps, self._step_seconds = steps, max(SHORTEST_STEP_SECONDS, (self._clock() - began) / steps)
        return finished

    def in_order(self, finished: Finished) -> tuple[list[str], set[int]]:
        """The texts of the next candidates for which no earlier one is missing, and the indices of those that have no
        end; what fits a pattern is whole, however it ends."""
        texts = self._vocabulary.decode_each(finished.ids, finished.offsets)
        self._early.update(zip(finished.candidates.tolist(), texts, strict=True))
        if not self._are_whole:
            self._cut_off.update(finished.candidates[~finished.ended].tolist())
        first, found = self._next, list(self._take())
        cut_off = {candidate for candidate in self._cut_off if candidate < self._next}
        self._cut_off -= cut_off
        return found, {candidate - first for candidate in cut_off}

    def _take(self) -> Iterator[str]:
        while (found := self._early.pop(self._next, None)) is not None:
            self._next += 1
            yield found
