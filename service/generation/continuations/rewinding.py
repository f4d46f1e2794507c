"""The state of a sequence earlier than where its batch is: of a text that ended in the middle of a call of steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from charrnn.engine.base import Engine, Sequence, State
from service.generation.scheduling.scheduled import Checkpoint

_NO_IDS: Final = np.zeros(0, dtype=np.int32)


def state_after(engine: Engine, sequence: Sequence, tokens: int, checkpoint: Checkpoint | None) -> State:
    """The state of the sequence after its first `tokens` ids, which are generated again from the checkpoint, at most
    as many ids before; from the sequence's beginning if there is none."""
    sampling = replace(sequence.sampling, logprobs=None)
    again = replace(sequence, length=tokens, sampling=sampling, score=False)
    if checkpoint is not None:
        again = replace(again, prompt=_NO_IDS, state=checkpoint.state, length=tokens - checkpoint.tokens)
    batch = engine.batch(1)
    handle = batch.add(again)
    batch.step(again.prompt.size + again.length)
    return batch.state(handle)
