"""Random parameters of a choice, and whether another id than the definition's is a matter of rounding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from charrnn.parameters import parameters
from charrnn.sampling import Flags, Logits, SamplingParams, adjusted, uniform, unnormalized_probs

NOTHING = np.empty(0, np.int32), np.empty(0, np.bool_)
"""Of recent ids."""

LOGITS = np.log(np.array([0.2, 0.3, 0.15, 0.3, 0.05], dtype=np.float32))
CAN_BE_CHOSEN: list[tuple[SamplingParams, set[int]]] = [
    (SamplingParams(), {0, 1, 2, 3, 4}),
    (SamplingParams(temperature=0), {1}),
    (SamplingParams(top_k=1), {1, 3}),
    (SamplingParams(top_k=3), {0, 1, 3}),
    (SamplingParams(top_p=0), {1}),
    (SamplingParams(top_p=0.5), {1, 3}),
    (SamplingParams(top_k=3, top_p=0.99), {0, 1, 3}),
    (SamplingParams(min_p=0.6), {0, 1, 3}),
    (SamplingParams(temperature=1e-9), {1, 3}),
    (SamplingParams(temperature=0, repetition_penalty=9.0), {1}),
    (SamplingParams(top_k=2, repetition_penalty=0.2), {1, 3}),
]
"""Which ids of LOGITS the parameters leave: each of them is chosen by some of 400 seeds."""

_BIASES = st.floats(-100, 100, width=32) | st.sampled_from([-100.0, -1.0, 5.0, 100.0])


@st.composite
def sampled(draw: st.DrawFn, vocabulary: int) -> SamplingParams:
    ids = st.integers(0, vocabulary - 1)
    drawn: dict[str, Any] = {
        "seed": draw(st.integers(0, 2**32)),
        "temperature": draw(st.sampled_from([0.0, 0.3, 1.0, 2.5])),
        "top_k": draw(st.sampled_from([0, 0, 1, 2, 7, 40, 5000])),
        "top_p": draw(st.sampled_from([1.0, 1.0, 0.0, 0.1, 0.5, 0.9, 0.99])),
        "min_p": draw(st.sampled_from([0.0, 0.0, 0.01, 0.3, 1.0])),
        "repetition_penalty": draw(st.sampled_from([1.0, 1.0, 0.7, 1.4])),
        "presence_penalty": draw(st.sampled_from([0.0, 0.0, -2.0, 0.3, 2.0])),
        "frequency_penalty": draw(st.sampled_from([0.0, 0.0, -1.1, 0.1, 2.0])),
        "logit_bias": tuple(draw(st.dictionaries(ids, _BIASES, max_size=draw(st.sampled_from([0, 0, 9])))).items()),
        "allowed_token_ids": draw(st.none() | st.lists(ids, min_size=1, max_size=40).map(tuple)),
    }
    assert drawn.keys() == parameters(SamplingParams).keys() - {"logprobs"}, "every engine is compared in all of them"
    return SamplingParams(**drawn)


def is_borderline(
    logits: Logits, params: SamplingParams, recent: Any, generated: Flags, position: int, found: int
) -> bool:
    """Whether the found id is the definition's in exact arithmetic, up to the rounding of probabilities and their sums.

    Logits that are nearly the same may have the same probability or not, so both are tried. The greedy choice compares
    logits, which are the same bits everywhere: nothing is a matter of rounding there.
    """
    exact = adjusted(logits, params, recent, generated).astype(np.float64)
    if params.temperature == 0:
        return False
    point = uniform(params.seed, position)
    for tolerance in (0, 1.5e-7, 3e-7, 1e-6):
        for wiggle in (0, 1e-6, -1e-6):
            other = replace(params, top_p=_wiggled(params.top_p, 3 * wiggle), min_p=_wiggled(params.min_p, wiggle))
            probs = unnormalized_probs(_tied(exact, tolerance), other)
            sums, slack = np.cumsum(probs), 3e-6 * probs.sum()
            below, above = sums[found] - probs[found], sums[found]
            if probs[found] > 0 and below - slack <= point * sums[-1] <= above + slack:
                return True
    return False


def _wiggled(share: float, by: float) -> float:
    """The share, which may be 0 or 1 to mean none or all."""
    return share if share in (0, 1) else share * (1 + by)


def _tied(logits: Any, tolerance: float) -> Any:
    """The logits, those that differ by a hair from the next larger one made equal to it."""
    order = np.argsort(-logits, kind="stable")
    falling = logits[order]
    for i in range(1, falling.size):
        if falling[i - 1] - falling[i] <= tolerance * max(1, abs(falling[i - 1])):
            falling[i] = falling[i - 1]
    tied = logits.copy()
    tied[order] = falling
    return tied
