"""Logarithms kept as arrays read like a list of them, however they are cut and joined."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.base import Logprobs
from charrnn.vocabulary import Ids, Vocabulary
from charrnn.words import WordVocabulary
from service.generation.logprobs import BLOCK, TextLogprobs, TokenLogprobs

WORDS = WordVocabulary(("to", " ", "be"))


def told(n: int, k: int = 2) -> tuple[Ids, Logprobs]:
    """Of n words, the first of which follows nothing; the likeliest is the word itself, then the unknown one."""
    ids = np.arange(n, dtype=np.int32) % 3
    chosen = -np.arange(n, dtype=np.float32)
    chosen[:1] = np.nan
    top_ids = np.stack([ids, np.full(n, WORDS.unknown_id, np.int32)], axis=1)[:, :k]
    return ids, Logprobs(chosen, top_ids, np.stack([chosen, chosen - 1], axis=1)[:, :k])


def test_tokens_are_made_when_they_are_asked_for() -> None:
    found = TextLogprobs(WORDS, *told(3))
    expected = [TokenLogprobs("to", None), TokenLogprobs(" ", -1, ((" ", -1),)), TokenLogprobs("be", -2, (("be", -2),))]
    assert list(found) == expected
    assert [found[0], found[1], found[-1]] == expected
    assert (found.lengths().tolist(), found.width, len(found)) == ([2, 1, 2], 3, 3)
    with pytest.raises(IndexError):
        found[3]


@given(st.integers(0, 2 * BLOCK + 3), st.lists(st.integers(0, 2 * BLOCK + 3), max_size=4), st.integers(0, 2))
def test_parts_joined_are_the_whole(n: int, cuts: list[int], k: int) -> None:
    whole = TextLogprobs(WORDS, *told(n, k))
    ends = [0, *sorted(min(cut, n) for cut in cuts), n]
    parts = [whole[a:b] for a, b in itertools.pairwise(ends)]
    joined = TextLogprobs.joined(WORDS, [(part.ids, part.logprobs) for part in parts])
    assert joined == whole
    assert hash(joined) == hash(whole)
    assert [token for part in parts for token in part] == list(whole)


def test_characters_have_one_each() -> None:
    assert TextLogprobs(Vocabulary("abc"), *told(3)).lengths().tolist() == [1, 1, 1]
