"""What a run keeps of the gradients that it measured on its way."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from charrnn.measurements import MAX_STEPS_BACK
from charrnn.training.record import kept
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
    assert [len(layer) for layer in told["norms"]] == [MAX_STEPS_BACK + 1] * 3
