"""Default sizes and settings for a text and a budget; knows neither torch nor the machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.config import ModelConfig
from charrnn.parameters import defaults
from charrnn.tasks.record import TaskName
from charrnn.training.config import Budget, TrainingConfig


@dataclass(frozen=True, slots=True)
class _Size:
    """A hidden size, when to use it, and how to train it.

    `text`: the minimum length of a text for this size, in tokens; `reading`: the number of tokens read in training,
    including repetitions, from which on it is better than the next smaller size; `speed`: how many tokens per second
    one LSTM layer of this size trains on, with two cores of an AMD Zen 4 in bfloat16 (charrnn.training.machine measures
    other machines).
    """

    hidden_size: int
    text: int
    reading: float
    speed: int
    learning_rate: float


SIZES: Final = (
    _Size(64, 0, 0, 500_000, 1e-2),
    _Size(128, 4_000, 3e5, 300_000, 8e-3),
    _Size(192, 40_000, 1e6, 180_000, 7e-3),
    _Size(256, 100_000, 2e6, 120_000, 6e-3),
    _Size(384, 250_000, 6e6, 55_000, 5e-3),
    _Size(512, 800_000, 2e7, 33_000, 4e-3),
    _Size(640, 5_000_000, 6e7, 20_000, 3e-3),
)

PRESSURES: Final = (1, 3, 10, 25, 60)
DROPOUTS: Final = (0.0, 0.1, 0.2, 0.2, 0.5)
"""The dropout at these pressures to memorize the text (`_pressure`), interpolated over their logarithms: a pressure
follows from the speed that is measured, and a slightly other speed must not mean quite other settings. After 17 epochs
with 384 units (a pressure of 24), on blocks held out: English prose 1.351 nats per character with a dropout of 0.2 and
a rate of 7e-3, 1.371 with 0.3 and 5e-3; Greek 0.910 with 0.2, 0.936 with 0.3, 0.942 with 0.3 and 5e-3."""

MAX_DROPOUT: Final = DROPOUTS[-1]

MOST_DROPOUTS: Final = ((0.4, 0.2), (0.8, 0.3))
"""The most dropout for an LSTM with so few weights of its layers for each token of the text, which can hardly learn it
by heart, however often it reads it; else MAX_DROPOUT. On tiny Shakespeare (0.26 with 256 units), 24 epochs: 1.434 nats
per character with 0.2, 1.450 with 0.35; 69 epochs: 1.484 with 0.5. With 384 units (0.6), 29 epochs, 0.3 gave 1.4105;
with 512 (1.05), 45 epochs, 0.5 gave 1.4008 and 0.6 1.413."""

WEIGHT_DECAYS: Final = (0.01, 0.05, 0.1, 0.2, 0.2)
"""The same for AdamW's weight decay: after 8 of 24 epochs on a quarter of tiny Shakespeare, 256 units were at 1.863
nats per character with 0.01, and at 1.837 with 0.2, with the same dropout."""

FASTER: Final = (1.4, 1.4, 1.4, 1.4, 1.0)
"""The same for the learning rate, as a multiple of `_Size.learning_rate`. After 600 steps with 256 units, 9e-3 instead
of 6e-3: Python source 1.123 instead of 1.164 nats per character, German 1.489 instead of 1.543, tunes 0.933 instead of
0.962, plays 1.478 instead of 1.515, with a GRU 1.475 instead of 1.496, three layers 1.548 instead of 1.575; after 4,000
with 384 units, 7e-3 instead of 5e-3, plays 1.265 instead of 1.272. Small texts that are read often are learnt by heart
sooner with it."""

MEMORY: Final[Mapping[str, float]] = {"lstm": 1.0, "gru": 1.0, "rnn": 0.03}
"""How much a cell memorizes: a vanilla network needs no dropout where an LSTM does. After 45 epochs on 55,000
characters of tiny Shakespeare, 128 units were at 1.668 nats per character without dropout, and at 1.703 with 0.2."""

MAX_PRESSURE: Final = 160
"""From this pressure on, the held-out loss rises even with MAX_DROPOUT: training ends there. LSTMs on the first 55,000
characters of tiny Shakespeare were best after 30 epochs of 256 units (1.586), or 135 of 128 units (1.606); on all of
it, 512 units were as good after 60 epochs (1.4023) as after 45 (1.4008)."""

MIN_EPOCHS, MAX_EPOCHS = 30, 300
"""Any network may have the first, and none has more than the last."""

GROWING_TEXT: Final = 40_000
"""Where minutes suffice for more than MAX_PRESSURE, a text of so many tokens gets the next larger network: with the
same pressure it learns more."""

OUTPUT_SPEED: Final = 3.5e10
SOFTMAX_UNITS: Final = 100
"""The cost of a large vocabulary: how many output weights times tokens are trained in a second, and to how many units
the softmax is equal. A step of 2,048 tokens with 256 units and 5,778 tokens takes 0.28 s of a core, 0.24 s of it for
the output layer; if that is tied to an embedding of 128, 0.19 s."""

STEP_SIZES: Final = ((64, 64, 16_000), (64, 32, 1_500), (32, 32, 0))
"""Segment length, batch size, and how many steps of this size are enough. The same reading in more, smaller steps
teaches more, but takes longer: docs/training.md has the figures."""

SHORT_TEXT, LONG_TEXT = 5_000, 20_000_000
"""In tokens: below the first, segments have at most 32; from the second on, there may be more than 32 streams."""

TIED_FROM: Final = 1_000
"""The vocabulary from which on the output layer shares the embedding's vectors."""

