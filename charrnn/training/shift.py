"""Detects held-out text that differs in kind from the training text, so that its loss says little; knows no
networks."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.training.text import Passages
from charrnn.vocabulary import Vocabulary

MAX_COUNTED: Final = 500_000
"""The maximum number of tokens counted in each part, spread over it."""

STRETCH: Final = 1_000

MAX_DIVERGENCE: Final = 0.05
"""Bits. See `divergence`."""


def shift_warning(training: Passages, held_out: Passages, vocabulary: Vocabulary) -> str | None:
    """A warning in one sentence if the two parts differ in kind."""
    if not len(held_out):
        return None
    measured = divergence(training, held_out, vocabulary)
    if measured <= MAX_DIVERGENCE:
        return None
    return (
        f"The held-out text differs in kind from the training text (their character frequencies diverge by"
        f" {measured:.2f} bits, where similar texts stay below {MAX_DIVERGENCE:g}): the validation loss says little"
        " about this model."
    )


def divergence(training: Passages, held_out: Passages, vocabulary: Vocabulary) -> float:
    """The Jensen-Shannon divergence of the two parts' character frequencies, in bits: 0 if they are the same, 1 if the
    parts have no character in common (Lin: Divergence Measures Based on the Shannon Entropy, 1991); minus its expected
    value for samples of this size (Grosse and others, 2002)."""
    one, other = (_characters(part, vocabulary) for part in (training, held_out))
    known = sorted(one.keys() | other.keys())
    counts = np.array([[part[character] for character in known] for part in (one, other)], dtype=np.float64)
    shares = counts / counts.sum(1, keepdims=True)
    measured = _entropy(shares.mean(0)) - (_entropy(shares[0]) + _entropy(shares[1])) / 2
    by_chance = (len(known) - 1) / (8 * math.log(2)) * float((1 / counts.sum(1)).sum())
    return max(0.0, measured - by_chance)


def _entropy(shares: npt.NDArray[np.float64]) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def _characters(part: Passages, vocabulary: Vocabulary) -> Counter[str]:
    """How often each character, also within words, occurs in a part, or in excerpts spread over it."""
    counts = np.zeros(len(vocabulary), dtype=np.int64)
    total, stretches = len(part), max(1, min(len(part), MAX_COUNTED) // STRETCH)
    for i in range(stretches):
        start = total * i // stretches
        stop = total * (i + 1) // stretches if total <= MAX_COUNTED else start + STRETCH
        counts += np.bincount(part.read(start, stop), minlength=len(vocabulary))
    characters: Counter[str] = Counter()
    occurring = np.flatnonzero(counts)
    for token, count in zip(vocabulary.tokens_of(occurring.astype(np.int32)), counts[occurring].tolist(), strict=True):
        for character in token:
            characters[character] += count
    return characters
