"""Sizes and settings that suit a text and a budget, when nobody says more; knows neither torch nor the machine."""

from __future__ import annotations

from typing import Any, Final

from charrnn.training.config import Budget

SPEEDS: Final = {64: 500_000, 128: 300_000, 192: 180_000, 256: 120_000, 384: 55_000, 512: 33_000, 640: 20_000}
"""Characters a second that one LSTM layer of each hidden size trains on, two cores of an AMD Zen 4 in bfloat16."""

CHARACTERS_PER_UNIT: Final = {
    64: 0,
    128: 10_000,
    192: 50_000,
    256: 150_000,
    384: 600_000,
    512: 3_000_000,
    640: 10_000_000,
}
"""From so many characters of text on a hidden size has enough to learn."""

READING_PER_UNIT: Final = {64: 0, 128: 4e5, 192: 1e6, 256: 2e6, 384: 8e6, 512: 2e7, 640: 6e7}
"""From so many characters read in training, repetitions included, a hidden size beats the next smaller one."""

LEARNING_RATES: Final = {64: 1e-2, 128: 8e-3, 192: 7e-3, 256: 6e-3, 384: 5e-3, 512: 4e-3, 640: 3e-3}

DROPOUTS: Final = ((1.5, 0.0), (4, 0.1), (12, 0.2), (40, 0.3), (150, 0.4))
"""Up to so many repetitions of the text, so much dropout; more beyond."""

MAX_DROPOUT: Final = 0.5
MAX_VALIDATION: Final = 1_000_000
"""Characters. Holding out more makes the loss no surer, and every evaluation longer."""


def defaults_for(characters: int, vocabulary_size: int, budget: Budget) -> tuple[dict[str, Any], dict[str, Any]]:
    """What ModelConfig (all but the vocabulary's size) and TrainingConfig (all but the budget) are to be called with,
    for a text of so many characters."""
    hidden_size = _hidden_size(characters, budget)
    segment_length = 64 if characters >= 5_000 else max(1, min(32, characters // 8))
    model = {
        "cell": "lstm",
        "hidden_size": hidden_size,
        "layers": 1,
        "embedding_size": _embedding_size(vocabulary_size),
    }
    training = {
        "segment_length": segment_length,
        "batch_size": _batch_size(characters, segment_length),
        "learning_rate": LEARNING_RATES[hidden_size],
        "clip": 1.0,
        "validation_fraction": min(0.1, MAX_VALIDATION / max(1, characters)),
        "dropout": _dropout(_repetitions(characters, hidden_size, budget)),
        "weight_decay": 0.01,
    }
    return model, training


def _hidden_size(characters: int, budget: Budget) -> int:
    """The largest that the text and the budget justify."""
    fitting = [
        size
        for size in SPEEDS
        if characters >= CHARACTERS_PER_UNIT[size]
        and characters * _repetitions(characters, size, budget) >= READING_PER_UNIT[size]
    ]
    return max(fitting)


def _repetitions(characters: int, hidden_size: int, budget: Budget) -> float:
    """How often the text is read, about."""
    if budget.epochs is not None:
        return budget.epochs
    if budget.minutes is not None:
        return budget.minutes * 60 * SPEEDS[hidden_size] / max(1, characters)
    segment_length = 64
    return (budget.steps or 0) * segment_length * _batch_size(characters, segment_length) / max(1, characters)


def _batch_size(characters: int, segment_length: int) -> int:
    """Enough streams to be quick, few enough that each is some segments long; more where there is text for them."""
    most = 32 if characters < 20_000_000 else 64
    return max(1, min(most, characters // (8 * segment_length)))


def _embedding_size(vocabulary_size: int) -> int:
    return 32 if vocabulary_size < 40 else 64 if vocabulary_size < 400 else 128


def _dropout(repetitions: float) -> float:
    return next((dropout for limit, dropout in DROPOUTS if repetitions <= limit), MAX_DROPOUT)
