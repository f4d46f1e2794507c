import numpy as np
import pytest

from charrnn.patterns.automaton import FAR, NONE, Automaton, Fit
from tests.charrnn.engine.automata import random_automaton, texts

# (ab)*c? over a, b, c, and an id that it never takes.
LETTERS = {"a": 0, "b": 1, "c": 2, "d": 3}
ABABC = Automaton(
    following=np.array([[1, -1, 2, -1], [-1, 0, -1, -1], [-1, -1, -1, -1]], dtype=np.int32),
    classes=np.array([0, 1, 2, 3], dtype=np.int32),
    distances=np.array([0, 1, 0], dtype=np.int32),
)


def ids(text: str) -> list[int]:
    return [LETTERS[letter] for letter in text]


def test_a_text_fits_that_ends_where_it_may() -> None:
    assert ABABC.may_end(ABABC.after(0, ids("abab")))
    assert ABABC.may_end(ABABC.after(0, ids("abc")))
    assert not ABABC.may_end(ABABC.after(0, ids("aba")))
    with pytest.raises(ValueError, match="does not take id 3 there"):
        ABABC.after(0, ids("abd"))


@pytest.mark.parametrize(
    ("state", "left", "expected"),
    [(0, 0, ""), (0, 1, "c"), (0, 2, "ac"), (0, 9, "ac"), (1, 1, "b"), (2, 9, "")],
)
def test_what_may_be_chosen_leaves_enough_for_an_end(state: int, left: int, expected: str) -> None:
    chosen = ABABC.choosable(state, left)

    assert [letter for letter, id_ in LETTERS.items() if chosen[id_]] == list(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [("following", [[3, 0, 0, 0]]), ("classes", [4]), ("distances", [1, 0])],
)
def test_arrays_that_are_no_automaton_are_refused(name: str, value: object) -> None:
    arrays = {"following": [[0, 0, 0, 0]], "classes": [0], "distances": [0]} | {name: value}

    with pytest.raises(ValueError, match=name):
        Automaton(**{key: np.array(array, dtype=np.int32) for key, array in arrays.items()})


@pytest.mark.parametrize("seed", range(30))
def test_what_may_be_chosen_is_what_some_text_that_fits_has_there(seed: int) -> None:
    automaton = random_automaton(np.random.default_rng(seed), outputs=3, most=5)

    for state in range(len(automaton)):
        for left in range(5):
            expected = {text[0] for text in texts(automaton, left, state) if text}
            assert set(np.flatnonzero(automaton.choosable(state, left)).tolist()) == expected
            is_over = left > 0 and () in texts(automaton, left, state) and not expected
            assert Fit(automaton, state).is_over(left) == is_over


@pytest.mark.parametrize("seed", range(30))
def test_what_engines_look_up_follows_from_the_rest(seed: int) -> None:
    automaton = random_automaton(np.random.default_rng(seed), outputs=9)

    for state, following in enumerate(automaton.following):
        after = automaton.distances[following[following != NONE]]
        assert automaton.nearest[state] == (after.min() if after.size else FAR)
        assert automaton.farthest[state] == (after.max() if after.size else NONE)
        assert automaton.takes[automaton.sets[state]].tolist() == (following != NONE).tolist()
    assert len(np.unique(automaton.takes, axis=0)) == len(automaton.takes)
    every = [automaton.choosable(state, FAR) for state in range(len(automaton))]
    assert automaton.taken.tolist() == np.any(every, axis=0).tolist()
