"""How things are counted in messages."""

from __future__ import annotations

import pytest

from charrnn.wording import count


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 characters"), (1, "1 character"), (2, "2 characters"), (1000, "1,000 characters")]
)
def test_one_is_one(n: int, said: str) -> None:
    assert count(n, "character", ",") == said
