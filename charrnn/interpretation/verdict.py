"""What is said of a label once its best unit is known: that this unit follows it, that no unit does, or that the text
does not tell; knows no text and no states.

A unit is found if its score is at least `CLAIM` of the way from chance to perfection, even with a standard error less.
That there is none is said only if the score would not suffice even with two more, in an endless text, where chance
comes to nothing. All else is undecided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from charrnn.config import PARTS, Part
from charrnn.interpretation.labels import Annotator

Measure = Literal["auc", "correlation"]

UnitIndex = tuple[int, int, int]
"""(layer, part of the state, unit)."""

CLAIM: Final = 1 / 3
FOUND_BY: Final = 1
MISSING_BY: Final = 2
"""In standard errors."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The best unit of a label and its strength, with the sign from where it was picked; what the best of all units
    reaches by chance; the strength's standard error; and `share` of the places at which the label holds, None for a
    number."""

    annotator: Annotator
    index: UnitIndex
    sign: Literal[1, -1]
    strength: float
    chance: float
    error: float
    share: float | None

    @property
    def needed(self) -> float:
        """The strength that is at least needed to be found."""
        return self.chance + CLAIM * (1 - self.chance)

    def shown(self, strength: float) -> float:
        """A strength as an AUC, or as a correlation."""
        return round(strength if self.share is None else (1 + strength) / 2, 4)


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
    """A label that no unit follows, or for which this is undecided; then `score` and `chance` may be None."""

    slug: str
    follows: str
    score: float | None
    chance: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What units follow, the clearest first; what none follows; and what is undecided."""

    findings: tuple[Finding, ...] = ()
    missing: tuple[Missing, ...] = ()
    undecided: tuple[Missing, ...] = ()


def verdicts(labels: Sequence[Scored]) -> Verdicts:
    """Those on each of the labels."""
    findings, missing, undecided = list[Finding](), list[Missing](), list[Missing]()
    for each in labels:
        if each.strength - FOUND_BY * each.error >= each.needed:
            findings.append(_finding(each))
        elif each.strength + MISSING_BY * each.error < CLAIM:
            missing.append(_missing(each, f"no cell is clearly better than chance: {_in_words(each)}"))
        else:
            undecided.append(_missing(each, _doubt(each)))
    findings.sort(key=lambda each: -above_chance(each.score, each.chance))
    return Verdicts(tuple(findings), tuple(missing), tuple(undecided))


def above_chance(score: float, chance: float) -> float:
    """Where a score lies between chance (0) and perfection (1); the same for AUCs and for strengths."""
    return (score - chance) / max(1 - chance, 1e-9)


def _finding(best: Scored) -> Finding:
    layer, part, unit = best.index
    return Finding(
        slug=best.annotator.slug,
        follows=best.annotator.name,
        measure="correlation" if best.share is None else "auc",
        score=best.shown(best.strength),
        chance=best.shown(best.chance),
        layer=layer,
        unit=unit,
        part=PARTS[part],
        sign=best.sign,
        share=best.share,
    )


def _missing(best: Scored, reason: str) -> Missing:
    score, chance = best.shown(best.strength), best.shown(best.chance)
    return Missing(best.annotator.slug, best.annotator.name, score, chance, reason)


def _doubt(best: Scored) -> str:
    if math.isinf(best.error):
        return "occurs in one part of this text alone, which does not tell"
    error, needed = best.shown(best.strength + best.error) - best.shown(best.strength), best.shown(best.needed)
    return f"this text does not tell: {_in_words(best)}; its standard error is {error:.2f}, and {needed:.2f} is needed"


def _in_words(best: Scored) -> str:
    return f"{best.shown(best.strength):.2f}, where chance gives {best.shown(best.chance):.2f}"
