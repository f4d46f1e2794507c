"""Texts that are hard to cut into tokens."""

from hypothesis import strategies as st

LONG = st.lists(st.tuples(st.sampled_from(["a", "a'", "\u05d0\u2019", "e\u0301'", "'", "\r\n"]), st.integers(1, 70)))
"""Runs of letters and apostrophes about as long as a word may be."""

TRICKY = LONG.map(lambda runs: "".join(piece * count for piece, count in runs)) | st.text(
    st.sampled_from("ab'\u2019 \r\n\t1_\u0301\u05d0\u4f60.\U0001f600") | st.characters()
)
