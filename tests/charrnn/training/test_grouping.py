from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.training.grouping import grouped, rounded_up


def test_lengths_are_rounded_up_by_at_most_a_sixteenth() -> None:
    lengths = np.arange(1, 5000)
    rounded = rounded_up(lengths)
    assert (rounded[:31] == lengths[:31]).all() and (rounded >= lengths).all()
    assert (rounded - lengths < lengths / 16).all() and (np.diff(rounded) >= 0).all()


@given(
    st.lists(st.integers(1, 40) | st.integers(1, 3000), min_size=1, max_size=60), st.integers(1, 9), st.integers(1, 300)
)
def test_every_place_is_in_one_group_or_chain_with_a_segment_for_each_part_of_it(
    lengths: list[int], rows: int, segment_length: int
) -> None:
    rounded = np.sort(rounded_up(np.array(lengths)))
    found = grouped(rounded, rows, segment_length)
    in_chains = [place for chain in found.chains for place, number in chain if number == 0]
    in_groups = min(found.groups * rows, len(lengths))
    assert sorted(in_chains) == list(range(in_groups, len(lengths)))
    assert (found.first[0], found.first[-1]) == (0, found.groups)
    for chain in found.chains:
        for place in {place for place, _ in chain}:
            parts = [number for other, number in chain if other == place]
            assert parts == list(range(-(-int(rounded[place]) // segment_length)))
    for block, segments in enumerate(found.segments[: len(found.first) - 1]):
        groups = range(found.first[block], found.first[block + 1])
        longest = [int(rounded[min((group + 1) * rows, len(lengths)) - 1]) for group in groups]
        assert sum(longest) <= segment_length * segments and (segments == 1 or len(longest) == 1)
