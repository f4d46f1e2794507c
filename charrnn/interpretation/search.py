"""Finds the unit that follows a label best, and compares it with chance; knows no text and no engine.

The best of a thousand units looks good by chance, whatever the label. So a unit is picked on the first half of a text
and scored on the second. Chance is the best score of *all* units there when the labels are rotated along the text,
which preserves their regularity and destroys their meaning. Nothing is claimed unless the score is at least `CLAIM` of
the way from chance to perfection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from charrnn.config import PARTS, Part
from charrnn.interpretation.labels import Annotator, Labels, is_mask, occurrences
from charrnn.interpretation.strength import Floats, Units, strengths

Measure = Literal["auc", "correlation"]

UnitIndex = tuple[int, int, int]
"""(layer, part of the state, unit)."""

Labelled = tuple[Annotator, Labels]

CLAIM: Final = 1 / 3
SHIFTS: Final = 20
LEAST_SHIFT: Final = 1 / 8
"""As a share of a half: large enough that a line or a comment does not overlap itself after a shift."""

BLOCK: Final = 128
"""Units searched between two calls of `check`: a fraction of a second."""

MIN_OCCURRENCES: Final = 10
"""How many occurrences a label must have in each half of a text."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A unit that follows a label (a cell in the API): `score` and `chance` are AUCs or absolute correlations; `sign`
    is -1 if the unit is low where the label is high; `share` of the positions at which the label holds, None for a
    number."""

    slug: str
    follows: str
    measure: Measure
    score: float
    chance: float
    layer: int
    unit: int
    part: Part
    sign: Literal[1, -1]
    share: float | None


@dataclass(frozen=True, slots=True)
class Missing:
    """A label that no unit follows, or for which this could not be decided; then `score` and `chance` may be None."""

    slug: str
    follows: str
    score: float | None
    chance: float | None
    reason: str


@dataclass(slots=True)
class _Best:
    """For one label: the strongest unit on the first half, and its strength and that of chance on the second."""

    picked: float = -1.0
    strength: float = 0.0
    chance: float = 0.0
    sign: Literal[1, -1] = 1
    index: UnitIndex = (0, 0, 0)


def search(
    labelled: Sequence[Labelled], states: Floats, check: Callable[[], None] = lambda: None
) -> tuple[list[Finding], list[Missing]]:
    """What the units of `states` [n, layers, state_parts, hidden_size] follow, the clearest findings first.

    At least one label [n] is needed, and each must vary in both halves. `check` is called regularly and may raise to
    stop the search.
    """
    masks = [labels for _, labels in labelled]
    bests = [_Best() for _ in labelled]
    for index, first, second in _halves(states, check):
        check()
        _improve(bests, strengths(_half(masks, 0), first), _shifted_strengths(_half(masks, 1), second), index)
    found = [_judged(*each, best) for each, best in zip(labelled, bests, strict=True)]
    findings = [each for each in found if isinstance(each, Finding)]
    findings.sort(key=lambda each: -above_chance(each.score, each.chance))
    return findings, [each for each in found if isinstance(each, Missing)]


def reason_to_skip(labels: Labels) -> str | None:
    """Why a label cannot be searched for in this text; None if it can."""
    least = min(occurrences(half) for half in (labels[: len(labels) // 2], labels[len(labels) // 2 :]))
    if least >= MIN_OCCURRENCES:
        return None
    if not labels.any():
        return "does not occur in this text"
    return f"occurs {least} times in one half of this text, and {MIN_OCCURRENCES} are needed to tell"


def above_chance(score: float, chance: float) -> float:
    """Where a score lies between chance (0) and perfection (1); the same for AUCs and for strengths."""
    return (score - chance) / max(1 - chance, 1e-9)


def _halves(states: Floats, check: Callable[[], None]) -> Iterator[tuple[UnitIndex, Units, Units]]:
    """Blocks of units: the index of the first unit, and all units on the first and on the second half of the text."""
    middle = len(states) // 2
    for layer, part, unit in product(*map(range, states.shape[1:3]), range(0, states.shape[3], BLOCK)):
        block = states[:, layer, part, unit : unit + BLOCK]
        check()
        first = Units.of(block[:middle])
        check()
        yield (layer, part, unit), first, Units.of(block[middle:])


def _half(labels: Sequence[Labels], which: int) -> list[Labels]:
    return [each[len(each) // 2 :] if which else each[: len(each) // 2] for each in labels]


def _shifted_strengths(labels: Sequence[Labels], units: Units) -> Floats:
    """[1 + SHIFTS, labels, units]: the strengths of the labels unshifted, then rotated."""
    n = units.ranks.shape[0]
    least = max(1, int(n * LEAST_SHIFT))
    shifts = np.random.default_rng(0).choice(np.arange(least, n - least), SHIFTS, replace=False)
    turned = [np.roll(each, shift) for shift in (0, *shifts.tolist()) for each in labels]
    return strengths(turned, units).reshape(1 + SHIFTS, len(labels), -1)


def _improve(bests: list[_Best], picking: Floats, scoring: Floats, first: UnitIndex) -> None:
    """Update the bests with a block of units: `picking` [labels, units] on the first half, `scoring` on the second."""
    strongest: npt.NDArray[np.intp] = np.abs(picking).argmax(axis=1)
    chances = np.abs(scoring[1:]).max(axis=(0, 2))
    for i, (best, unit) in enumerate(zip(bests, strongest.tolist(), strict=True)):
        best.chance = max(best.chance, float(chances[i]))
        picked = float(picking[i, unit])
        if abs(picked) > best.picked:
            best.picked, best.index = abs(picked), (first[0], first[1], first[2] + unit)
            # With the sign from the first half: a unit whose sign changes in the second half follows nothing.
            best.strength = float(scoring[0, i, unit]) * float(np.sign(picked))
            best.sign = 1 if picked > 0 else -1


def _judged(annotator: Annotator, labels: Labels, best: _Best) -> Finding | Missing:
    mask = is_mask(labels)
    score, chance = (round((1 + s) / 2 if mask else s, 4) for s in (best.strength, best.chance))
    if above_chance(best.strength, best.chance) < CLAIM:
        reason = f"no cell is clearly better than chance: {score:.2f}, where chance gives {chance:.2f}"
        return Missing(annotator.slug, annotator.name, score, chance, reason)
    layer, part, unit = best.index
    share = round(float(labels.mean()), 4) if mask else None
    measure: Measure = "auc" if mask else "correlation"
    return Finding(annotator.slug, annotator.name, measure, score, chance, layer, unit, PARTS[part], best.sign, share)
