"""Characters per second on one core: the engine and its peers on the same networks, interleaved, and the machine's
limits. Run: python -m benchmarks.kernels [--quick] [--json FILE]."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks import peers, rooflines
from benchmarks.networks import VOCABULARY, network
from charrnn.checkpoint import Checkpoint
from charrnn.config import CELLS
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import Isa, Precision
from charrnn.sampling import SamplingParams

SHAPES = ((128, 1), (256, 1), (512, 2), (512, 3))
BATCHES = (1, 8, 64)
ENGINE = "engine int8"


@dataclass(frozen=True)
class Row:
    """Medians for one network and batch: characters a second by way of generating, and what the engine's rate means."""

    cell: str
    hidden_size: int
    layers: int
    batch: int
    rates: dict[str, float]
    gops: float
    share_of_int8_roofline: float
    gigabytes_a_second: float


def engine(checkpoint: Checkpoint, batch: int, precision: Precision = "int8", isa: Isa | None = None) -> peers.Step:
    made = CpuEngine(checkpoint, precision, isa).batch(batch)
    for i in range(batch):
        prompt = np.array([i % VOCABULARY], dtype=np.int32)
        made.add(Sequence(prompt, 20_000_000 // batch, SamplingParams(seed=i, temperature=peers.TEMPERATURE)))

    def step(times: int) -> None:
        made.step(times)

    return step


def contenders(checkpoint: Checkpoint, batch: int, folder: Path) -> dict[str, peers.Step]:
    return {
        ENGINE: engine(checkpoint, batch),
        "engine int8 portable": engine(checkpoint, batch, isa="portable"),
        "engine float32": engine(checkpoint, batch, "float32"),
        "torch module loop": peers.usual_loop(checkpoint, batch),
        "torch by hand fp32": peers.by_hand(checkpoint, batch, torch.float32),
        "torch by hand bf16": peers.by_hand(checkpoint, batch, torch.bfloat16),
        "ONNX Runtime fp32": peers.onnx_runtime(checkpoint, batch, False, folder),
        "ONNX Runtime int8": peers.onnx_runtime(checkpoint, batch, True, folder),
    }


def timed(run: Callable[..., None], *arguments: int) -> float:
    """Seconds of processor time of all threads, so that other load on the machine does not count."""
    start = time.process_time()
    run(*arguments)
    return time.process_time() - start


def steps_for(step: peers.Step, seconds: float) -> int:
    """How many steps take about that long."""
    step(1)
    times = 1
    while (taken := timed(step, times)) < seconds / 4:
        times *= 2
    return max(1, int(times * seconds / taken))


def measure(checkpoint: Checkpoint, batch: int, folder: Path, rounds: int, seconds: float) -> Row:
    runs = contenders(checkpoint, batch, folder)
    steps = {name: steps_for(step, seconds) for name, step in runs.items()}
    roofline, operations = rooflines.products("int8")
    rates: dict[str, list[float]] = {name: [] for name in runs}
    limits = []
    for _ in range(rounds):
        for name, step in runs.items():
            rates[name].append(batch * steps[name] / timed(step, steps[name]))
        limits.append(operations / timed(roofline))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    config = checkpoint.config
    products = sum(int(np.prod(shape)) for name, shape in config.shapes().items() if "weight" in name)
    products -= int(np.prod(config.shapes()["rnn.weight_ih_l0"]))  # looked up, not multiplied
    gops = 2 * products * medians[ENGINE] / 1e9
    share = gops * 1e9 / statistics.median(limits)
    bandwidth = products * medians[ENGINE] / batch / 1e9
    return Row(config.cell, config.hidden_size, config.layers, batch, medians, gops, share, bandwidth)


def limits(rounds: int) -> dict[str, float]:
    """The machine's limits, medians: operations and bytes a second, in units of 1e9."""
    runs = {f"{precision} products": rooflines.products(precision) for precision in ("int8", "float32")}
    runs |= {f"bytes out of {size} MB": rooflines.bandwidth(size) for size in (0.03, 0.5, 3.2, 20)}
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (run, amount) in runs.items():
            found[name].append(amount / timed(run) / 1e9)
    return {name: statistics.median(values) for name, values in found.items()}


def line(row: Row) -> str:
    own, rates = row.rates[ENGINE], row.rates
    best_by_hand = max(rates["torch by hand fp32"], rates["torch by hand bf16"])
    return (
        f"{row.cell:4} {row.layers}x{row.hidden_size:<3} B={row.batch:<2} {own:10,.0f} char/s"
        f" {row.gops:5.0f} GOPS ({row.share_of_int8_roofline:4.0%} of the roofline)"
        f" | portable {rates['engine int8 portable']:9,.0f} | float32 {rates['engine float32']:9,.0f}"
        f" | torch module {rates['torch module loop']:8,.0f} ({own / rates['torch module loop']:5.1f}x)"
        f" | by hand {best_by_hand:8,.0f} ({own / best_by_hand:5.1f}x)"
        f" | ORT fp32 {rates['ONNX Runtime fp32']:8,.0f} ({own / rates['ONNX Runtime fp32']:4.1f}x)"
        f" | ORT int8 {rates['ONNX Runtime int8']:8,.0f} ({own / rates['ONNX Runtime int8']:4.1f}x)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="LSTMs only, and less of everything")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("kernels.json"))
    arguments = parser.parse_args()
    rounds, seconds = (7, 0.04) if arguments.quick else (15, 0.1)
    torch.set_num_threads(1)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = limits(rounds)
    print(" · ".join(f"{name}: {value:,.0f}e9/s" for name, value in found.items()))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for cell in ("lstm",) if arguments.quick else CELLS[::-1]:
            for hidden_size, layers in SHAPES:
                checkpoint = network(cell, hidden_size, layers)
                for batch in BATCHES:
                    rows.append(measure(checkpoint, batch, Path(folder), rounds, seconds))
                    print(line(rows[-1]), flush=True)
    machine = {
        "processor": platform.processor() or platform.machine(),
        "engine": CpuEngine(network("lstm", 128, 1)).isa,
    }
    result = {"machine": machine, "limits": found, "rows": [asdict(row) for row in rows]}
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
