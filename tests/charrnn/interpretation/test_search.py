"""Cells that were put there are found, whatever else there is; noise is not taken for one, however much there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from charrnn.interpretation.annotators import BY_SLUG
from charrnn.interpretation.labels import Labels
from charrnn.interpretation.search import BLOCK, CLAIM, above_chance, reason_to_skip, search

N = 4000


def regular(length: int = N, every: int = 40, held: int = 8) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """True for some places in a row, at irregular distances of about `every`."""
    starts = np.cumsum(np.random.default_rng(1).integers(every // 2, every * 2, length))
    mask = np.zeros(length + held, dtype=np.bool_)
    for start in starts[starts < length]:
        mask[start : start + held] = True
    return mask[:length]


def noise(units: int = 50, memory: float = 0.0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """States [N, 2 layers, 2 parts, units], each value `memory` of the one before."""
    states = np.random.default_rng(2).standard_normal((N, 2, 2, units)).astype(np.float32)
    for i in range(1, N):
        states[i] += memory * states[i - 1]
    return states


@pytest.mark.parametrize(("unit", "sign"), [(17, 1), (BLOCK + 5, -1)])
def test_a_cell_that_follows_is_found_with_its_place_and_sign(unit: int, sign: int) -> None:
    labels, states = regular(), noise(BLOCK + 10)
    states[:, 1, 0, unit] += sign * 4 * labels
    (found,), missing = search([(BY_SLUG["double-quotes"], labels)], states)
    assert missing == []
    assert (found.slug, found.follows, found.measure) == ("double-quotes", "inside double quotes", "auc")
    assert (found.layer, found.unit, found.part, found.sign) == (1, unit, "hidden", sign)
    assert found.score > 0.99
    assert found.chance < 0.75
    assert found.share == pytest.approx(labels.mean(), abs=1e-4)


def test_a_cell_that_counts_is_found() -> None:
    numbers, states = (np.arange(N) % 61).astype(np.float32), noise()
    states[:, 0, 1, 3] -= numbers / 10
    (found,), _ = search([(BY_SLUG["line-position"], numbers)], states)
    assert (found.measure, found.part, found.unit, found.sign, found.share) == ("correlation", "cell", 3, -1, None)
    assert 0.8 < found.score < 1


@pytest.mark.parametrize("memory", [0.0, 0.95])
def test_noise_follows_nothing(memory: float) -> None:
    labels: list[tuple[Any, Labels]] = [
        (BY_SLUG["comment"], regular()),
        (BY_SLUG["digit"], regular(every=150, held=2)),
        (BY_SLUG["indentation"], (np.arange(N) // 70 % 5).astype(np.float32)),
    ]
    found, missing = search(labels, noise(units=200, memory=memory))
    assert found == []
    assert [each.slug for each in missing] == ["comment", "digit", "indentation"]
    assert all("chance" in each.reason and each.score is not None and each.chance is not None for each in missing)


def test_what_holds_in_the_first_half_alone_is_not_claimed() -> None:
    labels, states = regular(), noise()
    states[: N // 2, 0, 0, 5] += 9 * labels[: N // 2]
    assert search([(BY_SLUG["comment"], labels)], states)[0] == []
    states[N // 2 :, 0, 0, 5] -= 9 * labels[N // 2 :]
    found, (missing,) = search([(BY_SLUG["comment"], labels)], states)
    assert found == []
    assert missing.score == pytest.approx(0, abs=0.01)


def test_what_is_farthest_above_chance_comes_first() -> None:
    labels, states = regular(), noise()
    other = np.roll(labels, 1000)
    states[:, 0, 0, 1] += 1.5 * labels
    states[:, 0, 0, 2] += 4 * other
    found, _ = search([(BY_SLUG["comment"], labels), (BY_SLUG["braces"], other)], states)
    assert [each.slug for each in found] == ["braces", "comment"]
    assert min(above_chance(each.score, each.chance) for each in found) >= CLAIM


def test_the_check_can_end_a_search() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        search([(BY_SLUG["comment"], regular())], noise(units=2), stop)


def test_what_occurs_too_rarely_is_reported() -> None:
    assert reason_to_skip(regular()) is None
    assert reason_to_skip(np.zeros(N, np.bool_)) == "does not occur in this text"
    few = np.arange(N) < N // 2
    few[::100] = False
    assert reason_to_skip(few) == "occurs 0 times in one half of this text, and 10 are needed to tell"
    assert reason_to_skip(np.ones(N, np.float32)) is not None
