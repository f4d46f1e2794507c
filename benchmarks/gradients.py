"""The article's last part, measured: how the loss's gradient vanishes or explodes on its way back through time.

    python -m benchmarks.gradients TEXT [--steps 400] [--svg gradients.svg]

Three experiments on the text, all with one layer of 128 units, and a chart of the first two:

1. Each cell at its start and after training: the norm of d loss_t / d state_{t-k}. The vanilla network's vanishes; the
   gated cells' survives, since their state is carried on by a sum and not by a product.
2. The vanilla network with its recurrent matrix scaled to a spectral radius of 0.5 to 4: below 1 it vanishes the
   faster, above it explodes, until tanh saturates.
3. Gradient descent on that network from a radius of 2, without clipping and with it: the largest gradient of all
   steps, and the loss that is reached.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from charrnn.config import CELLS, Cell, ModelConfig
from charrnn.model import CharRNN
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.gradients import Norms, gradient_norms
from charrnn.training.state import TrainingState
from charrnn.training.text import Streams
from charrnn.training.trainer import Trainer
from charrnn.vocabulary import Ids, Vocabulary

UNITS: Final = 128
BACK: Final = 100
RADII: Final = (0.5, 1.0, 1.5, 2.0, 4.0)
RADIUS: Final = 2.0
RATE: Final = 0.5
RECURRENT: Final = "rnn.weight_hh_l0"
SHOWN: Final = (0, 1, 5, 10, 20, 50, 100)
COLOURS: Final = ("#1b6ca8", "#c8553d", "#2a9d5c", "#8a4fbf", "#b8860b", "#444444")


@dataclass(frozen=True, slots=True)
class Text:
    ids: Ids
    vocabulary: Vocabulary

    def trainer(self, cell: Cell, training: TrainingConfig, state: TrainingState | None = None) -> Trainer:
        config = ModelConfig(len(self.vocabulary), cell, UNITS, embedding_size=32)
        return Trainer(config, training, TrainingText(self.ids, self.vocabulary), state=state)

    def norms(self, trainer: Trainer) -> Norms:
        """The norm of the gradient at the state k steps back, [BACK + 1]."""
        model = CharRNN(trainer.config)
        model.load_weights(trainer.checkpoint().weights)
        return np.asarray(gradient_norms(model, self.ids, BACK, sequences=64)[0])


def settings(steps: int, learning_rate: float, clip: float = 1.0) -> TrainingConfig:
    return TrainingConfig(
        Budget(steps=steps),
        segment_length=64,
        batch_size=32,
        learning_rate=learning_rate,
        clip=clip,
        validation_split="end",
    )


def each_cell(text: Text, steps: int) -> dict[str, Norms]:
    """Experiment 1."""
    found = {}
    for cell in CELLS:
        trainer = text.trainer(cell, settings(steps, 2e-3 if cell == "rnn" else 6e-3))
        found[f"{cell}, untrained"] = text.norms(trainer)
        for _ in trainer.run():
            pass
        found[f"{cell}, {steps} steps"] = text.norms(trainer)
    return found


def with_radius(trainer: Trainer, radius: float) -> TrainingState:
    """The trainer's state, but for a random recurrent matrix with this spectral radius (by the circular law)."""
    state = trainer.state()
    noise = np.random.default_rng(0).standard_normal((UNITS, UNITS)) * radius / math.sqrt(UNITS)
    tensors = dict(state.tensors)
    for kind in ("model", "average", "kept"):
        tensors[f"{kind}/{RECURRENT}"] = noise.astype(np.float32)
    return TrainingState(tensors, state.position, state.run, state.evaluations)


def each_radius(text: Text) -> dict[str, Norms]:
    """Experiment 2."""
    training = settings(1, 1e-3)
    start = text.trainer("rnn", training)
    states = {radius: with_radius(start, radius) for radius in RADII}
    return {f"radius {r:g}": text.norms(text.trainer("rnn", training, state)) for r, state in states.items()}


