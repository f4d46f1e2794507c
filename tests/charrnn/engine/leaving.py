"""Taking a sequence out of a batch together with what it remembers."""

from __future__ import annotations

from charrnn.engine.base import Batch, State


def leave(batch: Batch, handle: int) -> State:
    """Let the sequence go; its state."""
    state = batch.state(handle)
    batch.remove(handle)
    return state
