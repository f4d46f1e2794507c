from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from charrnn.fingerprints import fingerprints


def test_a_text_has_the_same_hash_in_every_release() -> None:
    """As `b2sum -l 64` gives them."""
    digests = ["e4a6a0577479b2b4", "3f4afb45d1631e50", "789fb70695ef899a"]
    assert [each.tobytes().hex() for each in fingerprints(["", "Ada", "Zoë"])] == digests


@given(st.lists(st.text(st.characters(), max_size=5), max_size=20))
def test_texts_have_the_same_hash_if_they_are_the_same(texts: list[str]) -> None:
    found = fingerprints(texts)
    assert found.shape == (len(texts),)
    assert len(set(found.tolist())) == len(set(texts))
