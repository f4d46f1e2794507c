from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.held_out_scores import HeldOutScores
from charrnn.surprise import Threshold

RATES = st.lists(st.floats(0, 20).map(lambda rate: round(rate, 3)), min_size=1, max_size=30)


def scores_of(rates: list[float]) -> HeldOutScores:
    found = HeldOutScores.of((np.full(4, rate), 4) for rate in rates)
    assert found is not None
    return found


@given(RATES, st.floats(0, 20))
def test_a_percentile_is_about_the_share_that_is_likelier(rates: list[float], rate: float) -> None:
    shares = [sum(each < rate for each in rates), sum(each <= rate for each in rates)]
    found = scores_of(rates).percentile(rate)
    assert 0 <= found <= 1
    assert (shares[0] - 1.01) / len(rates) <= found <= (shares[1] + 1.01) / len(rates)


@given(RATES)
def test_percentiles_rise_with_the_bits(rates: list[float]) -> None:
    found = scores_of(rates)
    shares = [found.percentile(rate) for rate in np.linspace(0, 21, 50)]
    assert shares == sorted(shares)
    assert (found.percentile(min(rates) - 0.01), found.percentile(max(rates) + 0.01)) == (0, 1)


def test_what_all_have_is_no_more_than_any() -> None:
    assert scores_of([1, 1, 1]).percentile(1) == 0
    assert scores_of([1, 2, 2, 2, 3]).percentile(2) == pytest.approx(0.25, abs=0.01)


def test_what_is_usual_is_what_most_tokens_and_records_have() -> None:
    random = np.random.default_rng(1)
    found = HeldOutScores.of((random.exponential(1, 50), 50) for _ in range(200))
    assert found is not None
    assert found.records == 200
    assert found.threshold.usual == pytest.approx(-np.log(0.05), rel=0.1)
    assert 1 < found.threshold.least < 10


def test_nothing_is_known_of_no_records() -> None:
    assert HeldOutScores.of([]) is None
    assert HeldOutScores.of([(np.zeros(0), 0)]) is None


def test_it_is_kept_as_json() -> None:
    found = scores_of([1, 2.5, 4])
    assert HeldOutScores.from_dict(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize("change", [{"bits_per_character": [1]}, {"bits_per_character": [2, 1]}, {"usual_bits": "x"}])
def test_what_is_damaged_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"quantiles|float"):
        HeldOutScores.from_dict({**HeldOutScores(2, (0.0, 1.0), Threshold()).as_dict(), **change})
