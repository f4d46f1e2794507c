"""Reads texts with an engine, several at a time, and keeps the states after some of their tokens, so that memory does
not grow with the texts; knows no labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.engine import base
from charrnn.engine.base import Batch, Engine
from charrnn.sampling import SamplingParams
from charrnn.tasks.arrangement import Reading

AT_ONCE: Final = 16
"""Texts that are read at the same time: as many as share the loads of a network's weights."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Kept:
    """After which tokens of a text the state is kept: `steps` [n], ascending; step 1 reads the first of the ids."""

    reading: Reading
    steps: Positions

    @property
    def tokens(self) -> Positions:
        """Their numbers [n] in the text."""
        return self.steps - 1 - self.reading.first


def kept_of(readings: Sequence[Reading], most: int) -> list[Kept]:
    """What to keep of each text: every token if they are at most `most` together, or else about that many, at irregular
    distances, so that they do not keep pace with what returns regularly in a text."""
    every = max(1, -(-sum(reading.count for reading in readings) // most))
    random = np.random.default_rng(0)
    found = []
    for start in range(0, len(readings), AT_ONCE):
        together = readings[start : start + AT_ONCE]
        longest = max(reading.first + reading.count for reading in together)
        steps = np.cumsum(random.integers(1, 2 * every, size=1 + 2 * longest // every))
        for reading in together:
            inside = (steps > reading.first) & (steps <= reading.first + reading.count)
            found.append(Kept(reading, steps[inside]))
    return found


def states_of(engine: Engine, kept: Sequence[Kept], check: Callable[[], None]) -> npt.NDArray[np.float32]:
    """The states [n, layers, state_parts, hidden_size] that are kept of all texts, one text after the other. `check` is
    called many times a second and may raise to stop the reading."""
    ends = np.cumsum([0, *(len(each.steps) for each in kept)])
    states, batch = np.empty((0, 0, 0, 0), np.float32), engine.batch(AT_ONCE)
    for start in range(0, len(kept), AT_ONCE):
        for number, index, state in _read(batch, kept[start : start + AT_ONCE], check):
            if not states.size:
                states = np.empty((ends[-1], *state.shape), np.float32)
            states[ends[start + number] + index] = state
    return states


def _read(
    batch: Batch, kept: Sequence[Kept], check: Callable[[], None]
) -> Iterator[tuple[int, int, npt.NDArray[np.float32]]]:
    """The number of a text, the index of a kept step of it, and the state after it; the `batch` is empty again then."""
    handles = [batch.add(_sequence(each.reading)) for each in kept]
    ahead = [
        (step, number, index) for number, each in enumerate(kept) for index, step in enumerate(each.steps.tolist())
    ]
    done = 0
    for step, number, index in sorted(ahead):
        if step > done:
            check()
            batch.step(step - done)
            done = step
        yield number, index, batch.state(handles[number]).hidden
    for handle in handles:
        batch.remove(handle)


def _sequence(reading: Reading) -> base.Sequence:
    """Reading alone; a text's last token is only read when another one is chosen after it."""
    return base.Sequence(reading.ids[: reading.first + reading.count], 1, SamplingParams(temperature=0))
