"""The machine's speed is what training gets out of it."""

from __future__ import annotations

import torch

from charrnn.training.config import MAX_MINUTES, Budget
from charrnn.training.machine import reference_budget, relative_speed


def test_measuring_takes_about_the_time_given_and_leaves_random_numbers_alone() -> None:
    before = torch.random.get_rng_state()
    assert 0 < relative_speed("cpu", 0.1) < 1000
    assert torch.equal(torch.random.get_rng_state(), before)


def test_minutes_are_worth_what_the_machine_gives_and_steps_and_epochs_are_the_same_anywhere() -> None:
    worth = reference_budget(Budget(minutes=3), "cpu").minutes
    assert worth is not None
    assert 0 < worth != 3
    assert reference_budget(Budget(minutes=MAX_MINUTES), "cpu").minutes is not None, "whatever the machine"
    for budget in (Budget(steps=3000), Budget(epochs=5)):
        assert reference_budget(budget, "cpu") is budget
