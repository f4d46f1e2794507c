from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.generation.sealed_values import sealed, unsealed

KEY = "charrnn:generation:" + "0" * 64


@given(st.binary(max_size=99))
def test_a_value_comes_back_as_it_was(value: bytes) -> None:
    assert unsealed(KEY, sealed(KEY, value)) == value


@given(st.binary(max_size=9), st.data())
def test_a_value_cut_or_changed_anywhere_is_refused(value: bytes, data: st.DataObject) -> None:
    whole = sealed(KEY, value)
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    for other in (whole[:at], whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :], whole + b"\0"):
        with pytest.raises(ValueError, match="does not match its digest"):
            unsealed(KEY, other)


def test_a_value_under_another_key_is_refused() -> None:
    with pytest.raises(ValueError, match="does not match its digest"):
        unsealed(KEY[:-1] + "1", sealed(KEY, b"value"))
