from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.base import Logprobs
from charrnn.vocabulary import Vocabulary
from service.generation.cache_entry import read, written
from service.generation.cached_choice import LARGEST_BYTES, CachedChoice, Entry

VOCABULARIES = [Vocabulary("".join(map(chr, range(32, 32 + size)))) for size in (1, 2, 256, 257)]


def logprobs(n: int, k: int, largest: int = 0) -> Logprobs:
    """Those of n ids, of which the first follows nothing."""
    chosen = np.linspace(-1, 0, n, dtype=np.float32)
    chosen[:1] = np.nan
    top_ids = np.full((n, k), largest, np.int32)
    top_ids[:1] = -1
    return Logprobs(chosen, top_ids, np.linspace(-2, 0, n * k, dtype=np.float32).reshape(n, k))


def same_logprobs(a: Logprobs | None, b: Logprobs | None) -> bool:
    if a is None or b is None:
        return a is b
    return all(
        x.tobytes() == y.tobytes() and x.shape == y.shape
        for x, y in ((a.chosen, b.chosen), (a.top_ids, b.top_ids), (a.top, b.top))
    )


def same(entry: Entry, other: Entry) -> bool:
    return len(entry) == len(other) and all(
        (a.seed, a.ids.tolist(), a.final, a.state) == (b.seed, b.ids.tolist(), b.final, b.state)
        and same_logprobs(a.logprobs, b.logprobs)
        and same_logprobs(a.prompt_logprobs, b.prompt_logprobs)
        for a, b in zip(entry, other, strict=True)
    )


@given(st.data(), st.sampled_from(VOCABULARIES), st.sampled_from([None, 0, 1, 20]), st.integers(0, 5))
def test_an_entry_comes_back_as_it_was(data: st.DataObject, vocabulary: Vocabulary, k: int | None, prompt: int) -> None:
    ids = st.lists(st.integers(0, len(vocabulary) - 1), max_size=9)
    seeds, states = st.integers(-(1 << 63), (1 << 63) - 1), st.none() | st.binary(min_size=1, max_size=9)
    choices = data.draw(st.lists(st.tuples(seeds, ids, st.booleans(), states), max_size=3))
    entry = tuple(
        CachedChoice(
            *(seed, np.array(ids, np.int32), final, state),
            logprobs=None if k is None else logprobs(len(ids), k, len(vocabulary) - 1),
            prompt_logprobs=None if k is None or not prompt else logprobs(prompt, k),
        )
        for seed, ids, final, state in choices
    )
    data_ = written(entry, vocabulary)
    assert data_ is not None
    assert same(read(data_, vocabulary), entry)


LETTERS = Vocabulary("abcdef")
ENTRY = (
    CachedChoice(7, np.array([3, 1, 4], np.int32), False, b"state", logprobs(3, 2), logprobs(2, 2)),
    CachedChoice(8, np.array([5], np.int32), True, None, logprobs(1, 2), logprobs(2, 2)),
)


def test_an_entry_cut_anywhere_is_refused() -> None:
    data = written(ENTRY, LETTERS)
    assert data is not None
    for at in range(len(data)):
        with pytest.raises(ValueError, match="incomplete"):
            read(data[:at], LETTERS)


@given(st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_what_is_not_an_entry_is_read_or_refused_but_never_read_beyond(at: int, other: bytes) -> None:
    data = written(ENTRY, LETTERS)
    assert data is not None
    data = data[:at] + other + data[at + len(other) :]
    try:
        entry = read(data, LETTERS)
    except ValueError:
        return
    assert all(choice.ids.size <= len(data) and len(choice.state or b"") <= len(data) for choice in entry)


def test_ids_outside_the_vocabulary_are_refused() -> None:
    data = written(ENTRY, LETTERS)
    assert data is not None
    for vocabulary, message in ((Vocabulary("abcde"), "ids that are not from 0 to 4"), (Vocabulary("ab"), "0 to 1")):
        with pytest.raises(ValueError, match=message):
            read(data, vocabulary)
    likeliest = (replace(ENTRY[0], prompt_logprobs=logprobs(2, 2, 6)),)
    data = written(likeliest, LETTERS)
    assert data is not None
    with pytest.raises(ValueError, match="log-probabilities of ids"):
        read(data, LETTERS)


def test_an_entry_that_is_too_large_with_its_states_is_written_without_them() -> None:
    half = CachedChoice(7, np.zeros(LARGEST_BYTES // 2 - 30, np.int32), False, b"s" * 20)
    data = written((half, half), LETTERS)
    assert data is not None
    assert [(choice.ids.size, choice.state) for choice in read(data, LETTERS)] == [(LARGEST_BYTES // 2 - 30, None)] * 2
    assert len(data) <= LARGEST_BYTES
    assert written((half, half, half), LETTERS) is None
