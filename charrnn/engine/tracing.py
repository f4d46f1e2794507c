"""The states of a network's units along a text, and its predictions, with any engine; knows no names of models and
draws nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.base import Batch, Engine, Logprobs, Sequence, State
from charrnn.engine.steering import Held
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids

PIECE: Final = 256
"""Ids in a piece: a few milliseconds of work."""


@dataclass(frozen=True, eq=False, slots=True)
class Trace:
    """What happens while n consecutive ids are read.

    `states` [n, layers, state_parts, hidden_size] float32: the state after reading each id, part 0 what charrnn.cells
    calls h, part 1 an LSTM's c. `logprobs` [n] float32: the log-probability of each id, given those before it; NaN for
    the first id of a text. `top_ids` and `top` [n, k]: the k ids likeliest to follow each id, best first, and their
    log-probabilities.
    """

    states: npt.NDArray[np.float32]
    logprobs: npt.NDArray[np.float32]
    top_ids: npt.NDArray[np.int32]
    top: npt.NDArray[np.float32]


def trace(engine: Engine, ids: Ids, top: int = 5) -> Trace:
    """The trace of the ids [n], read from the initial state, with at most `top` likeliest ids.

    The numbers are those of generating and scoring, bit for bit. Raises ValueError when there are no ids, or one is
    outside the vocabulary.
    """
    found = list(pieces(engine, ids, top))
    return Trace(
        np.concatenate([piece.states for piece in found]),
        np.concatenate([piece.logprobs for piece in found]),
        np.concatenate([piece.top_ids for piece in found]),
        np.concatenate([piece.top for piece in found]),
    )


def pieces(
    engine: Engine,
    ids: Ids,
    top: int = 5,
    *,
    size: int = PIECE,
    held: tuple[Held, ...] = (),
    steered: int = 0,
) -> Iterator[Trace]:
    """The same trace in pieces of `size` ids, so that a long one needs little memory and can be cancelled. Cells were
    `held` when the last `steered` ids were generated, and are while these are read: the trace shows the values that
    they were held at.

    Raises ValueError as `trace` does, when the first piece is requested.
    """
    if not len(ids):
        raise ValueError("a trace needs at least 1 id")
    batch, sampling = engine.batch(1), SamplingParams(temperature=0, logprobs=top)
    state, first = None, np.full(1, np.nan, dtype=np.float32)
    for start in range(0, len(ids), size):
        stop = start + size
        # Probabilities are reported for the ids after the first, the next piece's first among them. Nothing follows the
        # text's last id: one more is chosen there, so that the likeliest to follow are reported.
        unread = ids[start + (state is not None) : stop + 1]
        after = min(max(0, start + len(ids[start : stop + 1]) - len(ids) + steered), len(unread))
        sequence = Sequence(unread, int(stop >= len(ids)), sampling, state, True, held=held, steered=after)
        states, following, state = _read(batch, sequence, len(ids[start:stop]))
        logprobs, first = np.append(first, following.chosen[:-1]), following.chosen[-1:]
        yield Trace(states, logprobs, following.top_ids, following.top)


def _read(batch: Batch, sequence: Sequence, n: int) -> tuple[npt.NDArray[np.float32], Logprobs, State]:
    """Of the next n ids of the sequence: the states, what follows each, and the state to go on from."""
    handle, states, reported = batch.add(sequence), [], []
    for _ in range(n):
        for output in batch.step(1):
            reported += [logprobs for logprobs in (output.prompt_logprobs, output.logprobs) if logprobs is not None]
        states.append(batch.state(handle).hidden)
    before = 0 if sequence.state else 1  # a text's first id is reported too, as one that follows nothing
    following = Logprobs(
        np.concatenate([logprobs.chosen for logprobs in reported])[before:],
        np.concatenate([logprobs.top_ids for logprobs in reported])[before:],
        np.concatenate([logprobs.top for logprobs in reported])[before:],
    )
    state = batch.state(handle)
    batch.remove(handle)
    return np.stack(states), following, state
