"""Characters a second of one core: the time of a step as a function of network and batch, by the roofline model.

S. Williams, A. Waterman and D. Patterson, Roofline, CACM 52, 2009. A step of a batch reads all weights once and
multiplies them with each row, so that it takes as long as the longer of the two; what is done for each gate and logit
comes on top.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.networks import VOCABULARY
from charrnn.config import GATES, ModelConfig

KERNELS: Final = Path(__file__).parents[1] / "kernels.json"
FITTED: Final = "lstm"
"""From networks with this cell two constants of a core are taken; the others show how far these hold."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """How long a step takes: `single` seconds if the batch is small, and `row` for each sequence of a larger one."""

    single: float
    row: float

    def seconds(self, batch: int) -> float:
        """Of a step that advances this many sequences by one character."""
        return max(self.single, batch * self.row)

    def rate(self, batch: int) -> float:
        """Characters a second."""
        return batch / self.seconds(batch)


@dataclass(frozen=True, slots=True)
class Measured:
    """What benchmarks.kernels measured of an int8 network: characters a second of one core with a batch."""

    config: ModelConfig
    batch: int
    rate: float


@dataclass(frozen=True, slots=True)
class Core:
    """What a core can do: int8 `products` a second (a product and its sum are two), bytes a second out of memory of
    some sizes in bytes, ascending, and the seconds for each gate's value and logit, in a batch and of a `single`
    sequence, whose values wait for one another."""

    products: float
    bandwidths: tuple[tuple[float, float], ...]
    value: float = 0.0
    single_value: float = 0.0

    def fitted(self, rows: Iterable[Measured]) -> Core:
        """With the times for each value with which networks of the cell FITTED are nearest to what was measured: of the
        relative errors, least squares."""
        lstms = [row for row in rows if row.config.cell == FITTED]
        largest = max(row.batch for row in lstms)
        return replace(
            self,
            value=_least_squares(
                (row.batch / row.rate, row.batch * self.step_time(row.config).row, row)
                for row in lstms
                if row.batch == largest
            ),
            single_value=_least_squares(
                (1 / row.rate, self.step_time(row.config).single, row) for row in lstms if row.batch == 1
            ),
        )

    def bandwidth(self, size: float) -> float:
        """Bytes a second when this many are read again and again; between two measured sizes along the logarithm."""
        sizes, rates = zip(*self.bandwidths, strict=True)
        return float(np.interp(math.log(size), np.log(sizes), rates))

    def step_time(self, config: ModelConfig) -> StepTime:
        """Of an int8 network."""
        weights, each = products(config), values(config)
        return StepTime(
            weights / self.bandwidth(weights) + self.single_value * each,
            2 * weights / self.products + self.value * each,
        )


def in_proportion(config: ModelConfig, known: Mapping[ModelConfig, StepTime], core: Core) -> StepTime:
    """A network's steps on a machine of which only those of some others are `known`: as much slower than on `core` as
    those of the network that multiplies most nearly as much."""
    near = min(known, key=lambda each: abs(math.log(products(each) / products(config))))
    there, guess, found = core.step_time(near), core.step_time(config), known[near]
    return StepTime(guess.single * found.single / there.single, guess.row * found.row / there.row)


def products(config: ModelConfig) -> int:
    """Multiplications of a step, as many as weights; those of the first layer's input are looked up instead."""
    inner = GATES[config.cell] * config.hidden_size**2 * (2 * config.layers - 1)
    return inner + config.hidden_size * config.outputs


def _least_squares(steps: Iterable[tuple[float, float, Measured]]) -> float:
    """Seconds for each value, from the measured seconds of a step, those explained otherwise, and the network."""
    above = below = 0.0
    for seconds, explained, row in steps:
        share = row.batch * values(row.config) / seconds
        above += share * (1 - explained / seconds)
        below += share**2
    return max(0.0, above / below)


def values(config: ModelConfig) -> int:
    """How many values the gates of all layers have, and how many logits there are."""
    return GATES[config.cell] * config.hidden_size * config.layers + config.outputs


def measured(path: Path = KERNELS) -> tuple[Core, list[Measured]]:
    """The core of which benchmarks.kernels wrote a file, and what it measured of networks there."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    rows = []
    for each in found["rows"]:
        config = ModelConfig(VOCABULARY, each["cell"], each["hidden_size"], each["layers"])
        rows.append(Measured(config, each["batch"], each["rates"]["engine int8"]))
    limits = {name: 1e9 * value for name, value in found["limits"].items()}
    sizes = {float(name.split()[3]) * 1e6: rate for name, rate in limits.items() if name.startswith("bytes out of")}
    return Core(limits["int8 products"], tuple(sorted(sizes.items()))).fitted(rows), rows
