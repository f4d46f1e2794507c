"""What a run keeps of the gradients that it measured on its way, and what a record says of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.training.reach import STEPS, Reach, kept, recorded
from charrnn.training.state import Position


@given(st.lists(st.booleans(), max_size=12))
def test_the_first_ones_and_those_of_the_best_weights_are_kept(better: list[bool]) -> None:
    """Whatever the evaluations after the first one found, in whatever order."""
    told: list[dict[str, Any]] = []
    best = 0
    for number, is_best in enumerate([True, *better]):
        best = number if is_best else best
        position = Position(step=10 * number, characters=1000 * number, best_step=10 * best)
        told = kept(told, position, [[1.0, 0.5 * number]])
    assert [each["step"] for each in told] == sorted({0, 10 * best})
    assert [each["characters"] for each in told] == sorted({0, 1000 * best})
    assert told[-1]["norms"] == [[1.0, 0.5 * best]]


def test_no_more_steps_back_are_kept_than_tell_anything() -> None:
    (told,) = kept([], Position(), [[1.0] * 1000] * 3)
    assert [len(layer) for layer in told["norms"]] == [STEPS + 1] * 3


NORMS = st.floats(0, 1e30)


@given(st.integers(1, 3).flatmap(lambda k: st.lists(st.lists(NORMS, min_size=k, max_size=k), min_size=1, max_size=3)))
def test_what_is_kept_can_be_read_again(norms: list[list[float]]) -> None:
    told = kept([], Position(step=7, characters=70), norms)
    assert recorded({"gradients": told}) == (Reach(7, 70, tuple(map(tuple, norms))),)


WHOLE = {"step": 0, "characters": 0, "norms": [[1.0, 0.5]]}


@pytest.mark.parametrize(
    "given_",
    [
        None,
        [],
        "text",
        [WHOLE] * 3,
        [None],
        [{**WHOLE, "step": "0"}],
        [{**WHOLE, "norms": []}],
        [{**WHOLE, "norms": [[]]}],
        [{**WHOLE, "norms": [[1.0], [1.0, 2.0]]}],
        [{**WHOLE, "norms": [[-1.0]]}],
        [{**WHOLE, "norms": [["1"]]}],
        [{**WHOLE, "norms": [[float("inf")]]}],
        [{**WHOLE, "norms": [[float("nan")]]}],
        [{**WHOLE, "norms": [[True]]}],
        [{**WHOLE, "norms": [[1.0] * (STEPS + 2)]}],
        [{"step": 0, "characters": 0}],
    ],
)
def test_a_record_from_elsewhere_may_say_anything(given_: Any) -> None:
    assert recorded({"gradients": given_}) == ()
    assert recorded({}) == ()


def test_what_is_left_of_a_gradient() -> None:
    reach = Reach(0, 0, ((2.0, 4.0), (0.5, 0.125)))
    assert (reach.steps, reach.share(1), reach.share(1, layer=0)) == (1, 0.25, 2.0)
    assert Reach(0, 0, ((0.0, 0.0),)).share(1) == 0.0
