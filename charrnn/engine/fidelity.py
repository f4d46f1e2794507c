"""How well an engine predicts a text, and what precision a version may be served in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Batch, Engine, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import Precision
from charrnn.sampling import SamplingParams
from charrnn.tasks.record import MAX_LABELS
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


def measure_records(checkpoint: Checkpoint, records: Items[tuple[Ids, Ids]]) -> Fidelity:
    """Both engines' losses on held-out records, each given as inputs [n] and targets [n], negative where they do not
    count (`charrnn.tasks`)."""
    read = _labels_read if checkpoint.arrangement.writes_labels else _tokens_read
    int8, float32 = (record_loss(CpuEngine(checkpoint, p), records, read) for p in ("int8", "float32"))
    return Fidelity(int8, float32)


Read = Callable[[Batch, Items[tuple[Ids, Ids]]], Iterable[npt.NDArray[np.float32]]]
"""Reads records side by side; for each, the log-probabilities of the targets that count."""


def record_loss(engine: Engine, records: Items[tuple[Ids, Ids]], read: Read, width: int = 64) -> float:
    """Nats per target, the mean over all that count; each record is read from the initial state, `width` side by
    side."""
    total, counted = 0.0, 0
    for start in range(0, len(records), width):
        for logprobs in read(engine.batch(width), records[start : start + width]):
            total -= float(logprobs.sum(dtype=np.float64))
            counted += logprobs.size
    return total / max(1, counted)


def _tokens_read(batch: Batch, records: Items[tuple[Ids, Ids]]) -> Iterator[npt.NDArray[np.float32]]:
    """Where a target is the next input: after the last input, it is the end."""
    targets = {
        batch.add(Sequence(np.append(inputs, wanted[-1:]), length=0, score=True)): wanted for inputs, wanted in records
    }
    for output in batch.step(1 + max(inputs.size for inputs, _ in records)):
        assert output.prompt_logprobs is not None
        yield output.prompt_logprobs.chosen[1:][targets[output.handle] >= 0]


def _labels_read(batch: Batch, records: Items[tuple[Ids, Ids]]) -> Iterator[npt.NDArray[np.float32]]:
    """Where targets are labels: all are reported after every input, after the last one as candidates of an id that is
    chosen there."""
    sampling = SamplingParams(temperature=0, logprobs=MAX_LABELS)
    targets = {batch.add(Sequence(inputs, 1, sampling, score=True)): wanted for inputs, wanted in records}
    for output in batch.step(1 + max(inputs.size for inputs, _ in records)):
        assert output.prompt_logprobs is not None and output.logprobs is not None
        found = np.concatenate([output.prompt_logprobs.top[1:], output.logprobs.top])
        ids = np.concatenate([output.prompt_logprobs.top_ids[1:], output.logprobs.top_ids])
        yield found[ids == targets[output.handle][:, None]]


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
