"""The surprisal of every token of many texts, read side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Engine, Sequence
from charrnn.vocabulary import Ids

WIDTH: Final = 64
"""How many texts are read side by side."""
STEPS: Final = 64
"""How many tokens of each are read in one call of the engine."""

Scored = tuple[Ids, npt.NDArray[np.float64]]


def scored(engine: Engine, texts: Iterable[Ids]) -> Iterator[list[Scored]]:
    """For each of the texts, at least 2 ids each: its ids [n], and the bits of those after the first, [n - 1]. They
    come in the order in which they end, those of a call of the engine together, so that the caller can do something
    else or stop in between. Texts are taken when there is a place for them."""
    batch, source = engine.batch(WIDTH), iter(texts)
    reading: dict[int, Ids] = {}
    while True:
        for ids in islice(source, WIDTH - len(reading)):
            reading[batch.add(Sequence(ids, length=0, score=True))] = ids
        if not reading:
            return
        found = []
        for output in batch.step(STEPS):
            if output.prompt_logprobs is not None:
                batch.remove(output.handle)
                bits = output.prompt_logprobs.chosen[1:].astype(np.float64) / -math.log(2)
                found.append((reading.pop(output.handle), bits))
        yield found
