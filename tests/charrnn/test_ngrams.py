from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.ngrams import EARLIER_ORDERS, KEY_BITS, MAX_BUCKET, ORDERS, NgramTable, context_keys


def table(contexts: dict[tuple[int, ...], dict[int, float]]) -> NgramTable:
    pairs = []
    for context, following in contexts.items():
        (key,) = context_keys(np.array(context), len(context))[len(context)]
        pairs += [(int(key), id_, odds) for id_, odds in following.items()]
    keys, ids, odds = zip(*sorted(pairs), strict=True)
    return NgramTable(np.array(keys, np.uint32), np.array(ids, np.uint16), np.array(odds, np.float16))


def ids(*found: int) -> Any:
    return np.array(found, dtype=np.int32)


@given(st.lists(st.integers(0, 99_999), min_size=1, max_size=30), st.data())
def test_a_key_depends_on_the_latest_ids_alone(text: list[int], data: st.DataObject) -> None:
    start = data.draw(st.integers(1, len(text)))
    for order, keys in context_keys(np.array(text), start).items():
        assert order in ORDERS and order <= start and len(keys) == len(text) - start + 1
        for position, key in enumerate(keys, start):
            assert key == context_keys(np.array(text[position - order : position]), order)[order][0]
            assert key < 1 << KEY_BITS


def test_the_longest_context_is_found() -> None:
    found = table({(1, 2, 3): {4: 1.0}, (0, 1, 2, 3): {5: 2.0, 6: 0.5}})
    assert [array.tolist() for array in found.following(ids(9, 0, 1, 2, 3))] == [[5, 6], [2.0, 0.5]]
    assert [array.tolist() for array in found.following(ids(9, 1, 2, 3))] == [[4], [1.0]]
    assert [array.tolist() for array in found.following(ids(1, 2, 3))] == [[4], [1.0]]
    assert not found.following(ids(2, 3))[0].size and not found.following(ids(3, 2, 1))[0].size


def test_a_table_of_shorter_contexts_knows_no_longer_ones() -> None:
    text = ids(*range(20))
    found = table({tuple(text[-14:].tolist()): {1: 1.0}, tuple(text[-8:].tolist()): {2: 1.0}})
    earlier = NgramTable(found.keys, found.ids, found.odds, EARLIER_ORDERS)
    assert found.following(text)[0].tolist() == [1]
    assert earlier.following(text)[0].tolist() == [2]
    with pytest.raises(ValueError, match=r"orders of an n-gram table must be .*, not \(3, 5\)"):
        NgramTable(found.keys, found.ids, found.odds, (3, 5))


def test_the_mixture_is_what_its_definition_says() -> None:
    logits = np.log(np.array([0.5, 0.25, 0.25], dtype=np.float32)) + np.float32(7)
    weight = 0.4  # of a context after which 1 comes in 3 of 4 cases, and 2 in the others
    odds = {id_: weight / (1 - weight) * q for id_, q in ((1, 0.75), (2, 0.25))}
    mixed = table({(0, 0, 0): odds}).mix(logits, ids(0, 0, 0))
    powers = np.exp(mixed - mixed.max())
    expected = 0.6 * np.array([0.5, 0.25, 0.25]) + 0.4 * np.array([0, 0.75, 0.25])
    np.testing.assert_allclose(powers / powers.sum(), expected, rtol=1e-3)  # odds are of half precision
    assert mixed[0] == logits[0], "a token that the context does not name keeps its logit"


def test_logits_stay_where_nothing_is_known() -> None:
    logits = np.zeros(3, dtype=np.float32)
    assert table({(0, 0, 0): {1: 1.0}}).mix(logits, ids(0, 0, 1)) is logits


def test_what_a_network_never_chooses_is_mixed_too() -> None:
    mixed = table({(0, 0, 0): {1: 1.0}}).mix(np.array([0, -1e9], dtype=np.float32), ids(0, 0, 0))
    assert mixed.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keys": np.array([5, 4], np.uint32)}, "ascending order"),
        ({"keys": np.array([4, 4], np.uint32), "ids": np.array([1, 1], np.uint16)}, "no pair twice"),
        ({"keys": np.array([4, 1 << 31], np.uint32)}, "less than 2147483648, not 2147483648"),
        ({"keys": np.array([4, 5], np.int64)}, "the arrays must be keys, ids, odds"),
        ({"ids": np.array([1], np.uint16)}, "one length, from 1 to 1048576"),
        ({"odds": np.array([1, 0], np.float16)}, "finite and more than 0"),
        ({"odds": np.array([1, np.nan], np.float16)}, "finite and more than 0"),
        ({"odds": np.array([[1, 1]], np.float16)}, "one length"),
    ],
)
def test_arrays_that_are_no_table_are_refused(changes: dict[str, Any], message: str) -> None:
    keys, ids_, odds = np.array([4, 5], np.uint32), np.array([1, 0], np.uint16), np.ones(2, np.float16)
    arrays: dict[str, Any] = {"keys": keys, "ids": ids_, "odds": odds}
    NgramTable(**arrays)
    with pytest.raises(ValueError, match=message):
        NgramTable(**(arrays | changes))


def test_a_table_whose_keys_are_all_alike_is_refused() -> None:
    n = 4 * MAX_BUCKET
    with pytest.raises(ValueError, match="a bucket must have at most 1024 pairs, not 4096"):
        NgramTable(np.arange(n, dtype=np.uint32), np.zeros(n, np.uint16), np.ones(n, np.float16))


@given(st.sets(st.integers(0, (1 << KEY_BITS) - 1), min_size=1, max_size=200))
def test_each_pair_is_in_its_keys_bucket(found: set[int]) -> None:
    keys = np.array(sorted(found), dtype=np.uint32)
    buckets = NgramTable(keys, np.zeros(keys.size, np.uint16), np.ones(keys.size, np.float16)).buckets()
    bits = (buckets.size - 1).bit_length() - 1
    assert buckets[0] == 0 and buckets[-1] == keys.size
    for pair, key in enumerate(keys.tolist()):
        assert buckets[key >> (KEY_BITS - bits)] <= pair < buckets[(key >> (KEY_BITS - bits)) + 1]
