"""Records read side by side: each once an epoch, from its first step, with little in between."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.tasks.task import IGNORED
from charrnn.training.batches import WITHOUT_LABEL, RecordBatches, RecordSteps
from tests.laws import examples

BOUNDARY = 60_000


def numbered(lengths: list[int]) -> RecordSteps:
    """Records whose steps are numbered from 1 over all of them; every second one has a target."""
    bounds = np.cumsum([0, *lengths]).astype(np.int64)
    inputs = np.arange(1, bounds[-1] + 1, dtype=np.uint16)
    targets = np.where(inputs % 2, inputs.astype(np.int32), -1)
    counted = np.array([(targets[a:b] >= 0).sum() for a, b in pairwise(bounds)], dtype=np.int32)
    return RecordSteps(inputs, targets, bounds, counted)


def texts(batches: RecordBatches, epoch: int) -> list[list[int]]:
    """The records as a network reads them: what each row reads between two resets, in segments one after the other."""
    found: list[list[int]] = []
    rows: list[list[int]] = [[] for _ in range(batches.streams)]
    for index in range(batches.segments):
        segment = batches.segment(index, epoch)
        for row, read in enumerate(rows):
            for id_, target, fresh in zip(segment.inputs[row], segment.targets[row], segment.fresh[row], strict=True):
                if fresh and read:
                    found.append(read.copy())
                    read.clear()
                if id_:
                    assert target == (id_ if id_ % 2 else IGNORED)
                    read.append(int(id_))
                else:
                    assert target == IGNORED
    return found + [read for read in rows if read]


@examples(60)
@given(
    st.lists(st.integers(1, 40) | st.integers(1, 300), min_size=1, max_size=40),
    st.integers(1, 9),
    st.integers(1, 30),
    st.integers(0, 2),
)
def test_every_record_is_read_once_an_epoch_from_its_first_step_to_its_last(
    lengths: list[int], batch_size: int, segment_length: int, epoch: int
) -> None:
    steps = numbered(lengths)
    which = np.arange(len(lengths), dtype=np.int64)
    batches = RecordBatches(steps, which, batch_size, segment_length, seed=5)
    expected = [list(range(a + 1, b + 1)) for a, b in pairwise(steps.bounds)]
    assert sorted(texts(batches, epoch)) == sorted(expected)
    segments = [batches.segment(index, epoch) for index in range(batches.segments)]
    assert sum(segment.read for segment in segments) == batches.tokens == sum(lengths)
    assert sum(segment.tokens for segment in segments) == batches.predicted
    assert max(segment.inputs.shape[1] for segment in segments) <= segment_length


def test_epochs_differ_in_their_order_and_repeat_by_seed_and_number() -> None:
    steps, which = numbered([5] * 64 + [9] * 64), np.arange(128, dtype=np.int64)
    batches = [RecordBatches(steps, which, 8, 20, seed=seed) for seed in (1, 1, 2)]

    def order(batches: RecordBatches, epoch: int) -> list[int]:
        return [int(batches.segment(index, epoch).inputs[0, 0]) for index in range(batches.segments)]

    assert order(batches[0], 3) == order(batches[1], 3)
    assert len({tuple(order(batches[0], 3)), tuple(order(batches[0], 4)), tuple(order(batches[2], 3))}) == 3


def test_only_the_records_that_are_asked_for_are_read() -> None:
    batches = RecordBatches(numbered([3, 4, 5]), np.array([0, 2]), 4, 8)
    assert sorted(texts(batches, 0)) == [[1, 2, 3], [8, 9, 10, 11, 12]]


def test_one_label_in_eight_is_left_out_another_one_in_each_epoch() -> None:
    count = 4 * WITHOUT_LABEL
    batches = RecordBatches(numbered([3] * count), np.arange(count), 8, 6, boundary=BOUNDARY)
    without: Counter[int] = Counter()
    for epoch in range(WITHOUT_LABEL):
        segments = [batches.segment(index, epoch) for index in range(batches.segments)]
        starts = np.concatenate([segment.inputs[segment.fresh] for segment in segments])
        assert (starts == BOUNDARY).sum() == count / WITHOUT_LABEL
        without.update({int(start) for start in starts} - {BOUNDARY})
    assert set(without.values()) == {WITHOUT_LABEL - 1}, "every record began without its label once"


@pytest.mark.parametrize(
    "lengths",
    [
        np.random.default_rng(1).integers(3, 15, 4000),  # names
        np.random.default_rng(2).integers(20, 300, 4000),  # lines
        np.random.default_rng(3).lognormal(4, 1, 4000).astype(int) + 1,  # sentences and pages
        np.array([10] * 2000 + [20_000] * 3),  # few that are far longer
    ],
)
def test_little_is_computed_for_nothing(lengths: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    which = np.arange(len(lengths))
    batches = RecordBatches(numbered_lengths(lengths), which, 32, 64)
    segments = [batches.segment(index) for index in range(batches.segments)]
    in_short = [segment.inputs.size for segment in segments if (segment.inputs[1:] != 0).any(1).sum() > 4]
    assert sum(in_short) < 1.12 * lengths.sum(), "a twelfth"
    assert max(len(segment.stretches(slice(0, 32))) for segment in segments) <= 64 / lengths.min()


def numbered_lengths(lengths: np.ndarray[tuple[int], np.dtype[np.int64]]) -> RecordSteps:
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ones = np.ones(int(bounds[-1]), dtype=np.uint8)
    return RecordSteps(ones, ones.astype(np.int8), bounds, lengths.astype(np.int32))


def test_some_tokens_of_records_with_one_target_are_hidden_and_some_steps_have_it_others_in_each_epoch() -> None:
    steps = RecordSteps(
        np.arange(1, 6_001, dtype=np.uint16),
        np.where(np.arange(1, 6_001) % 20, -1, np.arange(6_000) // 20 % 7).astype(np.int8),
        np.arange(0, 6_001, 20),
        np.ones(300, dtype=np.int32),
    )
    batches = RecordBatches(steps, np.arange(300), 8, 6, seed=3, hidden_as=BOUNDARY)
    read, asked = [], []
    for epoch in (0, 0, 1):
        segments = [batches.segment(index, epoch) for index in range(batches.segments)]
        assert sum(segment.read for segment in segments) == 6_000
        found = {
            int(id_): int(target)
            for segment in segments
            for id_, target in zip(segment.inputs.flat, segment.targets.flat, strict=True)
            if id_ not in (0, BOUNDARY)
        }
        assert all(target in ((id_ - 1) // 20 % 7, IGNORED) for id_, target in found.items())
        read.append(found.keys())
        asked.append({id_ for id_, target in found.items() if target != IGNORED})
    assert read[0] == read[1] != read[2]
    assert asked[0] == asked[1] != asked[2]
    assert all(5_250 < len(each) < 5_550 for each in read)
    assert 4_750 < len(read[0] & read[2]) < 5_000  # independent of one another
    assert all(
        20 * i in each or 20 * i not in ids for each, ids in zip(asked, read, strict=True) for i in range(1, 301)
    )
    early = {id_ % 20 for each in asked for id_ in each} - {0}
    assert early == {17, 18, 19}  # after the first ASKED


def test_what_follows_an_input_that_is_hidden_is_not() -> None:
    steps, length = numbered([9] * 40), 6
    batches = RecordBatches(steps, np.arange(40), 8, length, hidden_as=BOUNDARY)
    segments = [batches.segment(index) for index in range(batches.segments)]
    inputs = np.concatenate([segment.inputs.ravel() for segment in segments])
    following = np.concatenate([segment.next_tokens.ravel() for segment in segments if segment.next_tokens is not None])
    assert 0.02 < (inputs == BOUNDARY).mean() < 0.25
    ends = inputs % 9 == 0
    known = (inputs != BOUNDARY) & (inputs > 0)
    assert (following[known & ~ends] == inputs[known & ~ends] + 1).all()
    assert (following[known & ends] == IGNORED).all()
    assert BOUNDARY not in following and all(segment.teaches for segment in segments)
