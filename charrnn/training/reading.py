"""A network reads a segment, beginning anew where a passage of the text does; knows no loss and no step."""

from __future__ import annotations

import torch
from torch import Tensor

from charrnn.model import CharRNN, Masks
from charrnn.training.text import Segment


def read(
    model: CharRNN, segment: Segment, rows: slice, state: Tensor, masks: Masks | None = None
) -> tuple[Tensor, Tensor]:
    """Logits [rows, t, vocabulary_size] of what follows each input in these rows, and the state after the last one;
    `state` [state_parts, layers, rows, hidden_size] is the one before the first, `masks` what is left out of each row.

    Where an input is fresh the state before it is zeros, and no gradient goes back beyond it."""
    inputs = torch.from_numpy(segment.inputs[rows]).to(state.device)
    pieces = []
    for columns, fresh in segment.stretches(rows):
        if fresh.any():
            state = state.masked_fill(torch.from_numpy(fresh).to(state.device)[None, None, :, None], 0)
        logits, state = model(inputs[:, columns], state, masks)
        pieces.append(logits)
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1), state
