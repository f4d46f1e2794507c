"""The states after texts with common beginnings, with any engine: an ordinary batch reads an id after each."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import replace
from typing import Final

import numpy as np

from charrnn.config import ModelConfig
from charrnn.engine.base import Batch, Output, Sequence, State
from charrnn.sampling import RECENT_IDS, Logits, SamplingParams

_NOTHING: Final = np.empty(0, dtype=np.int32)


class BatchTree:
    """Implements charrnn.engine.base.Tree with a `batch` for `TREE_WIDTH` sequences, which must be empty. Raises
    ValueError for a state of another shape, once it grows."""

    def __init__(self, batch: Batch, config: ModelConfig, state: State, nodes: int) -> None:
        self._batch = batch
        self._most = nodes
        self._outputs = config.outputs
        self._sampling = SamplingParams(temperature=0, logprobs=config.outputs)
        self._states = [replace(state, recent=state.recent[:-1], generated=state.generated[:-1])]

    def __len__(self) -> int:
        return len(self._states)

    def grow(self, parents: Items[int], ids: Items[int]) -> Logits:
        """Add a node for each id that follows a parent; the log-probabilities of what follows [n, outputs]."""
        check_room(len(self) + len(ids), self._most)
        after = [_after(self._states[parent], id_) for parent, id_ in zip(parents, ids, strict=True)]
        handles = [self._batch.add(Sequence(_NOTHING, 1, self._sampling, state)) for state in after]
        outputs = {output.handle: output for output in self._batch.step(1)}
        for handle, state in zip(handles, after, strict=True):
            self._states.append(replace(state, hidden=self._batch.state(handle).hidden))
            self._batch.remove(handle)
        return np.stack([self._row(outputs[handle]) for handle in handles])

    def _row(self, output: Output) -> Logits:
        assert output.logprobs is not None, "they were asked for"
        row = np.empty(self._outputs, dtype=np.float32)
        row[output.logprobs.top_ids[0]] = output.logprobs.top[0]
        return row


def check_room(nodes: int, most: int) -> None:
    """Raises OverflowError for more nodes than a tree may have."""
    if nodes > most:
        raise OverflowError(f"the tree has room for {most} nodes, not for {nodes}")


def _after(state: State, id_: int) -> State:
    """The state with one more id, not yet read."""
    recent = np.append(state.recent, np.int32(id_))[-RECENT_IDS:]
    generated = np.append(state.generated, np.False_)[-RECENT_IDS:]
    return replace(state, last_id=id_, recent=recent, generated=generated)
