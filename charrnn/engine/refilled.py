"""A series with any engine: an ordinary batch whose slots are refilled between its steps; and the state in which a
series begins."""

from __future__ import annotations

import numpy as np

from charrnn.config import ModelConfig
from charrnn.engine.base import Batch, Engine, Finished, Sequence, Series, State
from charrnn.engine.sequences import check_series
from charrnn.vocabulary import Ids


class RefilledBatch:
    """Implements charrnn.engine.base.SeriesBatch with a `batch` for `slots` sequences, which must be empty. A slot
    becomes free at the end of a call of `step`, so calls of few steps keep the batch full.

    Raises ValueError as `check_series` does.
    """

    def __init__(self, batch: Batch, slots: int, config: ModelConfig, series: Series) -> None:
        check_series(series, config)
        self._batch = batch
        self._slots = slots
        self._series = series
        self._next = series.first
        self._active: dict[int, int] = {}
        self._ids: dict[int, list[Ids]] = {}

    @property
    def done(self) -> bool:
        """Whether all candidates have been returned."""
        return not self._active and self._next == self._series.stop

    def step(self, steps: int) -> Finished:
        """Advance the candidates by up to `steps` ids; those that are done."""
        while len(self._active) < self._slots and self._next != self._series.stop:
            handle = self._batch.add(self._series.sequence(self._next))
            self._active[handle], self._ids[handle] = self._next, []
            self._next += 1
        candidates, found, ended = [], [], []
        for output in self._batch.step(steps):
            self._ids[output.handle].append(output.ids)
            if output.done:
                self._batch.remove(output.handle)
                candidates.append(self._active.pop(output.handle))
                ids = np.concatenate(self._ids.pop(output.handle))
                found.append(ids[: ids.size - output.ended])
                ended.append(output.ended or output.completed)
        offsets = np.cumsum([0, *map(len, found)], dtype=np.int64)
        ids = np.concatenate(found) if found else np.zeros(0, dtype=np.int32)
        return Finished(np.array(candidates, dtype=np.int64), ids, offsets, np.array(ended, dtype=np.bool_))


def state_after(engine: Engine, prompt: Ids) -> State:
    """The state of a sequence that has read the prompt, at least one id, and is about to choose its first id. Raises
    ValueError as `Batch.add` does."""
    batch = engine.batch(1)
    handle = batch.add(Sequence(prompt, 0))
    batch.step(len(prompt))
    return batch.state(handle)
