"""Which weights are kept, and the warnings about them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.measurements import MAX_STEPS_BACK, Evaluation, Reach
from charrnn.training.keeping import FAR_ABOVE, GAP, NO_GUIDE, has_risen, is_better, kept, warnings
from charrnn.training.state import Position

GUESSING = math.log(65)


@pytest.mark.parametrize(
    ("best", "best_step", "loss", "kept"),
    [
        (None, 0, 4.2, True),
        (4.2, 0, 9.0, True),
        (2.0, 10, 1.9, True),
        (2.0, 10, 2.1, False),
        (9.0, 10, 9.5, True),
        (None, 10, None, True),
        (4.0, 10, 5.0, False),
    ],
)
def test_weights_are_kept(best: float | None, best_step: int, loss: float | None, kept: bool) -> None:
    assert is_better(loss, Position(best_loss=best, best_step=best_step), GUESSING) is kept


def test_a_loss_has_risen_when_it_is_no_number_or_far_above_the_best() -> None:
    evaluations, position = [Evaluation(10, 0, 1.5, None)], Position(best_loss=1.6, best_step=10)
    for training, validation, risen in ((1.4, math.nan, True), (5.3, 1.6, True), (2.6, 2.7, True), (2.6, 1.7, False)):
        assert has_risen(training, validation, evaluations, position, GUESSING) is risen
    assert not has_risen(None, 4.2, [], Position(), GUESSING)


@pytest.mark.parametrize(
    ("best", "learned", "said"),
    [
        (1.5, 1.4, None),
        (1.5, 1.5 - 0.9 * GAP * GUESSING, None),
        (3.0, 1.3, FAR_ABOVE),
        (9.1, 1.3, NO_GUIDE),
        (None, 1.3, None),
        (4.2, None, None),
    ],
)
def test_warnings_about_the_weights(best: float | None, learned: float | None, said: str | None) -> None:
    evaluations = [Evaluation(0, 0, None, None), Evaluation(10, 0, learned, None)]
    assert warnings(evaluations, Position(best_loss=best, best_step=10), GUESSING) == ([said] if said else [])


@given(st.lists(st.booleans(), max_size=12))
def test_the_first_gradients_and_those_of_the_best_weights_are_kept(better: list[bool]) -> None:
    """Whatever the evaluations after the first one found, in whatever order."""
    found: list[Reach] = []
    best = 0
    for number, is_the_best in enumerate([True, *better]):
        best = number if is_the_best else best
        position = Position(step=10 * number, characters=1000 * number, best_step=10 * best)
        found = kept(found, position, ((1.0, 0.5 * number),))
    assert [each.step for each in found] == sorted({0, 10 * best})
    assert [each.characters for each in found] == sorted({0, 1000 * best})
    assert found[-1].norms == ((1.0, 0.5 * best),)


def test_no_more_steps_back_are_kept_than_tell_anything() -> None:
    (reach,) = kept([], Position(), ((1.0,) * 1000,) * 3)
    assert [len(layer) for layer in reach.norms] == [MAX_STEPS_BACK + 1] * 3
