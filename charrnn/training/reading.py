"""Reads a segment with a network, resetting the state where a passage of the text begins; knows no loss and no
steps."""

from __future__ import annotations

import torch
from torch import Tensor

from charrnn.model import CharRNN, Masks
from charrnn.training.text import Segment


def read(
    model: CharRNN, segment: Segment, rows: slice, state: Tensor, masks: Masks | None = None
) -> tuple[Tensor, Tensor]:
    """Logits [rows, t, outputs] after each input of these rows, and the state after the last one; `state` [state_parts,
    layers, rows, hidden_size] is the state before the first input, `masks` the dropout of each row. If the segment has
    next tokens, their logits follow [rows, t, outputs + vocabulary_size].

    Before a fresh input the state is zeros, and no gradient flows back beyond it."""
    inputs = torch.from_numpy(segment.inputs[rows]).to(state.device)
    step = model if segment.next_tokens is None else model.with_next_token
    pieces = []
    for columns, fresh in segment.stretches(rows):
        if fresh.any():
            state = state.masked_fill(torch.from_numpy(fresh).to(state.device)[None, None, :, None], 0)
        logits, state = step(inputs[:, columns], state, masks)
        pieces.append(logits)
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1), state
