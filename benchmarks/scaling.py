"""Two laws of the engine: two processes on two cores make twice as much, and the hundred-thousandth character costs
what the first one did. Run: python -m benchmarks.scaling [--json FILE]."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.networks import network
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuBatch, CpuEngine

ROUNDS = 7
SECONDS = 1.0


def batch_of(sequences: int, hidden_size: int, layers: int) -> CpuBatch:
    batch = CpuEngine(network("lstm", hidden_size, layers)).batch(sequences)
    for number in range(sequences):
        batch.add(Sequence(np.array([number % 90], np.int32), length=1_000_000))
    return batch


def rate(core: int, barrier: Any, results: Any) -> None:
    """Characters a second of one process on one core, 2x512 with 64 sequences."""
    os.sched_setaffinity(0, {core})
    batch = batch_of(64, 512, 2)
    batch.step(10)
    barrier.wait()
    began, made = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        made += sum(output.ids.size for output in batch.step(10))
    results.put(made / (time.perf_counter() - began))


def together(cores: list[int]) -> float:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(len(cores)), context.Queue()
    processes = [context.Process(target=rate, args=(core, barrier, results)) for core in cores]
    for process in processes:
        process.start()
    made = sum(results.get() for _ in processes)
    for process in processes:
        process.join()
    return float(made)


def two_cores() -> float:
    """The throughput of two cores relative to one."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    return statistics.median(together(cores) / together(cores[:1]) for _ in range(ROUNDS))


def late_characters() -> dict[str, float]:
    """Microseconds per character of one text with the starter's sizes, at its beginning and after 100,000."""
    batch = batch_of(1, 256, 1)
    batch.step(100)
    first, last = [], []
    for costs, skip in ((first, 100_000), (last, 0)):
        for _ in range(50):
            began = time.process_time()
            batch.step(500)
            costs.append((time.process_time() - began) / 500 * 1e6)
        if skip:
            batch.step(skip)
    return {"first": statistics.median(first), "hundred-thousandth": statistics.median(last)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("scaling.json"))
    options = parser.parse_args()
    costs, times = late_characters(), two_cores()
    print(f"microseconds a character: {costs['first']:.2f} at first, {costs['hundred-thousandth']:.2f} after 100,000")
    print(f"two cores make {times:.2f} times what one makes")
    options.json.write_text(json.dumps({"microseconds": costs, "two_cores": times}, indent=1) + "\n")


if __name__ == "__main__":
    main()
