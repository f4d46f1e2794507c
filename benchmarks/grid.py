"""Every cell, depth and size, for some minutes each: the loss of this project's training with its defaults beside that
of the plain script with the best of its learning rates, one after the other in one process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from benchmarks.plain import EMBEDDING, RATES, Limit, train_plain
from charrnn.config import Cell, ModelConfig
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.defaults import defaults_for
from charrnn.training.evaluation import evaluate
from charrnn.training.machine import reference_budget
from charrnn.training.text import split
from charrnn.training.trainer import Trainer
from charrnn.vocabulary import Vocabulary

HELD_OUT: Final = 0.1
COLUMNS: Final = (
    "network",
    "minutes",
    "ours (rate, dropout)",
    "plain (best rate)",
    "difference",
    "characters read, ours and plain",
    "seconds, ours",
)


@dataclass(frozen=True, slots=True)
class Grid:
    """What is trained: each combination."""

    cells: Sequence[Cell]
    layers: Sequence[int]
    sizes: Sequence[int]
    minutes: Sequence[float]

    def __iter__(self) -> Iterator[tuple[float, Cell, int, int]]:
        return product(self.minutes, self.cells, self.layers, self.sizes)


@dataclass(frozen=True, slots=True)
class Trained:
    """A network's loss in nats per character held out, the characters read in training, and the seconds it took."""

    loss: float
    characters: int
    seconds: float
    note: str


def ours(source: TrainingText, minutes: float, cell: Cell, layers: int, hidden_size: int) -> Trained:
    """Trained with the defaults; the last tenth is held out."""
    sizes = {"cell": cell, "layers": layers, "hidden_size": hidden_size}
    chosen = {**sizes, "validation_split": "end", "validation_fraction": HELD_OUT}
    budget, size = Budget(minutes=minutes), len(source.vocabulary)
    model, training = defaults_for(len(source.ids), size, reference_budget(budget, "cpu"), chosen)
    began = time.perf_counter()
    trainer = Trainer(ModelConfig(size, **model), TrainingConfig(budget, **training), source)
    characters = [progress.characters for progress in trainer.run()][-1]
    seconds, loss = time.perf_counter() - began, trainer.checkpoint().record.validation_loss
    assert loss is not None  # a tenth is held out
    return Trained(loss, characters, seconds, f"{training['learning_rate']:.2g}, dropout {training['dropout']:g}")


def plain(source: TrainingText, minutes: float, cell: Cell, layers: int, hidden_size: int) -> Trained:
    """The best of the plain script's runs, each of which has all the minutes."""
    training, held_out = split(source.ids, HELD_OUT, 1, "end")
    ids = training.read(0, len(training))
    config = ModelConfig(len(source.vocabulary), cell, hidden_size, layers, EMBEDDING)
    found = []
    for rate in RATES[cell]:
        began = time.perf_counter()
        network, characters = train_plain(config, ids, rate, Limit(minutes=minutes))
        seconds = time.perf_counter() - began
        found.append(Trained(evaluate(network, held_out), characters, seconds, f"{rate:.2g}"))
    return min(found, key=lambda trained: trained.loss)


def grid(text: str, wanted: Grid) -> None:
    """Print a row for each network as soon as it is trained."""
    vocabulary = Vocabulary.of([text])
    source = TrainingText(vocabulary.encode(text), vocabulary)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for minutes, cell, layers, hidden_size in wanted:
        mine = ours(source, minutes, cell, layers, hidden_size)
        best = plain(source, minutes, cell, layers, hidden_size)
        cells = (
            f"{cell} {layers}x{hidden_size}",
            f"{minutes:g}",
            f"{mine.loss:.4f} ({mine.note})",
            f"{best.loss:.4f} ({best.note})",
            f"{mine.loss - best.loss:+.4f}",
            f"{mine.characters / 1e6:.2f} M, {best.characters / 1e6:.2f} M",
            f"{mine.seconds:.0f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)
