"""What a run measured, as plain JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.measurements import MAX_STEPS_BACK, Evaluation, Reach

COUNTS = st.integers(0, 2**63 - 1)
LOSSES = st.none() | st.floats(allow_nan=False, allow_infinity=False)
NORMS = st.integers(1, 3).flatmap(
    lambda k: st.lists(st.lists(st.floats(0, 1e30), min_size=k, max_size=k).map(tuple), min_size=1, max_size=3)
)


@given(st.builds(Evaluation, COUNTS, COUNTS, LOSSES, LOSSES))
def test_an_evaluation_can_be_read_again(evaluation: Evaluation) -> None:
    assert Evaluation.read(json.loads(json.dumps(evaluation.as_dict()))) == evaluation


@given(st.builds(Reach, COUNTS, COUNTS, NORMS.map(tuple)))
def test_a_reach_can_be_read_again(reach: Reach) -> None:
    assert Reach.read(json.loads(json.dumps(reach.as_dict()))) == reach


@pytest.mark.parametrize(
    ("value", "evaluation"),
    [
        (None, None),
        ({}, None),
        ({"characters": "9"}, None),
        ({"characters": 9}, Evaluation(0, 9, None, None)),
        ({"characters": 9, "step": 1, "training_loss": "low", "validation_loss": 2}, Evaluation(1, 9, None, 2)),
    ],
)
def test_what_an_evaluation_lacks_is_unknown(value: Any, evaluation: Evaluation | None) -> None:
    assert Evaluation.read(value) == evaluation


WHOLE = {"step": 0, "characters": 0, "norms": [[1.0, 0.5]]}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "text",
        {**WHOLE, "step": "0"},
        {**WHOLE, "norms": []},
        {**WHOLE, "norms": [[]]},
        {**WHOLE, "norms": [[1.0], [1.0, 2.0]]},
        {**WHOLE, "norms": [[-1.0]]},
        {**WHOLE, "norms": [["1"]]},
        {**WHOLE, "norms": [[float("inf")]]},
        {**WHOLE, "norms": [[float("nan")]]},
        {**WHOLE, "norms": [[True]]},
        {**WHOLE, "norms": [[1.0] * (MAX_STEPS_BACK + 2)]},
        {"step": 0, "characters": 0},
    ],
)
def test_norms_that_could_not_be_drawn_are_not_read(value: Any) -> None:
    assert Reach.read(WHOLE) is not None
    assert Reach.read(value) is None


def test_what_is_left_of_a_gradient() -> None:
    reach = Reach(0, 0, ((2.0, 4.0), (0.5, 0.125)))
    assert (reach.steps, reach.share(1), reach.share(1, layer=0)) == (1, 0.25, 2.0)
    assert Reach(0, 0, ((0.0, 0.0),)).share(1) == 0.0
