from __future__ import annotations

from typing import Any

import pytest

from charrnn.held_out_scores import HeldOutScores
from charrnn.surprise import Threshold
from model_store import ModelStore
from model_store.held_out import KIND, held_out_scores


@pytest.fixture
def bard(store: ModelStore, checkpoint: Any) -> ModelStore:
    store.publish("bard", checkpoint(1.0))
    return store


FOUND = HeldOutScores(7, (0.5, 1.0, 2.0), Threshold(4.0, 2.0))


def test_what_was_measured_is_found_beside_its_version(bard: ModelStore) -> None:
    assert held_out_scores(bard, "bard", 1) is None
    bard.keep("bard", 1, KIND, FOUND.as_dict())
    assert held_out_scores(bard, "bard", 1) == FOUND


@pytest.mark.parametrize("damage", [{"records": None}, {"bits_per_character": [3, 1]}, {"usual_bits": "much"}])
def test_what_cannot_be_read_is_as_good_as_not_measured(bard: ModelStore, damage: dict[str, Any]) -> None:
    bard.keep("bard", 1, KIND, {**FOUND.as_dict(), **damage})
    assert held_out_scores(bard, "bard", 1) is None


def test_a_version_that_is_gone(bard: ModelStore) -> None:
    assert held_out_scores(bard, "bard", 99) is None
