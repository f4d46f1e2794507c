"""How well a network predicts a text that it does not train on; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from charrnn.model import CharRNN
from charrnn.training.text import IGNORED, Streams, TextIds

SEGMENT: Final = 256
MAX_STREAMS: Final = 32
MAX_SCORES: Final = 1 << 24
"""Scores held at once, at most: with a large vocabulary the segments are shorter."""

WARM_UP: Final = 256
"""Characters that a stream reads before its first prediction, so that reading side by side costs what one continuous
reading would give: the state is carried over the whole text in effect."""


def evaluate(model: CharRNN, ids: TextIds, streams: int | None = None) -> float:
    """The loss on a text [at least 2 ids], nats per character, in float32, the state carried from its first character
    to its last; the first character follows nothing and is not predicted. `streams` 1 reads it in one go, exactly."""
    *_, loss = evaluation(model, ids, streams)
    assert loss is not None  # the last one is the loss
    return loss


@torch.no_grad()
def evaluation(model: CharRNN, ids: TextIds, streams: int | None = None) -> Iterator[float | None]:
    """`evaluate`, to be driven: None after every segment, so that the caller can do or stop something, then the
    loss."""
    device = model.output.weight.device
    streams = streams or max(1, min(MAX_STREAMS, len(ids) // (4 * WARM_UP)))
    text = Streams(ids, streams, max(1, min(SEGMENT, MAX_SCORES // (streams * model.config.vocabulary_size))))
    was_training = model.training
    total = torch.zeros((), dtype=torch.float64, device=device)
    try:
        model.eval()
        state = _warmed_up(model, text)
        for index in range(text.segments):
            segment = text.segment(index)
            scores, state = model(torch.from_numpy(segment.inputs).to(device), state)
            targets = torch.from_numpy(segment.targets).to(device)
            total += functional.cross_entropy(
                scores.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
            ).double()
            yield None
    finally:
        model.train(was_training)
    yield float(total) / text.characters


def _warmed_up(model: CharRNN, text: Streams) -> Tensor:
    """The streams' first state: zeros for the first, for the others that of the characters before them."""
    state = model.initial_state(text.streams)
    if text.streams > 1:
        before = torch.from_numpy(text.before(WARM_UP)).to(state.device)
        state[:, :, 1:] = model(before)[1]
    return state
