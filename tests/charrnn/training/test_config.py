"""What can be asked of a training run, and every message when it cannot."""

import json
from typing import Any

import pytest

from charrnn.training.config import Budget, TrainingConfig


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "budget must be exactly one of minutes, epochs and steps, not nothing"),
        ({"minutes": 1, "steps": 5}, r"exactly one of minutes, epochs and steps, not \{'minutes': 1, 'steps': 5\}"),
        ({"minutes": 0}, "budget.minutes must be more than 0 and at most 100000, not 0"),
        ({"minutes": float("nan")}, "budget.minutes must be more than 0 and at most 100000, not nan"),
        ({"epochs": -1}, "budget.epochs must be more than 0 and at most 1000000, not -1"),
        ({"steps": 1.5}, "budget.steps must be an integer from 1 to 1000000000, not 1.5"),
        ({"steps": True}, "budget.steps must be an integer from 1 to 1000000000, not True"),
        ({"minutes": "5"}, "budget.minutes must be more than 0 and at most 100000, not '5'"),
    ],
)
def test_a_budget_is_exactly_one_positive_number(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Budget(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"segment_length": 0}, "segment_length must be an integer from 1 to 4096, not 0"),
        ({"segment_length": 6.5}, "segment_length must be an integer from 1 to 4096, not 6.5"),
        ({"batch_size": 5000}, "batch_size must be an integer from 1 to 4096, not 5000"),
        ({"learning_rate": 0}, "learning_rate must be a number from 1e-08 to 100, not 0"),
        ({"clip": -1}, "clip must be a number from 0 to 1000000.0, not -1"),
        ({"validation_fraction": 0.6}, "validation_fraction must be a number from 0 to 0.5, not 0.6"),
        ({"dropout": 1}, "dropout must be a number from 0 to 0.95, not 1"),
        ({"dropout": float("nan")}, "dropout must be a number from 0 to 0.95, not nan"),
        ({"weight_decay": "x"}, "weight_decay must be a number from 0 to 10, not 'x'"),
        ({"seed": -1}, "seed must be an integer from 0 to 9223372036854775807, not -1"),
        ({"seed": True}, "seed must be an integer from 0 to 9223372036854775807, not True"),
    ],
)
def test_every_field_has_its_bounds(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingConfig(Budget(steps=1), **fields)


@pytest.mark.parametrize("budget", [Budget(minutes=0.5), Budget(epochs=3), Budget(steps=2000)])
def test_it_goes_through_json_and_back(budget: Budget) -> None:
    training = TrainingConfig(budget, dropout=0.25, seed=2**63 - 1)
    assert TrainingConfig.from_dict(json.loads(json.dumps(training.as_dict()))) == training


def test_a_budget_says_only_what_was_given() -> None:
    assert Budget(minutes=5).as_dict() == {"minutes": 5}
