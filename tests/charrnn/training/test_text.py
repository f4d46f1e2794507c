"""Splitting a text, and reading it in streams: not one character lost or read twice."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.tasks.task import IGNORED
from charrnn.training.config import VALIDATION_SPLITS, ValidationSplit
from charrnn.training.text import BLOCKS, MIN_BLOCK, MIN_VALIDATION, Passages, Streams, split


@given(st.integers(2, 700), st.integers(1, 40), st.integers(1, 30))
@example(characters=2, batch_size=40, segment_length=30)
@example(characters=641, batch_size=32, segment_length=20)
@example(characters=642, batch_size=32, segment_length=20)
def test_every_character_is_predicted_exactly_once(characters: int, batch_size: int, segment_length: int) -> None:
    ids = np.arange(characters, dtype=np.uint16)  # each character is its own position
    streams = Streams(ids, batch_size, segment_length)
    count = np.zeros(characters, dtype=int)
    for index in range(streams.segments):
        segment = streams.segment(index)
        predicted = segment.targets != IGNORED
        assert segment.inputs.shape == segment.targets.shape
        assert segment.inputs.shape[0] == streams.streams <= batch_size
        assert 1 <= segment.inputs.shape[1] <= segment_length
        assert segment.tokens == predicted.sum()
        np.testing.assert_array_equal(segment.targets[predicted], segment.inputs[predicted] + 1)  # what comes next
        np.add.at(count, segment.targets[predicted], 1)
    assert count.tolist() == [0] + [1] * (characters - 1)  # the first character follows nothing
    assert streams.tokens == characters - 1


@given(st.integers(50, 700), st.integers(1, 8), st.integers(1, 30))
def test_streams_are_contiguous_from_segment_to_segment(characters: int, batch_size: int, segment_length: int) -> None:
    streams = Streams(np.arange(characters), batch_size, segment_length)
    whole = np.concatenate([streams.segment(index).inputs for index in range(streams.segments)], axis=1)
    targets = np.concatenate([streams.segment(index).targets for index in range(streams.segments)], axis=1)
    for inputs, expected in zip(whole, targets, strict=True):
        assert (expected[:-1] != IGNORED).all()  # only the last column is ever masked
        assert (np.diff(inputs[:-1]) == 1).all()
    ends = [int(row[row != IGNORED][-1]) for row in targets]
    assert [int(row[0]) for row in whole[1:]] == ends[:-1]  # the next stream begins with the last one's end


def test_segments_are_as_long_as_asked_where_that_divides_the_text() -> None:
    streams = Streams(np.arange(4 * 60 + 1), 4, 20)
    assert (streams.streams, streams.segments) == (4, 3)
    assert {streams.segment(i).inputs.shape for i in range(3)} == {(4, 20)}


def test_a_short_text_is_read_in_fewer_streams_of_a_whole_segment_each() -> None:
    assert Streams(np.arange(65), 32, 20).streams == 3
    assert Streams(np.arange(21), 32, 20).streams == 1


def test_what_stands_before_each_stream() -> None:
    streams = Streams(np.arange(1 + 4 * 30), 4, 10)
    before = streams.before(7)
    assert before.inputs.shape == (3, 7)
    assert (before.inputs[:, -1] + 1).tolist() == streams.segment(0).inputs[1:, 0].tolist()
    assert not before.fresh.any()
    assert Streams(np.arange(31), 1, 10).before(7).inputs.shape == (0, 7)


TEXTS = st.tuples(st.integers(1, 3000), st.floats(0, 0.5), st.sampled_from(VALIDATION_SPLITS))


@given(TEXTS, st.integers(1, 300))
def test_every_character_is_in_one_of_the_two_parts(
    text: tuple[int, float, ValidationSplit], segment_length: int
) -> None:
    characters, fraction, how = text
    characters += segment_length
    parts = split(np.arange(characters), fraction, segment_length, how)
    assert sorted(np.concatenate([part.read(0, len(part)) for part in parts]).tolist()) == list(range(characters))
    assert len(parts[1]) in (0, math.ceil(characters * fraction))
    assert len(parts[1]) == len(split(np.arange(characters), fraction, segment_length, "end")[1])


@given(TEXTS, st.integers(1, 40), st.integers(1, 100))
def test_no_stream_reads_across_a_gap(text: tuple[int, float, ValidationSplit], streams: int, segment: int) -> None:
    characters, fraction, how = text
    for part in split(np.arange(characters + segment), fraction, segment, how):
        if len(part) > 1:
            check_passages(part, streams, segment)


def check_passages(part: Passages, batch_size: int, segment_length: int) -> None:
    """Every character of a passage but its first is predicted once, from the one before it and from a state that knows
    nothing of other passages."""
    streams, firsts = Streams(part, batch_size, segment_length), {start for start, _ in part.bounds}
    predicted: list[int] = []
    knows: list[int | None] = [None] * streams.streams  # the first character that each stream's state has read of
    for index in range(streams.segments):
        segment = streams.segment(index)
        for row in range(streams.streams):
            for id_, target, fresh in zip(segment.inputs[row], segment.targets[row], segment.fresh[row], strict=True):
                if fresh or knows[row] is None:
                    knows[row] = int(id_)
                if target != IGNORED:
                    predicted.append(int(target))
                    first = knows[row]
                    assert target == id_ + 1 and first is not None
                    assert not {place for place in firsts if first < place <= target}
    assert sorted(predicted) == sorted(set(part.read(0, len(part)).tolist()) - firsts)
    assert streams.tokens == len(predicted)


@given(TEXTS, st.integers(0, 5000), st.integers(0, 5000))
def test_passages_are_read_as_if_they_were_one_text(
    text: tuple[int, float, ValidationSplit], one: int, other: int
) -> None:
    characters, fraction, how = text
    for part in split(np.arange(characters + 1), fraction, 1, how):
        whole = [int(id_) for passage in part for id_ in passage]
        start, stop = sorted((min(one, len(part)), min(other, len(part))))
        assert part.read(start, stop).tolist() == whole[start:stop]
        assert [whole[place] for place in part.begins(start, stop)] == [
            first for first, _ in part.bounds[1:] if first in whole[start:stop]
        ]
        assert len(part.spread(50)) <= 50 and len(part.spread(10**6)) == len(part)


def test_windows_lie_in_one_passage_each_and_are_spread() -> None:
    passages = Passages(np.arange(100), [(0, 30), (40, 45), (60, 100)])
    windows = passages.windows(10, 7)
    assert (np.diff(windows) == 1).all()
    assert windows[0, 0] == 0 and windows[-1, -1] == 99
    assert passages.longest == 40 and passages.windows(40, 2)[:, 0].tolist() == [60, 60]


def test_a_memory_map_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "ids"
    np.arange(5000, dtype=np.uint8).tofile(path)
    ids = np.memmap(path, dtype=np.uint8, mode="r")
    for how in VALIDATION_SPLITS:
        training, validation = split(ids, 0.1, 64, how)
        for passage in (*training, *validation):
            assert isinstance(passage, np.memmap) and np.shares_memory(passage, ids)
        assert Streams(training, 8, 64).segment(3).inputs.dtype == np.int64


def test_blocks_are_spread_over_the_text() -> None:
    training, validation = split(np.arange(100_000), 0.1, 64)
    assert len(validation) == 10_000 and len(validation.bounds) == BLOCKS
    for place, (start, stop) in enumerate(validation.bounds):
        share = 100_000 // BLOCKS
        assert (start + stop) / 2 == share * place + share / 2
    assert [len(passage) for passage in training][1:-1] == [4500] * (BLOCKS - 1)


@pytest.mark.parametrize(("characters", "blocks"), [(1000, 1), (3990, 1), (4000, 2), (20_000, 10), (10**7, BLOCKS)])
def test_blocks_of_a_short_text_are_fewer(characters: int, blocks: int) -> None:
    _, validation = split(np.zeros(characters, dtype=np.uint8), 0.1, 64)
    assert len(validation.bounds) == blocks
    assert min(map(len, validation)) >= min(MIN_BLOCK, len(validation))


def test_what_is_held_out_follows_from_the_text_and_the_fraction_alone() -> None:
    assert split(np.arange(5000), 0.1, 8)[1].bounds == split(np.arange(5000), 0.1, 200)[1].bounds


def test_the_end_of_the_text_validates_if_asked() -> None:
    training, validation = split(np.arange(5000), 0.1, 64, "end")
    assert (training.bounds, validation.bounds) == ([(0, 4500)], [(4500, 5000)])


@pytest.mark.parametrize("how", VALIDATION_SPLITS)
def test_the_usual_split_of_tiny_shakespeare(how: ValidationSplit) -> None:
    training, validation = split(np.zeros(1_115_394, dtype=np.uint8), 0.1, 64, how)
    assert (len(training), len(validation)) == (1_003_854, 111_540)


@pytest.mark.parametrize(("characters", "held_out"), [(990, 0), (991, MIN_VALIDATION), (1000, MIN_VALIDATION)])
def test_too_little_to_validate_on_is_not_held_out(characters: int, held_out: int) -> None:
    training, validation = split(np.zeros(characters, dtype=np.uint8), 0.1, 64)
    assert (len(training), len(validation)) == (characters - held_out, held_out)


def test_nothing_is_held_out_when_the_rest_would_have_no_segment() -> None:
    assert [len(part) for part in split(np.zeros(1001, dtype=np.uint8), 0.1, 900)] == [1001, 0]
    assert [len(part) for part in split(np.zeros(1002, dtype=np.uint8), 0.1, 900)] == [901, 101]


def test_a_text_without_one_segment_is_refused_with_the_needed_length() -> None:
    message = "the text has 64 tokens; at least 65 are needed with segment_length 64"
    with pytest.raises(ValueError, match=message):
        split(np.zeros(64, dtype=np.uint8), 0.1, 64)
    assert [len(part) for part in split(np.zeros(65, dtype=np.uint8), 0.1, 64)] == [65, 0]
