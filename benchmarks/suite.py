"""Texts of many kinds: the loss of this project's training with nothing but a budget, beside those of the plain script
and of PPM, all trained on the same part of each text and measured on the same other part."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.plain import EMBEDDING, Limit, train_plain
from benchmarks.published import published
from benchmarks.texts import KEPT_BACK
from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.evaluation import evaluate
from charrnn.training.text import Passages, split
from charrnn.vocabulary import Vocabulary
from charrnn.yardsticks import ppm_loss
from durable.files import put

ORDERS: Final = (5, 6, 8, 12, 16)
"""The orders of PPM of which the best one counts."""

WINDOW, WINDOWS = 4_000, 8
"""The length in characters, and the most, of windows of the held-out text for each of which PPM begins anew after the
training text: a network learns nothing from the text before that its state does not hold, PPM counts all of it."""

PLAIN_UNITS, PLAIN_RATE = 384, 5e-3
"""The plain script's network is the same for all texts: a single LSTM layer."""

COLUMNS: Final = (
    "text",
    "characters (different ones)",
    "ours",
    "its network alone",
    "plain",
    "PPM (order)",
    "in windows",
    "ours - plain",
    "ours - PPM",
    "our network",
    "epochs",
    "of the minutes",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A text, and the losses on its held-out part, in nats per character, each passage read from a state of zeros:
    `ours` with the counts of the text, if they are mixed in, and that of the `network` without them; `seconds`: from
    the command to the publication; `order`: of the best PPM; `windows`: its loss in windows that it does not learn from
    for each other."""

    text: str
    characters: int
    vocabulary: int
    held_out: int
    ours: float
    network: float
    plain: float
    ppm: float
    order: int
    windows: float
    sizes: str
    epochs: float
    steps: int
    seconds: float

    def cells(self, budget: Budget) -> Iterator[str]:
        """What stands in the table, by COLUMNS."""
        yield self.text
        yield f"{self.characters:,} ({self.vocabulary:,})"
        yield from (f"{self.ours:.3f}", f"{self.network:.3f}", f"{self.plain:.3f}", f"{self.ppm:.3f} ({self.order})")
        yield f"{self.windows:.3f}"
        yield from (f"{self.ours - self.plain:+.3f}", f"{self.ours - self.ppm:+.3f}")
        yield from (self.sizes, f"{self.epochs:.1f}")
        yield f"{self.steps} steps" if budget.minutes is None else f"{self.seconds / (60 * budget.minutes):.0%}"


def chosen_texts(folder: Path, names: Sequence[str], *, kept_back: bool) -> dict[str, Path]:
    """The texts of a folder by their names: those asked for, or all but those that are kept back, or these alone.
    Raises FileNotFoundError."""
    found = {path.stem: path for path in sorted(folder.glob("*.txt"))}
    wanted = names or [name for name in found if (name in KEPT_BACK) == kept_back]
    if missing := [name for name in wanted if name not in found]:
        raise FileNotFoundError(f"{folder} has no {missing[0]}.txt")
    return {name: found[name] for name in wanted}


def suite(texts: dict[str, Path], budget: Budget, result: Path | None = None) -> None:
    """Print a row for each text as soon as it has been measured, and write all of them as JSON."""
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    rows = []
    for name, path in texts.items():
        rows.append(measured(name, path, budget))
        print(f"| {' | '.join(rows[-1].cells(budget))} |", flush=True)
        if result is not None:
            found = {"budget": budget.as_dict(), "texts": [asdict(row) for row in rows]}
            put(result, (json.dumps(found, indent=1) + "\n").encode())


def measured(name: str, path: Path, budget: Budget) -> Row:
    """A text's row: ours, the plain script's with the same minutes or steps, and PPM's, one after the other. Raises
    ValueError if the text is so short that nothing is held out."""
    checkpoint, seconds = ours(name, path, budget)
    record, text = checkpoint.record, path.read_text(encoding="utf-8")
    if record.validation_loss is None:
        raise ValueError(f"{name} has {len(text)} characters: too few to hold some out")
    settings, vocabulary = TrainingConfig.from_dict(dict(record.settings)), Vocabulary.of([text])
    fraction, segment_length = settings.validation_fraction, settings.segment_length
    training, held_out = split(vocabulary.encode(text), fraction, segment_length, settings.validation_split)
    mix, config = record.json.get("mix", {}), checkpoint.config
    read, other = (vocabulary.decode(part.read(0, len(part)).astype(np.int32)) for part in (training, held_out))
    ppm, order = min((ppm_loss(read, other, order), order) for order in ORDERS)
    return Row(
        text=name,
        characters=len(text),
        vocabulary=len(vocabulary),
        held_out=len(held_out),
        ours=record.validation_loss,
        network=record.validation_loss + (mix["network_loss"] - mix["loss"] if mix.get("is_mixed") else 0),
        plain=plain_loss(training, held_out, len(vocabulary), budget),
        ppm=ppm,
        order=order,
        windows=loss_in_windows(read, other, order),
        sizes=f"{config.cell} {config.layers}x{config.hidden_size}, dropout {settings.dropout:g}",
        epochs=record.epochs,
        steps=record.steps,
        seconds=seconds,
    )


def ours(name: str, path: Path, budget: Budget) -> tuple[Checkpoint, float]:
    """What a user gets with nothing but a budget, and the seconds from the command to the publication."""
    began = time.perf_counter()
    with published(path, name, budget) as version:
        return checkpoints.load(version), time.perf_counter() - began


def plain_loss(training: Passages, held_out: Passages, vocabulary_size: int, budget: Budget) -> float:
    """What the plain script reaches with the same minutes, or the same number of its own steps."""
    config = ModelConfig(vocabulary_size, "lstm", PLAIN_UNITS, 1, EMBEDDING)
    limit = Limit(minutes=budget.minutes or math.inf, steps=budget.steps or math.inf)
    network, _ = train_plain(config, training.read(0, len(training)), PLAIN_RATE, limit)
    return evaluate(network, held_out)


def loss_in_windows(training: str, held_out: str, order: int) -> float:
    """The mean loss of PPM in windows that are spread over the held-out text, for each of which it begins anew."""
    between = max(WINDOW, len(held_out) // WINDOWS)
    windows = [held_out[start : start + WINDOW] for start in range(0, max(1, len(held_out) - WINDOW + 1), between)]
    return sum(ppm_loss(training, each, order) * len(each) for each in windows) / sum(map(len, windows))
