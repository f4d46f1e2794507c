"""Chooses the shipped base of a small text: each that fits is tried, for a few steps; knows no jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.continuing import cut
from charrnn.training.data import TrainingText
from charrnn.training.defaults import defaults_for
from charrnn.training.text import TextIds
from charrnn.training.trial import trial_loss
from service.training.corpora.ids import Check
from service.training.jobs.plan import BaseTrial
from service.training.jobs.requests import SIZES
from service.training.jobs.shipped_bases import ShippedBase, ShippedBases

MAX_CHARACTERS: Final = 300_000
"""The longest text for which there is a base by default."""

LEAST_KNOWN: Final = 0.9
"""The least share of a text's characters that a base must know."""

MAX_COUNTED: Final = 500_000

TRIAL_SHARE: Final = 0.05
TRIAL_STEPS: Final = 100
TRIAL_STEPS_A_MINUTE: Final = 40
"""A trial has this share of the steps of a budget, at most TRIAL_STEPS, or so many for each minute: with two bases
that is 2 seconds of a minute, on two cores of an AMD Zen 4."""

LEAST_GAIN: Final = 0.3
"""In nats per token. A base must be better than none by so much after the trial, because it is ahead early on: on folk
tunes `code` was ahead by 0.15 after 40 steps, and behind by 0.09 after 300; on prose and code the right one is ahead by
more than 0.7."""

FINE_TUNING: Final = {"learning_rate": 2e-3}
"""Settings of a network that continues from a base, and has less to learn than a new one. A dropout of 0.3 instead of
the usual 0.5: 1.373 instead of 1.384 nats on 20,000 characters of poems, but the loss rises again from step 200 on."""


@dataclass(frozen=True, slots=True)
class BaseChoice:
    """A base, or none, and the arguments of ModelConfig (without the vocabulary's size) and TrainingConfig (without the
    budget) that go with it; `trials` are those that led to it."""

    base: ShippedBase | None
    model: dict[str, Any]
    training: dict[str, Any]
    trials: tuple[BaseTrial, ...] = ()


def choose(
    bases: ShippedBases,
    text: TrainingText,
    budget: Budget,
    worth: Budget,
    given: Mapping[str, Any],
    *,
    check: Check,
    device: str,
) -> BaseChoice:
    """The choice for a text of characters, one of the `bases` or none. `given` are the settings that the request fixes;
    `worth` is the `budget` on the reference machine. Which base is chosen does not depend on how busy this machine is.
    Raises what `check` does, CheckpointError."""
    new = BaseChoice(None, *defaults_for(len(text.ids), len(text.vocabulary), worth, given))
    candidates: list[tuple[BaseChoice, Checkpoint | None]] = [(new, None)]
    for base, checkpoint in fitting(bases, text, given):
        sizes = {size: getattr(checkpoint.config, size) for size in SIZES}
        settings = defaults_for(len(text.ids), len(text.vocabulary), worth, FINE_TUNING | dict(given) | sizes)
        candidates.append((BaseChoice(base, *settings), cut(checkpoint, text.vocabulary)))
    if len(candidates) == 1:
        return new

    steps, trials = _trial_steps(text, budget, new.training), []
    for choice, begin in candidates:
        config = ModelConfig(vocabulary_size=len(text.vocabulary), **choice.model)
        loss = trial_loss(
            config, TrainingConfig(budget, **choice.training), text, begin, steps, device=device, check=check
        )
        if loss is None:  # too short a text
            return new
        trials.append(BaseTrial(choice.base.name if choice.base else None, steps, loss))
    lowest = min(range(len(trials)), key=lambda i: trials[i].loss + (LEAST_GAIN if trials[i].base else 0))
    return replace(candidates[lowest][0], trials=tuple(trials))


def fitting(
    bases: ShippedBases, text: TrainingText, given: Mapping[str, Any]
) -> Iterator[tuple[ShippedBase, Checkpoint]]:
    """The bases that have the sizes asked for, and know most of the text's characters, if it is small."""
    if len(text.ids) > MAX_CHARACTERS:
        return
    for base, checkpoint in bases.all():
        if any(given.get(size, value) != value for size, value in checkpoint.config.as_dict().items()):
            continue
        known = [character in checkpoint.vocabulary.characters for character in text.vocabulary.characters]
        if known_share(text.ids, np.flatnonzero(known)) >= LEAST_KNOWN:
            yield base, checkpoint


def known_share(token_ids: TextIds, known: npt.NDArray[np.integer[Any]]) -> float:
    """The share of a text's tokens that are `known`; of a long text's, that of MAX_COUNTED of them."""
    if len(token_ids) > MAX_COUNTED:
        token_ids = token_ids[np.random.default_rng(0).integers(len(token_ids), size=MAX_COUNTED)]
    return float(np.isin(token_ids, known).mean())


def _trial_steps(text: TrainingText, budget: Budget, training: Mapping[str, Any]) -> int:
    step = training["batch_size"] * training["segment_length"]
    steps = budget.steps or (budget.epochs or 0) * len(text.ids) / step
    return int(min(TRIAL_STEPS, TRIAL_SHARE * steps + TRIAL_STEPS_A_MINUTE * (budget.minutes or 0)))
