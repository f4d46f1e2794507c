import numpy as np
import pytest

from charrnn.patterns.automaton import Automaton

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
