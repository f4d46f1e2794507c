"""How low a loss the defaults reach in some minutes, and how many characters a second they train on.

    python -m benchmarks.training loss TEXT --minutes 3 5 20 [--set hidden_size=512 dropout=0.2 ...]
    torchrun --nproc-per-node 2 -m benchmarks.training loss TEXT ...
    python -m benchmarks.training speed TEXT [--rounds 9]
    python -m benchmarks.training grid TEXT [--cells rnn gru] [--layers 1 2] [--sizes 256] [--minutes 1 5]
    python -m benchmarks.training suite FOLDER [NAME ...] [--kept-back] [--minutes 3] [--steps N] [--json FILE]

`loss` trains on the text with nothing but a budget and prints the loss on its last tenth, nanoGPT's split (`--set
validation_split=blocks` for a job's own), in nats per character, with the counts of the text that a job mixes in and
without, in both ways of measuring it; on tiny Shakespeare
(1,115,394 characters) it stands beside published figures. `speed` takes turns between this project's steps and those of
a plain torch loop with a network of the same shapes, on the same segments. `grid` trains every cell, depth and size
beside the plain script (`benchmarks.plain`) with the best of three learning rates. `suite` trains on the texts NAME.txt
of a folder (`python -m benchmarks.texts FOLDER` fetches them), by default on those that defaults may be chosen on,
beside the plain script and PPM; what is held out is a job's own choice. Each says how busy the machine was: figures
from busy cores are worth little.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.grid import Grid, grid
from benchmarks.suite import chosen_texts, suite
from charrnn.config import ModelConfig
from charrnn.model import CharRNN
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.defaults import defaults_for
from charrnn.training.machine import reference_budget
from charrnn.training.parallel import Team, launched
from charrnn.training.precision import autocast, fastest_precision
from charrnn.training.shards import Shards, usual_count
from charrnn.training.steps import Learner
from charrnn.training.text import Segment, Streams, TextIds
from charrnn.training.trainer import Trainer
from charrnn.vocabulary import Vocabulary
from service.training.worker.counting import with_counts

WINDOW: Final = 256
TINY_SHAKESPEARE: Final = 1_115_394
PUBLISHED: Final = (
    ("nanoGPT, its recipe for an A100, 10.6 M parameters", "3 min of an A100", None, None, 1.4697),
    ("nanoGPT, its recipe for a CPU, run on two cores", "99 s", None, None, 1.874),
    ("minGRU (arXiv 2410.01201)", "a T4", None, None, 1.548),
    ("minLSTM (arXiv 2410.01201)", "a T4", None, None, 1.555),
    ("Mamba (arXiv 2410.01201)", "a T4", None, None, 1.575),
    ("Transformer (arXiv 2410.01201)", "a T4", None, None, 1.547),
)
SPEED_SIZES: Final = ((128, 1), (256, 1), (384, 1), (512, 1), (512, 2))
STEPS: Final = 6

Row = tuple[str, str, float | None, float | None, float]
Way = Callable[[Segment], object]


def windows_loss(model: CharRNN, ids: TextIds) -> float:
    """Nats per character over windows of WINDOW characters side by side, each from a zero state, as nanoGPT's."""
    count = (len(ids) - 1) // WINDOW
    inputs = torch.from_numpy(ids[: count * WINDOW].astype(np.int64)).view(count, WINDOW)
    targets = torch.from_numpy(ids[1 : count * WINDOW + 1].astype(np.int64)).view(count, WINDOW)
    model.eval()
    with torch.no_grad():
        losses = [
            functional.cross_entropy(model(x)[0].flatten(0, 1), y.flatten(), reduction="sum").item()
            for x, y in zip(torch.split(inputs, 32), torch.split(targets, 32), strict=True)
        ]
    return sum(losses) / (count * WINDOW)


def train(text: str, minutes: float, chosen: dict[str, Any], team: Team, device: str) -> Row:
    """A row of the table: what was trained, in what time, and its loss with the state carried, as a job would publish
    it, which mixes counts with it if they pay, and alone; and in windows."""
    vocabulary = Vocabulary.of([text])
    ids = vocabulary.encode(text)
    budget = Budget(steps=chosen.pop("steps")) if "steps" in chosen else Budget(minutes=minutes)
    chosen.setdefault("validation_split", "end")  # nanoGPT's: the last tenth
    model, training = defaults_for(len(ids), len(vocabulary), reference_budget(budget, device), chosen)
    config = TrainingConfig(budget, **training)
    source = TrainingText(ids, vocabulary)
    trainer = Trainer(ModelConfig(len(vocabulary), **model), config, source, device=device, team=team)
    seconds = 0.0
    for progress in trainer.run():
        seconds = progress.seconds
        if progress.validation_loss is not None and team.rank == 0:
            step = f"step {progress.step}/{progress.steps or '?'}"
            print(f"  {step}, {seconds:.0f} s: {progress.validation_loss:.4f}", flush=True)
    checkpoint = trainer.checkpoint()
    network = CharRNN(checkpoint.config)
    network.load_weights(checkpoint.weights)
    record = checkpoint.record
    windows = windows_loss(network, trainer.held_out.read(0, len(trainer.held_out)))
    mixed = with_counts(checkpoint, source, config, device).record.validation_loss
    size = f"{model['cell']} {model['layers']}x{model['hidden_size']}, dropout {training['dropout']:g}"
    weights = sum(w.size for w in checkpoint.weights.values())
    name = f"{size}, {weights / 1e6:.1f} M parameters, decay {config.weight_decay:g}, {record.epochs:.1f} epochs"
    return name, f"{seconds:.0f} s, {record.steps} steps", mixed, record.validation_loss, windows


