"""Finds the unit that follows a label best, and compares it with chance; knows no text and no engine.

The best of a thousand units looks good by chance, whatever the label. So a unit is picked in every other block of a
text and scored in the blocks between, which together are the same kind of text. Chance is what the best score of *all*
units there exceeds only once in twenty times when the labels are rotated along the text, which preserves their
regularity and destroys their meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from charrnn.interpretation.labels import Annotator, Labels, Mask, is_mask, occurrences
from charrnn.interpretation.strength import Coefficients, Floats, Units, standard_error
from charrnn.interpretation.verdict import Scored, UnitIndex, Verdicts, verdicts

Labelled = tuple[Annotator, Labels]

SHIFTS: Final = 60
QUANTILE: Final = 0.95
LEAST_SHIFT: Final = 1 / 8
"""As a share of what is scored: large enough that a line or a comment does not overlap itself after a shift."""

BLOCKS: Final = 32
LEAST_BLOCK: Final = 125
"""How many blocks alternate, and what is kept of the text for each at least."""

UNITS: Final = 128
"""Units searched between two calls of `check`: a fraction of a second."""

MIN_OCCURRENCES: Final = 10
"""How many occurrences a label must have where units are picked, and where they are scored."""


@dataclass(slots=True)
class _Best:
    """For one label: the unit that is strongest where units are picked, its strength where they are scored, and the
    greatest strength of any unit there with each rotation of the label."""

    picked: float = -1.0
    strength: float = 0.0
    sign: Literal[1, -1] = 1
    index: UnitIndex = (0, 0, 0)
    by_chance: Floats = field(default_factory=lambda: np.zeros(SHIFTS, np.float32))


def search(labelled: Sequence[Labelled], states: Floats, check: Callable[[], None] = lambda: None) -> Verdicts:
    """What the units of `states` [n, layers, state_parts, hidden_size] follow.

    At least one label [n] is needed, and each must vary both where units are picked and where they are scored. `check`
    is called regularly and may raise to stop the search.
    """
    picking = alternating(len(states))
    picked = Coefficients.of([labels[picking] for _, labels in labelled])
    scored = Coefficients.of(_rotated([labels[~picking] for _, labels in labelled]))
    bests = [_Best() for _ in labelled]
    for index, here, there in _blocks_of_units(states, picking, check):
        check()
        _improve(bests, picked.strengths(here), scored.strengths(there).reshape(1 + SHIFTS, len(labelled), -1), index)
    scores = list[Scored]()
    for each, best in zip(labelled, bests, strict=True):
        check()
        scores.append(_scored(*each, best, states, ~picking))
    return verdicts(scores)


def alternating(n: int) -> Mask:
    """[n]: whether units are picked there; the blocks between are for scoring them."""
    blocks = 2 * max(1, min(BLOCKS, n // LEAST_BLOCK) // 2)
    picking: Mask = np.arange(n) * blocks // n % 2 == 0
    return picking


def reason_to_skip(labels: Labels) -> str | None:
    """Why a label cannot be searched for in this text; None if it can."""
    picking = alternating(len(labels))
    least = min(occurrences(labels[picking]), occurrences(labels[~picking]))
    if least >= MIN_OCCURRENCES:
        return None
    if not labels.any():
        return "does not occur in this text"
    return f"occurs {least} times in one half of this text, and {MIN_OCCURRENCES} are needed to tell"


def _blocks_of_units(
    states: Floats, picking: Mask, check: Callable[[], None]
) -> Iterator[tuple[UnitIndex, Units, Units]]:
    """The index of the first unit of a block, and its units where they are picked and where they are scored."""
    for layer, part, unit in product(*map(range, states.shape[1:3]), range(0, states.shape[3], UNITS)):
        block = states[:, layer, part, unit : unit + UNITS]
        check()
        here = Units.of(block[picking])
        check()
        yield (layer, part, unit), here, Units.of(block[~picking])


def _rotated(labels: Sequence[Labels]) -> list[Labels]:
    """The labels as they are, then with each of SHIFTS rotations."""
    n = len(labels[0])
    least = max(1, int(n * LEAST_SHIFT))
    shifts = np.random.default_rng(0).choice(np.arange(least, n - least), SHIFTS, replace=False)
    return [np.roll(each, shift) for shift in (0, *shifts.tolist()) for each in labels]


def _improve(bests: list[_Best], picking: Floats, scoring: Floats, first: UnitIndex) -> None:
    """Update the bests with a block of units: `picking` [labels, units] where they are picked, `scoring` [1 + SHIFTS,
    labels, units] where they are scored."""
    strongest: npt.NDArray[np.intp] = np.abs(picking).argmax(axis=1)
    by_chance = np.abs(scoring[1:]).max(axis=2)
    for i, (best, unit) in enumerate(zip(bests, strongest.tolist(), strict=True)):
        np.maximum(best.by_chance, by_chance[:, i], out=best.by_chance)
        picked = float(picking[i, unit])
        if abs(picked) > best.picked:
            best.picked, best.index = abs(picked), (first[0], first[1], first[2] + unit)
            # With the sign from where it is picked: a unit whose sign changes follows nothing.
            best.strength = float(scoring[0, i, unit]) * float(np.sign(picked))
            best.sign = 1 if picked > 0 else -1


def _scored(annotator: Annotator, labels: Labels, best: _Best, states: Floats, scoring: Mask) -> Scored:
    layer, part, unit = best.index
    error = standard_error(labels[scoring], states[scoring, layer, part, unit])
    share = round(float(labels.mean()), 4) if is_mask(labels) else None
    chance = float(np.quantile(best.by_chance, QUANTILE))
    return Scored(annotator, best.index, best.sign, best.strength, chance, error, share)
