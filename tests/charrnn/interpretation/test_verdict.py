"""What is said of a best unit, by its strength, its standard error and chance."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.interpretation.annotators import BY_SLUG
from charrnn.interpretation.verdict import Scored, Verdicts, verdicts

BEST = Scored(BY_SLUG["comment"], (1, 0, 17), -1, strength=0.9, chance=0.1, error=0.01, share=0.25)


def said(**values: float) -> str:
    """Which of the three it is."""
    found = verdicts([replace(BEST, **values)])  # type: ignore[arg-type]
    (name,) = (name for name in Verdicts.__dataclass_fields__ if getattr(found, name))
    return name


def test_a_finding_has_all_that_is_known() -> None:
    (found,) = verdicts([BEST]).findings
    assert (found.slug, found.follows, found.measure) == ("comment", "inside a comment", "auc")
    assert (found.layer, found.part, found.unit, found.sign) == (1, "hidden", 17, -1)
    assert (found.score, found.chance, found.share) == (0.95, 0.55, 0.25)
    (number,) = verdicts([replace(BEST, share=None)]).findings
    assert (number.measure, number.score, number.chance, number.share) == ("correlation", 0.9, 0.1, None)


@pytest.mark.parametrize(
    ("strength", "error", "chance", "expected"),
    [
        (0.90, 0.01, 0.1, "findings"),
        (0.41, 0.00, 0.1, "findings"),
        (0.41, 0.02, 0.1, "undecided"),
        (0.43, 0.02, 0.1, "findings"),
        (0.35, 0.01, 0.1, "undecided"),
        (0.30, 0.01, 0.1, "missing"),
        (0.30, 0.02, 0.1, "undecided"),
        (0.64, 0.05, 0.58, "undecided"),
        (-0.50, 0.01, 0.1, "missing"),
        (0.99, math.inf, 0.1, "undecided"),
    ],
)
def test_what_is_said(strength: float, error: float, chance: float, expected: str) -> None:
    assert said(strength=strength, error=error, chance=chance) == expected


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_clearer_measurement_never_turns_one_verdict_into_its_opposite(
    strength: float, error: float, chance: float, less: float
) -> None:
    """With less doubt and less chance, what was said stays, unless it was that the text did not tell."""
    before = said(strength=strength, error=error, chance=chance)
    after = said(strength=strength, error=error * less, chance=chance * less)
    assert before in (after, "undecided")


def test_reasons_are_in_words() -> None:
    (missing,) = verdicts([replace(BEST, strength=0.04)]).missing
    assert missing.reason == "no cell is clearly better than chance: 0.52, where chance gives 0.55"
    (undecided,) = verdicts([replace(BEST, strength=0.4, error=0.1)]).undecided
    assert undecided.reason == (
        "this text does not tell: 0.70, where chance gives 0.55; its standard error is 0.05, and 0.70 is needed"
    )
    (alone,) = verdicts([replace(BEST, error=math.inf)]).undecided
    assert alone.reason == "occurs in one part of this text alone, which does not tell"
    assert (alone.score, alone.chance) == (0.95, 0.55)


def test_the_clearest_comes_first() -> None:
    slugs = ["comment", "braces", "digit"]
    strengths = [0.7, 0.9, 0.8]
    found = verdicts(
        [replace(BEST, annotator=BY_SLUG[slug], strength=each) for slug, each in zip(slugs, strengths, strict=True)]
    )
    assert [each.slug for each in found.findings] == ["braces", "digit", "comment"]