def descend(text: Text, steps: int, clip: float) -> str:
    """Experiment 3: a line of its table. Plain gradient descent, as the article has it: AdamW would divide by the
    gradient's size."""
    start = text.trainer("rnn", settings(1, 1e-3))
    model = CharRNN(start.config)
    state = with_radius(start, RADIUS).tensors
    model.load_weights({name: state[f"model/{name}"] for name in start.config.shapes()})
    streams = Streams(text.ids, 32, 64)
    hidden, losses, largest = model.initial_state(streams.streams), [math.nan], 0.0
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    for step in range(steps):
        segment = streams.segment(step % streams.segments)
        logits, hidden = model(torch.from_numpy(segment.inputs), hidden.detach())
        loss = functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(segment.targets).flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(clip_grad_norm_(model.parameters(), clip or math.inf))
        if not math.isfinite(norm):
            return f"{clip or 'none':>6}{norm:15}  not a number after {step} steps"
        largest = max(largest, norm)
        losses.append(loss.item())
        optimizer.step()
    return f"{clip or 'none':>6}{largest:15.2g}  {np.mean(losses[-50:]):.3f}"


def table(found: Mapping[str, Norms]) -> str:
    lines = [f"{'steps back':>18}" + "".join(f"{k:>10}" for k in SHOWN)]
    lines += [f"{name:>18}" + "".join(f"{norms[k]:10.1e}" for k in SHOWN) for name, norms in found.items()]
    return "\n".join(lines)


def chart(panels: Mapping[str, Mapping[str, Norms]]) -> str:
    """The panels side by side as SVG: the norms, on a logarithmic scale, over the steps back."""
    parts = [panel(title, found, 60 + 560 * i) for i, (title, found) in enumerate(panels.items())]
    width = 560 * len(panels) + 20
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 420" font-family="sans-serif" font-size="12">'
    return "\n".join([head, f'<rect width="{width}" height="420" fill="white"/>', *parts, "</svg>\n"])


def panel(title: str, found: Mapping[str, Norms], left: int) -> str:
    exponents = [math.log10(max(float(norm), 1e-12)) for norms in found.values() for norm in norms]
    low, high = math.floor(min(exponents)), math.ceil(max(exponents))

    def y(norm: float) -> float:
        return 350 - 300 * (math.log10(max(norm, 10.0**low)) - low) / (high - low)

    parts = [f'<text x="{left}" y="30" font-size="14">{title}</text>']
    for exponent in range(low, high + 1, max(1, (high - low) // 8)):
        at = y(10.0**exponent)
        parts.append(f'<path d="M{left} {at:.1f}h370" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">1e{exponent}</text>')
    for k in range(0, BACK + 1, 20):
        parts.append(f'<text x="{left + 3.7 * k:.1f}" y="370" text-anchor="middle">{k}</text>')
    parts.append(f'<text x="{left + 185}" y="395" text-anchor="middle">steps back</text>')
    for number, (name, norms) in enumerate(found.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{left + 3.7 * k:.1f},{y(float(norm)):.1f}" for k, norm in enumerate(norms))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(f'<text x="{left + 380}" y="{62 + 18 * number}" fill="{colour}">{name}</text>')
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--steps", type=int, default=400, help="to train each network for")
    parser.add_argument("--svg", type=Path, help="where to write the chart")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # networks this small only wait for each other's threads
    raw = arguments.text.read_text(encoding="utf-8")[:300_000]
    vocabulary = Vocabulary.of([raw])
    text = Text(vocabulary.encode(raw), vocabulary)
    cells, radii = each_cell(text, arguments.steps), each_radius(text)
    print("norm of d loss_t / d state_{t-k}\n" + table({**cells, **radii}), flush=True)
    if arguments.svg:
        arguments.svg.write_text(chart({"each cell": cells, "the vanilla cell by spectral radius": radii}))
    print(f"\ngradient descent from a spectral radius of {RADIUS:g}\n  clip   largest norm  loss of the last 50 steps")
    for clip in (0.0, 1.0):
        print(descend(text, arguments.steps, clip), flush=True)


if __name__ == "__main__":
    main()
