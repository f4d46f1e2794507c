from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.fingerprints import fingerprints
from charrnn.training.record_split import Mask, held_out

FRACTIONS = st.floats(0, 0.5)
RECORDS = st.lists(st.tuples(st.integers(0, 60).map(str), st.integers(0, 4)), max_size=80)


def split(records: list[tuple[str, int]], fraction: float) -> Mask:
    labels = np.array([label for _, label in records], np.int64)
    return held_out(fingerprints(text for text, _ in records), fraction, labels)


def texts_of(records: list[tuple[str, int]], mask: Mask) -> set[str]:
    return {text for (text, _), held in zip(records, mask, strict=True) if held}


@given(RECORDS, FRACTIONS)
def test_no_text_is_in_both_parts_and_each_label_is_trained_on(records: list[tuple[str, int]], fraction: float) -> None:
    mask = split(records, fraction)
    assert not texts_of(records, mask) & texts_of(records, ~mask)
    labels = [label for _, label in records]
    assert {label for label, held in zip(labels, mask, strict=True) if not held} == set(labels)


@given(RECORDS, FRACTIONS)
def test_the_order_of_the_records_does_not_matter(records: list[tuple[str, int]], fraction: float) -> None:
    order = np.random.default_rng(len(records)).permutation(len(records))
    shuffled = [records[index] for index in order]
    assert split(shuffled, fraction).tolist() == split(records, fraction)[order].tolist()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=300), FRACTIONS)
def test_of_each_label_nearly_the_fraction_is_held_out(labels: list[int], fraction: float) -> None:
    """Of different texts; a label with one text has none held out."""
    mask = split([(str(index), label) for index, label in enumerate(labels)], fraction)
    for label in set(labels):
        size = labels.count(label)
        held = sum(held for held, each in zip(mask.tolist(), labels, strict=True) if each == label)
        assert abs(held - fraction * size) <= 1 or size == 1


@pytest.mark.parametrize("fraction", [0.1, 0.05, 0.3])
def test_the_share_of_all_is_right_even_if_each_label_has_few(fraction: float) -> None:
    records = [(f"{label}-{number}", label) for label in range(400) for number in range(4)]
    assert split(records, fraction).sum() == round(fraction * len(records))


@given(st.lists(st.integers(0, 60), max_size=200), FRACTIONS)
def test_repeated_texts_of_no_label(numbers: list[int], fraction: float) -> None:
    texts = fingerprints(map(str, numbers))
    mask = held_out(texts, fraction)
    assert not set(texts[mask].tolist()) & set(texts[~mask].tolist())
    largest = max((numbers.count(number) for number in set(numbers)), default=0)
    assert mask.sum() <= fraction * len(numbers) + largest / 2 + 1


def test_a_text_that_most_records_have_is_trained_on() -> None:
    texts = fingerprints(["the same"] * 900 + [str(number) for number in range(100)])
    mask = held_out(texts, 0.05)
    assert not mask[:900].any()
    assert mask.sum() == 50


def test_a_label_whose_texts_all_have_another_label_too_keeps_one() -> None:
    records = [(str(number), label) for number in range(40) for label in (0, 1)]
    mask = split(records, 0.5)
    assert 30 <= mask.sum() <= 40
    assert split([("a", 0), ("a", 1)], 0.5).tolist() == [False, False]


def test_most_of_what_was_held_out_still_is_when_records_are_added() -> None:
    before = fingerprints(str(number) for number in range(1000))
    after = fingerprints(str(number) for number in range(1100))
    old, new = held_out(before, 0.1), held_out(after, 0.1)
    assert (old.sum(), new.sum()) == (100, 110)
    assert (old & new[:1000]).sum() >= 90


def test_nothing_is_held_out_of_nothing_or_of_one_text() -> None:
    assert held_out(fingerprints([]), 0.5).shape == (0,)
    assert not held_out(fingerprints(["a"] * 9), 0.5).any()
