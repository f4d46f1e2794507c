"""Evaluates a network on text that it is not trained on; does not change the network."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from charrnn.model import CharRNN
from charrnn.tasks.task import IGNORED
from charrnn.torch_threads import one_thread
from charrnn.training.batches import RecordBatches, RecordSteps
from charrnn.training.grouping import Indices
from charrnn.training.reading import read
from charrnn.training.shards import Shards
from charrnn.training.text import Passages, Segment, Streams, TextIds

SEGMENT: Final = 256
MAX_STREAMS: Final = 32
MAX_LOGITS: Final = 1 << 24
"""The maximum number of logits in memory: with a large vocabulary, segments are shorter."""

WARM_UP: Final = 256
"""How many tokens a stream reads before its first prediction, so that streams give nearly the same loss as one
continuous reading: in effect the state is carried over the whole text."""


def evaluate(model: CharRNN, ids: TextIds | Passages, streams: int | None = None) -> float:
    """The loss on a text [at least 2 ids], in nats per token, in float32. The state is carried from the first
    token to the last; the first token is not predicted. For a text in passages (held-out blocks) this holds for
    each: it begins with a state of zeros, and its first token is not predicted. With 1 in `streams` the text is
    read in one piece, exactly."""
    *_, loss = evaluation(model, ids, streams)
    assert loss is not None  # the last one is the loss
    return loss


def evaluation(
    model: CharRNN, ids: TextIds | Passages, streams: int | None = None, shards: Shards | None = None
) -> Iterator[float | None]:
    """`evaluate` as a generator: yields None after every segment, so that the caller can do something else or stop,
    then the loss. The streams are read in `shards`."""
    streams = streams or max(1, min(MAX_STREAMS, len(ids) // (4 * WARM_UP)))
    return _losses(model, Streams(ids, streams, _segment_length(model, streams)), shards or Shards(1))


def record_evaluation(model: CharRNN, steps: RecordSteps, which: Indices, shards: Shards) -> Iterator[float | None]:
    """The same for the records `which` [n], each of which is read from a state of zeros: the mean loss of their
    targets, in nats."""
    batches = RecordBatches(steps, which, MAX_STREAMS, _segment_length(model, MAX_STREAMS))
    return _losses(model, batches, shards)


def _segment_length(model: CharRNN, streams: int) -> int:
    return max(1, min(SEGMENT, MAX_LOGITS // (streams * model.config.outputs)))


def _losses(model: CharRNN, source: Streams | RecordBatches, shards: Shards) -> Iterator[float | None]:
    was_training = model.training
    total = 0.0
    try:
        model.eval()
        state = _warmed_up(model, source) if isinstance(source, Streams) else model.initial_state(source.streams)
        rows = shards.of(slice(0, source.streams))
        for index in range(source.segments):
            with one_thread():
                found = shards.each(partial(_read, model, source.segment(index), state), rows)
            total += sum(loss for loss, _ in found)
            state = torch.cat([after for _, after in found], 2)
            yield None
    finally:
        model.train(was_training)
    yield total / source.predicted


@torch.no_grad()
def _read(model: CharRNN, segment: Segment, state: Tensor, shard: slice) -> tuple[float, Tensor]:
    """A shard's contribution to the loss, in nats, and its state afterwards."""
    targets = torch.from_numpy(segment.targets[shard]).to(state.device)
    logits, after = read(model, segment, shard, state[:, :, shard].contiguous())
    loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum")
    return loss.item(), after


@torch.no_grad()
def _warmed_up(model: CharRNN, text: Streams) -> Tensor:
    """The initial state of the streams: zeros for the first, for the others the state after the tokens before
    them."""
    state = model.initial_state(text.streams)
    if text.streams > 1:
        before, rows = text.before(WARM_UP), slice(0, text.streams - 1)
        with one_thread():  # like everything here, so that the loss is the same on any number of cores
            state[:, :, 1:] = read(model, before, rows, state[:, :, 1:].contiguous())[1]
    return state
