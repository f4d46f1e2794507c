"""Splitting a text, and reading it in streams: not one character lost or read twice."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.training.text import IGNORED, MIN_VALIDATION, Streams, split


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
        assert segment.characters == predicted.sum()
        np.testing.assert_array_equal(segment.targets[predicted], segment.inputs[predicted] + 1)  # what comes next
        np.add.at(count, segment.targets[predicted], 1)
    assert count.tolist() == [0] + [1] * (characters - 1)  # the first character follows nothing
    assert streams.characters == characters - 1


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
    assert before.shape == (3, 7)
    assert (before[:, -1] + 1).tolist() == streams.segment(0).inputs[1:, 0].tolist()
    assert Streams(np.arange(31), 1, 10).before(7).shape == (0, 7)


def test_a_memory_map_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "ids"
    np.arange(5000, dtype=np.uint8).tofile(path)
    ids = np.memmap(path, dtype=np.uint8, mode="r")
    training, validation = split(ids, 0.1, 64)
    assert isinstance(training, np.memmap) and isinstance(validation, np.memmap)
    assert np.shares_memory(training, ids) and np.shares_memory(validation, ids)
    assert Streams(training, 8, 64).segment(3).inputs.dtype == np.int64


def test_the_end_of_the_text_validates() -> None:
    training, validation = split(np.arange(5000), 0.1, 64)
    assert training.tolist() == list(range(4500))
    assert validation.tolist() == list(range(4500, 5000))


def test_the_usual_split_of_tiny_shakespeare() -> None:
    training, validation = split(np.zeros(1_115_394, dtype=np.uint8), 0.1, 64)
    assert (len(training), len(validation)) == (1_003_854, 111_540)


@pytest.mark.parametrize(("characters", "held_out"), [(990, 0), (991, MIN_VALIDATION), (1000, MIN_VALIDATION)])
def test_too_little_to_validate_on_is_not_held_out(characters: int, held_out: int) -> None:
    training, validation = split(np.zeros(characters, dtype=np.uint8), 0.1, 64)
    assert (len(training), len(validation)) == (characters - held_out, held_out)


def test_nothing_is_held_out_when_the_rest_would_have_no_segment() -> None:
    assert [len(part) for part in split(np.zeros(1001, dtype=np.uint8), 0.1, 900)] == [1001, 0]
    assert [len(part) for part in split(np.zeros(1002, dtype=np.uint8), 0.1, 900)] == [901, 101]


def test_a_text_without_one_segment_is_told_what_is_needed() -> None:
    message = "the text has 64 characters; at least 65 are needed with segment_length 64"
    with pytest.raises(ValueError, match=message):
        split(np.zeros(64, dtype=np.uint8), 0.1, 64)
    assert [len(part) for part in split(np.zeros(65, dtype=np.uint8), 0.1, 64)] == [65, 0]
