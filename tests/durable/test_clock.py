import re
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from durable.clock import iso, now


def test_the_present_is_written_in_utc_to_the_millisecond() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now())


@given(st.floats(0, 4e9))
def test_a_written_moment_is_cut_to_its_millisecond_and_sorts_as_text(seconds: float) -> None:
    read = datetime.fromisoformat(iso(seconds)).timestamp()
    assert -1e-6 < seconds - read < 0.001001
    assert iso(seconds) <= iso(seconds + 1)
