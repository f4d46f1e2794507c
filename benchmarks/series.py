"""Characters per second of short records on one core, beside those of endless texts from the same engine. Run:
python -m benchmarks.series [--model FILE] [--json FILE]."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.networks import record_network
from charrnn.checkpoint import Checkpoint, load
from charrnn.engine.base import Finished, Sequence, Series
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import precision_of
from charrnn.engine.refilled import RefilledBatch, state_after
from charrnn.sampling import SamplingParams

BATCHES = (8, 16, 32, 64, 128)
STEPS = 32
ROUNDS = 15
SECONDS = 0.1
LENGTH = 1000
MEAN_LENGTH = 8
SAMPLING = SamplingParams(temperature=0.8)

Call = Callable[[], int]
"""Generates for some milliseconds and returns how many characters."""


def texts(engine: CpuEngine, size: int, prompt: int) -> Call:
    """Endless texts, which never end."""
    batch = engine.batch(size)
    for _ in range(size):
        batch.add(Sequence(np.array([prompt], dtype=np.int32), 20_000_000 // size, SAMPLING))
    return lambda: sum(output.ids.size for output in batch.step(STEPS))


def records(checkpoint: Checkpoint, engine: CpuEngine, size: int, *, compiled: bool, decoded: bool) -> Call:
    """Records as ids or as texts, in slots that compiled code refills, or Python."""
    vocabulary = checkpoint.vocabulary
    state = state_after(engine, np.array([vocabulary.start_id], dtype=np.int32))
    series = Series(state, LENGTH, SAMPLING, vocabulary.end_id)
    batch = engine.series(series, size) if compiled else RefilledBatch(engine.batch(size), size, engine.config, series)
    steps = STEPS if compiled else 1  # Python refills between two calls only

    def call() -> int:
        found: list[Finished] = [batch.step(steps) for _ in range(STEPS // steps)]
        if decoded:
            return sum(len(text) for each in found for text in vocabulary.decode_each(each.ids, each.offsets))
        return sum(each.ids.size for each in found)

    return call


def rate(call: Call) -> float:
    """Characters per second of processor time."""
    began, made = time.process_time(), 0
    while (taken := time.process_time() - began) < SECONDS:
        made += call()
    return made / taken


def contenders(checkpoint: Checkpoint) -> dict[str, dict[int, Call]]:
    engine = CpuEngine(checkpoint, precision_of(checkpoint))
    start = checkpoint.vocabulary.start_id
    ways = {
        "ids, refilled by compiled code": (True, False),
        "texts, refilled by compiled code": (True, True),
        "texts, refilled by Python": (False, True),
    }
    return {"endless texts": {size: texts(engine, size, start) for size in BATCHES}} | {
        name: {size: records(checkpoint, engine, size, compiled=compiled, decoded=decoded) for size in BATCHES}
        for name, (compiled, decoded) in ways.items()
    }


def measure(checkpoint: Checkpoint) -> dict[str, dict[int, float]]:
    """Medians of interleaved rounds, by way of generating and batch size."""
    runs = contenders(checkpoint)
    rates: dict[str, dict[int, list[float]]] = {name: {size: [] for size in BATCHES} for name in runs}
    for _ in range(ROUNDS):
        for name, by_size in runs.items():
            for size, call in by_size.items():
                rates[name][size].append(rate(call))
    return {
        name: {size: statistics.median(found) for size, found in by_size.items()} for name, by_size in rates.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a checkpoint of records; by default one of the starter's size")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("series.json"))
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = measure(load(arguments.model) if arguments.model else record_network("lstm", 256, 1, MEAN_LENGTH))
    best = max(found["endless texts"].values())
    print("| | " + " | ".join(f"B={size}" for size in BATCHES) + " | best, of endless texts' best |")
    for name, by_size in found.items():
        cells = " | ".join(f"{each:,.0f}" for each in by_size.values())
        print(f"| {name} | {cells} | {max(by_size.values()) / best:.2f} |")
    arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
