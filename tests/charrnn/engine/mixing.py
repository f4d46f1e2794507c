"""Sequences that come and go at random moments in one batch."""

from __future__ import annotations

import numpy as np

from charrnn.engine.base import Engine, Output, Sequence

Outputs = dict[int, list[Output]]


def mixed(
    engine: Engine, mix: list[Sequence], capacity: int, random: np.random.Generator, fewest: int, most: int
) -> tuple[Outputs, set[int]]:
    """What a batch that is stepped `fewest` to `most` steps at a time gives for each sequence of the mix, by its index;
    and which of them were removed before their end."""
    batch = engine.batch(capacity)
    waiting, running, left = list(enumerate(mix)), dict[int, int](), set[int]()
    found: Outputs = {index: [] for index, _ in waiting}
    while waiting or running:
        while waiting and len(batch) < capacity and random.integers(3):
            index, sequence = waiting.pop()
            running[batch.add(sequence)] = index
        for output in batch.step(int(random.integers(fewest, most + 1))):
            found[running[output.handle]].append(output)
            if output.done:
                batch.remove(output.handle)
                del running[output.handle]
        if running and random.integers(5) == 0:
            handle = int(random.choice(list(running)))
            batch.remove(handle)
            left.add(running.pop(handle))
    return found, left