MAX_EVALUATION: Final = 0.02
"""The maximum size of the held-out text, as a share of what a budget in minutes can train on: evaluating it takes up to
half of the time of training on it, and is done five times at least."""

MAX_VALIDATION: Final = 1_000_000
"""In tokens. Holding out more does not make the loss more precise, only evaluations longer."""


def defaults_for(
    tokens: int, vocabulary_size: int, budget: Budget, chosen: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of ModelConfig (without the vocabulary's size) and TrainingConfig (without the budget) for a text
    of this many tokens. `chosen` are settings of either that are fixed, and to which the others are adapted."""
    given, cell = dict(chosen or {}), (chosen or {}).get("cell", "lstm")
    usual = math.prod(_step(tokens, math.inf, given))
    size = _size(tokens, vocabulary_size, budget, given, usual)
    model = {"hidden_size": size.hidden_size, "embedding_size": _embedding_size(vocabulary_size)}
    reading = _reading(tokens, size.speed, budget, usual)
    pressure = _pressure(tokens, reading, size.hidden_size, cell)
    useful = min(reading, most_epochs(tokens, size.hidden_size, cell) * tokens) if budget.minutes else reading
    segment_length, batch_size = _step(tokens, useful if budget.steps is None else math.inf, given)
    training = {
        "segment_length": segment_length,
        "batch_size": batch_size,
        "learning_rate": size.learning_rate * _at(pressure, FASTER),
        "validation_fraction": _validation(tokens, size.speed, budget),
        "dropout": min(_at(pressure, DROPOUTS), _most_dropout(tokens, size.hidden_size, given.get("layers", 1))),
        "weight_decay": _at(pressure, WEIGHT_DECAYS),
    }
    return _chosen(ModelConfig, model | given), _chosen(TrainingConfig, training | given)


TAG_DELAY: Final = 4
"""How many tokens later a tag is given by default."""

RECORD_SEGMENTS: Final = {"generate": 128, "classify": 256, "tag": 128, "transduce": 128}
"""The longest segment that is chosen, by task. A label at a record's end is learned mostly from the segment that ends
there."""

RECORD_DROPOUTS: Final[Mapping[TaskName, float]] = {"generate": 0.1, "classify": 0.3, "transduce": 0.1}
RECORD_WEIGHT_DECAY: Final = 0.01
"""The maximum dropout of these tasks, and their weight decay: what keeps a network from memorizing one long text keeps
it from learning what records have in common. Held-out nats per character of 22,000 names of Debian's packages, 256
units, 15 epochs: 1.437 with a dropout of 0.1 and a weight decay of 0.01, 1.537 with 0.5 and 0.2; of names of people,
384 units, 15 epochs: 1.061, and 1.198 with 0.4 and 0.1; of lines of code, 256 units, 6 epochs: 1.632, and 1.697 with
0.3 and 0.05. The programming language of a line, 256 units, 10 epochs: 84.8% are right with a dropout of 0.3, 83.4%
with 0.5. Dates in a dozen spellings to ISO, 256 units, 10 epochs: with 0.1 all of 2,911 held-out ones."""

CLASSIFIER_UNITS: Final = (128, 192, 256, 384)
CLASSIFIER_EPOCHS: Final = 8
"""A classifier has the most of these units with which the minutes suffice for this many epochs: a label for each record
tells less than all its tokens, so that more epochs are worth more than more units."""

STEP_TOKENS: Final = 2048
"""About how many tokens of records are read in a step."""


def record_defaults(
    task: TaskName,
    lengths: npt.NDArray[np.int64],
    vocabulary_size: int,
    budget: Budget,
    chosen: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same for records that have `lengths` steps, [records]: segments that have nearly all of a record, and as many
    records side by side as make a step of STEP_TOKENS."""
    given = dict(chosen or {})
    if task in RECORD_DROPOUTS:
        given.setdefault("weight_decay", RECORD_WEIGHT_DECAY)
    most = int(np.quantile(lengths, 0.95))
    segment_length = given.setdefault("segment_length", max(16, min(RECORD_SEGMENTS[task], most)))
    usual = max(1.0, float(np.minimum(lengths, segment_length).mean()))
    rows = max(8, min(256, round(STEP_TOKENS / usual)))
    given.setdefault("batch_size", max(1, min(rows, lengths.size // 8)))
    tokens = int(lengths.sum())
    if task == "classify" and "hidden_size" not in given:
        given["hidden_size"] = _classifier_units(tokens, vocabulary_size, budget, given)
    model, training = defaults_for(tokens, vocabulary_size, budget, given)
    if task in RECORD_DROPOUTS and "dropout" not in given:
        training["dropout"] = min(training["dropout"], RECORD_DROPOUTS[task])
    return model, training


def _classifier_units(tokens: int, vocabulary_size: int, budget: Budget, given: Mapping[str, Any]) -> int:
    step = given["segment_length"] * given["batch_size"]
    most = _size(tokens, vocabulary_size, budget, given, step).hidden_size

    def suffices(units: int) -> bool:
        size = _size(tokens, vocabulary_size, budget, {**given, "hidden_size": units}, step)
        return budget.minutes is None or _reading(tokens, size.speed, budget, step) >= CLASSIFIER_EPOCHS * tokens

    return min(most, max(filter(suffices, CLASSIFIER_UNITS), default=CLASSIFIER_UNITS[0]))


def _chosen(owner: type[Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Each of the owner's parameters: the chosen value or its default."""
    return {name: chosen.get(name, default) for name, default in defaults(owner).items()}


def _size(tokens: int, vocabulary_size: int, budget: Budget, given: Mapping[str, Any], step: int) -> _Size:
    """The largest size that text and budget justify, or the nearest one to a given hidden size."""
    layers = given.get("layers", 1)
    tied = given.get("embedding_size", _embedding_size(vocabulary_size)) if vocabulary_size >= TIED_FROM else 0

    def speed(size: _Size, wide: float = 1.0) -> int:
        width = tied if tied else wide * size.hidden_size
        seconds = wide**2 * layers / size.speed + (width + SOFTMAX_UNITS) * vocabulary_size / OUTPUT_SPEED
        return max(1, int(1 / seconds))

    if "hidden_size" in given:
        hidden_size: int = given["hidden_size"]
        nearest = min(SIZES, key=lambda size: abs(size.hidden_size - hidden_size))
        wide = max(1.0, hidden_size / SIZES[-1].hidden_size)
    else:
        fitting = (s for s in SIZES if tokens >= s.text)
        nearest = max(
            (s for s in fitting if _reading(tokens, speed(s), budget, step) >= s.reading),
            key=lambda size: size.hidden_size,
        )
        reading = _reading(tokens, speed(nearest), budget, step)
        pressure = _pressure(tokens, reading, nearest.hidden_size, given.get("cell", "lstm"))
        if budget.minutes and tokens >= GROWING_TEXT and pressure > MAX_PRESSURE:
            nearest = SIZES[min(SIZES.index(nearest) + 1, len(SIZES) - 1)]
        hidden_size, wide = nearest.hidden_size, 1.0
    # Deeper networks, wider ones than in the table, and the vanilla cell need smaller learning rates. After 300 steps
    # on tiny Shakespeare, 3 layers of 128 units with a dropout of 0.2: GRU 2.028 with a rate of 4.6e-3, 2.006 with
    # 6e-3; LSTM 2.427 with 4.6e-3, 2.353 with 8e-3; RNN without dropout 2.038 with 2.4e-3, 1.966 with 4.2e-3.
    # RNN 1x256: 1.769 after 1,000 steps with 4e-3, 1.741 with 6e-3; of Python's library, after 500, 1.754 and 1.714.
    rate = nearest.learning_rate / wide / layers**0.2 / (1.2 if given.get("cell") == "rnn" else 1)
    return _Size(hidden_size, nearest.text, nearest.reading, speed(nearest, wide), rate)


def _validation(tokens: int, speed: int, budget: Budget) -> float:
    """A tenth of the text, or less, so that evaluations are short compared with the training."""
    most = MAX_VALIDATION if budget.minutes is None else min(MAX_VALIDATION, MAX_EVALUATION * _seconds(budget) * speed)
    return min(0.1, most / max(1, tokens))


def _seconds(budget: Budget) -> float:
    return (budget.minutes or 0) * 60


def _reading(tokens: int, speed: int, budget: Budget, step: int) -> float:
    """About how many tokens are read in training, `step` of them at each step."""
    if budget.epochs is not None:
        return budget.epochs * tokens
    if budget.minutes is not None:
        return _seconds(budget) * speed
    return (budget.steps or 0) * step


def _step(tokens: int, reading: float, given: Mapping[str, Any]) -> tuple[int, int]:
    """The segment length and the batch size: the largest of STEP_SIZES of which so much reading has enough. Each
    stream has several segments, even in a short text."""
    for length, streams, enough in STEP_SIZES:
        longest = min(length, 64 if tokens >= SHORT_TEXT else 32, tokens // 8)
        segment_length = given.get("segment_length", max(1, longest))
        most = min(streams, 64 if tokens >= LONG_TEXT else 32, tokens // (8 * segment_length))
        batch_size = given.get("batch_size", max(1, most))
        if reading >= enough * segment_length * batch_size:
            break
    return segment_length, batch_size


def _embedding_size(vocabulary_size: int) -> int:
    return 32 if vocabulary_size < 40 else 64 if vocabulary_size < 400 else 128


def _pressure(tokens: int, reading: float, hidden_size: int, cell: str) -> float:
    """The pressure to memorize the text: the number of epochs times the hidden size / 256, more for a shorter text,
    less for a cell that memorizes less."""
    tokens = max(1, tokens)
    return MEMORY[cell] * reading / tokens * hidden_size / 256 * math.sqrt(math.sqrt(1_000_000 / tokens))


def most_epochs(tokens: int, hidden_size: int, cell: str) -> float:
    """How many passes over a text of this many tokens are useful."""
    useful = MAX_PRESSURE / _pressure(tokens, max(1, tokens), hidden_size, cell)
    return min(MAX_EPOCHS, max(MIN_EPOCHS, useful))


def ties_output(config: ModelConfig) -> bool:
    """Whether a network's output layer is trained as one that shares the embedding's vectors: if all its tokens are
    outputs, and there are many of them."""
    return bool(config.embedding_size) and not config.output_size and config.vocabulary_size >= TIED_FROM


def _at(pressure: float, settings: Sequence[float]) -> float:
    """The setting at a pressure, of those at PRESSURES."""
    return round(float(np.interp(math.log(max(pressure, PRESSURES[0])), np.log(PRESSURES), settings)), 3)


def _most_dropout(tokens: int, hidden_size: int, layers: int) -> float:
    share = 4 * hidden_size**2 * (2 * layers - 1) / max(1, tokens)  # layers above the first read a hidden state too
    return next((dropout for limit, dropout in MOST_DROPOUTS if share <= limit), MAX_DROPOUT)
