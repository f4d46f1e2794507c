"""How well an engine predicts a text, and what precision a version may be served in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Engine, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import Precision
from charrnn.vocabulary import Ids

TOLERANCE: Final = 0.001
"""By how many nats per character the int8 engine may differ from the network."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Losses on the same text, in nats per character."""

    int8: float
    float32: float

    @property
    def difference(self) -> float:
        return self.int8 - self.float32

    @property
    def precision(self) -> Precision:
        """The precision that the version is to be served in."""
        return "int8" if abs(self.difference) <= TOLERANCE else "float32"


def measure(checkpoint: Checkpoint, ids: Ids, streams: int = 64) -> Fidelity:
    """Both engines' losses on held-out ids. Raises ValueError as `loss` does."""
    int8, float32 = (loss(CpuEngine(checkpoint, p), ids, streams) for p in ("int8", "float32"))
    return Fidelity(int8, float32)


def loss(engine: Engine, ids: Ids, streams: int = 64) -> float:
    """Nats per character: the mean of -ln p(id | previous ids), over the ids [n] cut into `streams` parts of equal
    length, each read from the initial state; their first ids are not counted.

    Raises ValueError for fewer than two ids.
    """
    if len(ids) < 2:
        raise ValueError(f"a loss needs at least 2 ids, not {len(ids)}")
    streams = max(1, min(streams, len(ids) // 2))
    batch = engine.batch(streams)
    for stream in np.array_split(np.asarray(ids, dtype=np.int32), streams):
        batch.add(Sequence(prompt=stream, length=0, score=True))
    logprobs: list[float] = []
    while len(logprobs) < len(ids) - streams:
        for output in batch.step(len(ids)):
            if output.prompt_logprobs is not None:
                logprobs.extend(output.prompt_logprobs.chosen[1:].tolist())
    return float(-np.sum(logprobs) / len(logprobs))