def losses(text: str, minutes: list[float], chosen: dict[str, Any]) -> None:
    with launched() as (team, device):
        rows = [train(text, budget, dict(chosen), team, device) for budget in minutes]
    if team.rank:
        return
    columns = "network", "trained for", "state carried, with counts", "without", f"windows of {WINDOW}"
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for name, took, mixed, carried, windows in (*rows, *(PUBLISHED if len(text) == TINY_SHAKESPEARE else ())):
        both = ("" if loss is None else f"{loss:.4f}" for loss in (mixed, carried))
        print(f"| {name} | {took} | {' | '.join(both)} | {windows:.4f} |")


def plain_loop(
    config: ModelConfig, training: TrainingConfig, streams: int, precision: str
) -> Callable[[Segment], None]:
    """A step as one writes it with torch's own parts."""
    embedding = nn.Embedding(config.vocabulary_size, config.embedding_size)
    rnn = nn.LSTM(config.embedding_size, config.hidden_size, config.layers, batch_first=True)
    output = nn.Linear(config.hidden_size, config.vocabulary_size)
    parameters = [*embedding.parameters(), *rnn.parameters(), *output.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=training.learning_rate)
    state = [torch.zeros(config.layers, streams, config.hidden_size)] * 2

    def step(segment: Segment) -> None:
        with autocast(precision, torch.device("cpu")):
            drop = functional.dropout(embedding(torch.from_numpy(segment.inputs)), training.dropout)
            hidden, after = rnn(drop, (state[0], state[1]))
            logits = output(functional.dropout(hidden, training.dropout))
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), torch.from_numpy(segment.targets).flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, training.clip)
        optimizer.step()
        state[:] = [part.detach().float() for part in after]
        loss.item()

    return step


def speed(text: str, hidden_size: int, layers: int, rounds: int) -> str:
    """A row: characters a second of this project and of the plain loop in either precision, each at its best, since
    whatever else the machine does only slows down."""
    vocabulary = Vocabulary.of([text])
    config = ModelConfig(len(vocabulary), "lstm", hidden_size, layers, 64)
    training = TrainingConfig(Budget(steps=1), dropout=0.1)
    streams, device = (
        Streams(vocabulary.encode(text), training.batch_size, training.segment_length),
        torch.device("cpu"),
    )
    precision = fastest_precision(config, device)
    shards = Shards(usual_count(streams.streams, device))
    learner = Learner(config, training, streams.streams, device=device, precision=precision, shards=shards)
    ways: list[Way] = [
        lambda segment: learner.step(segment, 0, training.learning_rate),
        plain_loop(config, training, streams.streams, "float32"),
        plain_loop(config, training, streams.streams, precision),
    ]
    segments = [streams.segment(i) for i in range(STEPS)]
    took: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, times in zip(ways, took, strict=True):
            way(segments[0])
            began = time.perf_counter()
            for segment in segments:
                way(segment)
            times.append(time.perf_counter() - began)
    characters = sum(segment.tokens for segment in segments)
    rates = [f"{characters / min(times):,.0f}" for times in took]
    return f"| {layers}x{hidden_size} | {rates[0]} ({precision}) | {rates[1]} | {rates[2]} |"


def speeds(text: str, rounds: int) -> None:
    print("| LSTM | here | plain loop, float32 | plain loop, the same precision |\n|---|---|---|---|")
    for hidden_size, layers in SPEED_SIZES:
        print(speed(text, hidden_size, layers, rounds), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("loss", "speed", "grid", "suite"))
    parser.add_argument("text", type=Path, help="a text, or the folder of the suite's")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which of the suite's texts")
    parser.add_argument("--minutes", type=float, nargs="+", help="3, and 1 and 5 for `grid`")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings other than the defaults")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cells", nargs="+", default=["rnn", "gru", "lstm"], choices=("rnn", "gru", "lstm"))
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256, 512])
    parser.add_argument("--kept-back", action="store_true", help="the suite's texts that defaults are not chosen on")
    parser.add_argument("--steps", type=int, help="of the suite's training, instead of minutes")
    parser.add_argument("--json", type=Path, help="where the suite's results are written, too")
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f} at the start")
    if arguments.what == "suite":
        texts = chosen_texts(arguments.text, arguments.names, kept_back=arguments.kept_back)
        budget = Budget(steps=arguments.steps) if arguments.steps else Budget(minutes=(arguments.minutes or [3.0])[0])
        suite(texts, budget, arguments.json)
    else:
        of_one_text(arguments)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def of_one_text(arguments: argparse.Namespace) -> None:
    """What is measured on a single text."""
    text = arguments.text.read_text(encoding="utf-8")
    if arguments.what == "loss":
        losses(
            text,
            arguments.minutes or [3.0],
            {name: value(v) for name, _, v in (s.partition("=") for s in arguments.set)},
        )
    elif arguments.what == "grid":
        grid(text, Grid(arguments.cells, arguments.layers, arguments.sizes, arguments.minutes or [1.0, 5.0]))
    else:
        speeds(text, arguments.rounds)


def value(text: str) -> Any:
    """A setting's value: JSON, or a word."""
    try:
        number = json.loads(text)
    except ValueError:
        return text
    return number if not isinstance(number, float) or math.isfinite(number) else text


if __name__ == "__main__":
    main()
