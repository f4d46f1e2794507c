from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn import ngram_counts
from charrnn.ngram_counts import LEAST, SUCCESSORS, Counts, count, totals, variety
from charrnn.ngrams import ORDERS, context_keys

ROOM = 1 << 16


def by_hand(passages: list[list[int]]) -> dict[tuple[int, int], int]:
    """How often an id followed a key, for the contexts that occur LEAST times."""
    found: dict[int, Counter[int]] = defaultdict(Counter)
    for text in passages:
        for position in range(ORDERS[-1], len(text)):
            for order in ORDERS:
                (key,) = context_keys(np.array(text[position - order : position]), order)[order]
                found[int(key)][text[position]] += 1
    return {(k, id_): n for k, each in found.items() if each.total() >= LEAST for id_, n in each.items()}


def as_dict(counts: Counts) -> dict[tuple[int, int], int]:
    return {(k, i): n for k, i, n in zip(*(a.tolist() for a in (counts.keys, counts.ids, counts.counts)), strict=True)}


@given(st.lists(st.lists(st.integers(0, 2), max_size=60), max_size=3))
def test_counts_are_those_made_by_hand(passages: list[list[int]]) -> None:
    counts = count([np.array(each, dtype=np.uint8) for each in passages], 100, ROOM)
    assert as_dict(counts) == by_hand(passages)
    pairs = list(zip(counts.keys.tolist(), counts.ids.tolist(), strict=True))
    assert all(a < b for a, b in pairwise(pairs))


def test_long_texts_are_counted_in_parts_and_pieces_alike() -> None:
    text = np.random.default_rng(0).integers(0, 4, 5000).astype(np.uint16)
    whole = count([text], text.size, ROOM)
    pieces = as_dict(count([text], 5 * ngram_counts.PART, ROOM))
    assert as_dict(whole) == pieces
    long = np.tile(text, 40)  # more than one piece
    assert long.size > 2 * ngram_counts.PIECE
    assert count([long], long.size, ROOM).counts.sum() == len(ORDERS) * (long.size - ORDERS[-1])


def test_the_most_frequent_contexts_are_kept() -> None:
    text = np.concatenate([np.random.default_rng(0).integers(0, 20, 20_000), np.zeros(50, dtype=np.int64)])
    counts = count([text], text.size, 100)
    assert 0 < len(counts) <= 100
    assert totals(counts).min() > LEAST


def test_an_id_is_never_predicted_but_may_be_context() -> None:
    text = np.tile([0, 1, 2], 100)
    counts = count([text], text.size, ROOM, never=1)
    assert set(counts.ids.tolist()) == {0, 2}


def test_a_context_keeps_its_most_frequent_tokens() -> None:
    after = [i for i in range(3 * SUCCESSORS) for _ in range(1 + i)]
    text = np.array([id_ for last in after for id_ in (200, 201, 202, 203, 204, 205, 206, 207, last)])
    counts = count([text], text.size, ROOM)
    (key,) = context_keys(np.arange(200, 208), 8)[8]
    chosen = counts.kept(counts.keys == key)
    assert chosen.ids.tolist() == list(range(2 * SUCCESSORS, 3 * SUCCESSORS))
    assert totals(chosen).tolist() == [sum(1 + id_ for id_ in chosen.ids.tolist())] * SUCCESSORS
    assert variety(chosen).tolist() == [SUCCESSORS] * SUCCESSORS


def test_a_text_without_repetition_has_no_counts() -> None:
    for text in ([], [1], list(range(100))):
        assert len(count([np.array(text, dtype=np.int64)], len(text), ROOM)) == 0
