from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from service.generation.records.distinct_texts import RECENT, DistinctTexts


@given(st.lists(st.lists(st.text("ab\ud800", max_size=3), max_size=20), max_size=10))
def test_a_text_is_new_once(parts: list[list[str]]) -> None:
    distinct, seen = DistinctTexts(), set[str]()
    for part in parts:
        new = distinct.add_all(part)
        assert new == [text not in (*seen, *part[:i]) for i, text in enumerate(part)]
        seen.update(part)


def test_many_texts_take_little_memory() -> None:
    distinct, count = DistinctTexts(), 6 * RECENT
    for first in range(0, count, 1000):
        texts = [f"{number}" for number in range(first, first + 1000)]
        assert all(distinct.add_all(texts))
    assert not any(distinct.add_all([str(number) for number in range(count)]))
    assert distinct.add_all(["x", "y"]) == [True, True]
    assert sys.getsizeof(distinct._recent) < 2_000_000 and distinct._sorted.nbytes <= 8 * (count + 1000)
