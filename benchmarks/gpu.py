"""Characters per second of the GPU engine, by batch size and by sampling parameters, for an LSTM of 2x512. Run: python
-m benchmarks.gpu [--device cpu] [--batches 1 8] [--json FILE]."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence as Items
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.networks import VOCABULARY, network
from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Batch, Sequence
from charrnn.engine.gpu.batch import GpuEngine
from charrnn.engine.gpu.tile import STEPS
from charrnn.sampling import SamplingParams

BATCHES = (1, 64, 1024, 8192)
ASKED = {
    "temperature": SamplingParams(temperature=0.8),
    "filters and penalty": SamplingParams(temperature=0.8, top_k=40, top_p=0.9, min_p=0.01, repetition_penalty=1.1),
    "5 logprobs": SamplingParams(temperature=0.8, logprobs=5),
}
ROUNDS = 5
CALLS = 10


@dataclass(frozen=True)
class Row:
    """Medians for one batch size: characters per second, by sampling parameters."""

    batch: int
    rates: dict[str, float]


def batch_of(engine: GpuEngine, size: int, asked: SamplingParams) -> Batch:
    batch = engine.batch(size)
    for i in range(size):
        batch.add(Sequence(np.array([i % VOCABULARY], dtype=np.int32), (CALLS + 1) * STEPS, asked))
    batch.step(STEPS)  # warm-up
    return batch


def rate(batch: Batch) -> float:
    """Characters per second by the wall clock, because most of the time passes on the device."""
    began = time.perf_counter()
    made = sum(output.ids.size for _ in range(CALLS) for output in batch.step(STEPS))
    return made / (time.perf_counter() - began)


def measure(checkpoint: Checkpoint, device: str, size: int) -> Row:
    engine = GpuEngine(checkpoint, device)
    rates: dict[str, list[float]] = {name: [] for name in ASKED}
    for _ in range(ROUNDS):
        for name, asked in ASKED.items():
            rates[name].append(rate(batch_of(engine, size, asked)))
    return Row(size, {name: statistics.median(values) for name, values in rates.items()})


def table(rows: Items[Row]) -> str:
    lines = [f"| B | {' | '.join(ASKED)} |", f"|---|{'---|' * len(ASKED)}"]
    lines += [f"| {row.batch} | {' | '.join(f'{value:,.0f}' for value in row.rates.values())} |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    checkpoint = network("lstm", 512, 2)
    rows = [measure(checkpoint, options.device, size) for size in options.batches]
    machine = torch.cuda.get_device_name() if options.device == "cuda" else options.device
    print(f"characters a second, {machine}\n\n{table(rows)}")
    if options.json:
        result = {"machine": machine, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
