"""Random parameters of a choice, and whether another id than the definition's is a matter of rounding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from charrnn.sampling import SamplingParams, Scores, choose


@st.composite
def sampled(draw: st.DrawFn) -> SamplingParams:
    return SamplingParams(
        seed=draw(st.integers(0, 2**32)),
        temperature=draw(st.sampled_from([0.0, 0.3, 1.0, 2.5])),
        top_k=draw(st.sampled_from([0, 0, 1, 2, 7, 40, 5000])),
        top_p=draw(st.sampled_from([1.0, 1.0, 0.0, 0.1, 0.5, 0.9, 0.99])),
        min_p=draw(st.sampled_from([0.0, 0.0, 0.01, 0.3, 1.0])),
        repetition_penalty=draw(st.sampled_from([1.0, 1.0, 0.7, 1.4])),
    )


def is_borderline(scores: Scores, params: SamplingParams, recent: Any, position: int, found: int) -> bool:
    """Whether the definition makes the found choice too when scores or shares are a hair different."""
    wiggles = [(s, p) for s in (0, 1e-6, -1e-6) for p in (0, 3e-6, -3e-6)]
    tilt = np.linspace(-1, 1, scores.size, dtype=np.float32)
    for on_scores, on_share in wiggles:
        other = replace(params, top_p=params.top_p + on_share if params.top_p < 1 else 1.0)
        if choose(scores + np.float32(on_scores) * tilt * 10, other, recent, position) == found:
            return True
    return False
