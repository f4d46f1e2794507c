"""Cells that were put there are found, whatever else there is; noise is not taken for one, however much there is."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from charrnn.interpretation.annotators import BY_SLUG
from charrnn.interpretation.labels import Labels
from charrnn.interpretation.search import BLOCKS, UNITS, alternating, reason_to_skip, search
from charrnn.interpretation.verdict import CLAIM, above_chance

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


@pytest.mark.parametrize(("unit", "sign"), [(17, 1), (UNITS + 5, -1)])
def test_a_cell_that_follows_is_found_with_its_place_and_sign(unit: int, sign: int) -> None:
    labels, states = regular(), noise(UNITS + 10)
    states[:, 1, 0, unit] += sign * 4 * labels
    result = search([(BY_SLUG["double-quotes"], labels)], states)
    (found,) = result.findings
    assert (result.missing, result.undecided) == ((), ())
    assert (found.slug, found.follows, found.measure) == ("double-quotes", "inside double quotes", "auc")
    assert (found.layer, found.unit, found.part, found.sign) == (1, unit, "hidden", sign)
    assert found.score > 0.99
    assert found.chance < 0.75
    assert found.share == pytest.approx(labels.mean(), abs=1e-4)


def test_a_cell_that_counts_is_found() -> None:
    numbers, states = (np.arange(N) % 61).astype(np.float32), noise()
    states[:, 0, 1, 3] -= numbers / 10
    (found,) = search([(BY_SLUG["line-position"], numbers)], states).findings
    assert (found.measure, found.part, found.unit, found.sign, found.share) == ("correlation", "cell", 3, -1, None)
    assert 0.8 < found.score < 1


@pytest.mark.parametrize("memory", [0.0, 0.95])
def test_noise_follows_nothing(memory: float) -> None:
    labels: list[tuple[Any, Labels]] = [
        (BY_SLUG["comment"], regular()),
        (BY_SLUG["digit"], regular(every=150, held=2)),
        (BY_SLUG["indentation"], (np.arange(N) // 70 % 5).astype(np.float32)),
    ]
    result = search(labels, noise(units=200, memory=memory))
    assert result.findings == ()
    missing = [*result.missing, *result.undecided]
    assert sorted(each.slug for each in missing) == ["comment", "digit", "indentation"]
    assert all("chance" in each.reason and each.score is not None and each.chance is not None for each in missing)


def test_blocks_alternate_all_over_the_text() -> None:
    assert alternating(8).tolist() == [True] * 4 + [False] * 4
    for n in (2_000, 2_001, 20_000):
        borders = np.flatnonzero(np.diff(alternating(n).astype(int))) + 1
        sizes = np.diff([0, *borders, n])
        assert len(sizes) == min(BLOCKS, n // 125) and np.ptp(sizes) <= 1


def test_what_holds_in_a_part_of_the_text_counts_for_as_much_as_it_is() -> None:
    """Quotations of a novel followed by its epilogue, where the unit follows something else."""
    labels, states = regular(), noise()
    states[: N // 4, 0, 0, 5] += 9 * labels[: N // 4]
    result = search([(BY_SLUG["comment"], labels)], states)
    (undecided,) = result.undecided
    assert (result.findings, result.missing) == ((), ())
    assert undecided.score is not None and 0.6 < undecided.score < 0.66
    assert undecided.reason.startswith("this text does not tell: 0.6")
    states[: 7 * N // 8, 0, 0, 5] += 9 * labels[: 7 * N // 8]
    (found,) = search([(BY_SLUG["comment"], labels)], states).findings
    assert found.unit == 5 and 0.9 < found.score < 0.97


def test_what_holds_where_units_are_picked_alone_is_not_found() -> None:
    labels, states = regular(), noise()
    states[alternating(N), 0, 0, 5] += 9 * labels[alternating(N)]
    result = search([(BY_SLUG["comment"], labels)], states)
    (missing,) = result.missing
    assert result.findings == ()
    assert missing.score == pytest.approx(0.5, abs=0.1)
    states[~alternating(N), 0, 0, 5] -= 9 * labels[~alternating(N)]
    (missing,) = search([(BY_SLUG["comment"], labels)], states).missing
    assert missing.score == pytest.approx(0, abs=0.01)


def test_what_is_farthest_above_chance_comes_first() -> None:
    labels, states = regular(), noise()
    other = np.roll(labels, 1000)
    states[:, 0, 0, 1] += 1.5 * labels
    states[:, 0, 0, 2] += 4 * other
    found = search([(BY_SLUG["comment"], labels), (BY_SLUG["braces"], other)], states).findings
    assert [each.slug for each in found] == ["braces", "comment"]
    assert min(above_chance(each.score, each.chance) for each in found) >= CLAIM


WIDE = 6


def novel(seed: int, n: int) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], np.ndarray[Any, np.dtype[np.float32]]]:
    """A text that is full of quotations in its first half, and has hardly any in its second, an essay; of the units one
    follows them, in the essay hardly, and the others drift."""
    random = np.random.default_rng(seed)
    told = np.arange(n) < n // 2
    starts = random.random(n) < np.where(told, 0.02, 0.002)
    labels = np.convolve(starts, np.ones(20))[:n] > 0
    states = random.standard_normal((n, WIDE)).astype(np.float32)
    for i in range(1, n):
        states[i] += 0.97 * states[i - 1]
    states[:, 2] = random.standard_normal(n) + np.where(told, 3, 0.3) * labels
    return labels, states.reshape(n, 1, 1, WIDE)


def test_the_verdict_does_not_depend_on_where_the_text_is_cut() -> None:
    """Nor on what its second half is about."""
    labels, states = novel(5, 16_000)
    for first, length in product((0, 137, 2_000), (7_000, 9_000, 12_000, 14_000)):
        here = slice(first, first + length)
        (found,) = search([(BY_SLUG["double-quotes"], labels[here])], states[here]).findings
        assert found.unit == 2, (first, length)


def test_random_labels_are_found_no_more_often_than_stated() -> None:
    """Chance is exceeded once in twenty times; being found takes much more. The units remember, and so do labels."""
    above, found, tries = 0, 0, 60
    for seed in range(tries):
        labels, states = novel(seed, 2_400)[0], novel(1000 + seed, 2_400)[1]
        result = search([(BY_SLUG["comment"], labels)], states)
        above += sum((each.score or 0) > (each.chance or 0) for each in result.missing + result.undecided)
        found += len(result.findings)
    assert above <= tries / 20 + 3 * (tries / 20) ** 0.5
    assert found == 0


def test_the_check_can_end_a_search() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        search([(BY_SLUG["comment"], regular())], noise(units=2), stop)


def test_what_occurs_too_rarely_is_reported() -> None:
    assert reason_to_skip(regular()) is None
    assert reason_to_skip(np.zeros(N, np.bool_)) == "does not occur in this text"
    few = alternating(N).copy()
    few[::100] = False
    assert reason_to_skip(few) == "occurs 0 times in one half of this text, and 10 are needed to tell"
    assert reason_to_skip(np.ones(N, np.float32)) is not None
