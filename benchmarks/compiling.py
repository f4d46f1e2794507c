"""What 8 streams of a web process notice of hostile patterns that are compiled meanwhile: in a process of its own, as
the service does it, or in a thread. Run: python -m benchmarks.compiling [--rounds N] [--seconds S]."""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Final

import numpy as np

from charrnn.checkpoint import Checkpoint, load
from charrnn.engine.base import Output, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.patterns.errors import PatternError
from charrnn.sampling import SamplingParams
from service.bootstrap.starter import STARTER_PATH
from service.generation.compiled_patterns import Compile
from service.generation.compiling_process import CompilingProcess
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.scheduler import Scheduler

STREAMS: Final = 8
ENDLESS: Final = 100_000_000
HOSTILE: Final = ("(a|b)*a(a|b){18}", "(?:.*a){20}.{20}", ".*foo.{300}", "(?:a{1,1000}){1,1000}b", "(?:a|aa){1,9000}")


class Stream:
    """A stream whose pieces are taken by a thread of its own, as a request's are."""

    def __init__(self, prompt: str, checkpoint: Checkpoint, until: float, seed: int) -> None:
        ids = np.array(checkpoint.vocabulary.encode(prompt), dtype=np.int32)
        self._until, self._wake = until, threading.Event()
        self.characters, self.times = 0, [time.perf_counter()]
        sequence = Sequence(ids, ENDLESS, SamplingParams(seed=seed))
        self.scheduled = ScheduledSequence(sequence, self._receive, self._wake, stream=True)
        self.thread = threading.Thread(target=self._take)

    def _receive(self, output: Output) -> bool:
        self.characters += output.ids.size
        self.times.append(time.perf_counter())
        return self.times[-1] > self._until

    def _take(self) -> None:
        while not self.scheduled.done:
            self._wake.wait()
            self._wake.clear()


def streamed(checkpoint: Checkpoint, engine: CpuEngine, seconds: float) -> tuple[float, float, float]:
    """Characters a second of all streams, and the median and 99th percentile of the time between pieces, in
    milliseconds."""
    scheduler = Scheduler(STREAMS, STREAMS)
    scheduler.start()
    began = time.perf_counter()
    streams = [Stream("\n", checkpoint, began + seconds, seed) for seed in range(STREAMS)]
    for each in streams:
        each.thread.start()
        scheduler.submit(engine, [each.scheduled])
    for each in streams:
        each.thread.join()
    rate = sum(each.characters for each in streams) / (time.perf_counter() - began)
    scheduler.close()
    between = np.concatenate([np.diff(each.times) for each in streams]) * 1000
    return rate, float(np.median(between)), float(np.percentile(between, 99))


def beside(compile: Compile | None, checkpoint: Checkpoint, measured: Callable[[], tuple[float, ...]]) -> list[float]:
    """What is measured while one hostile pattern after the other is compiled, and how many were."""
    ended, count = threading.Event(), 0

    def go_on() -> None:
        nonlocal count
        for source in cycle(HOSTILE):
            if compile is None or ended.is_set():
                return
            with suppress(PatternError):
                compile(Pattern("regex", source), checkpoint.vocabulary, checkpoint.config.outputs)
            count += not ended.is_set()

    thread = threading.Thread(target=go_on)
    thread.start()
    found = measured()
    ended.set()
    thread.join()
    return [*found, count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    checkpoint = load(STARTER_PATH)
    engine, process = CpuEngine(checkpoint), CompilingProcess()
    process(Pattern("regex", "a"), checkpoint.vocabulary, checkpoint.config.outputs)
    ways: dict[str, Compile | None] = {"nothing": None, "in a process": process, "in a thread": compile_pattern}
    rounds: dict[str, list[list[float]]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, compile in ways.items():
            rounds[name].append(beside(compile, checkpoint, lambda: streamed(checkpoint, engine, options.seconds)))
    print("| compiled | characters a second | between pieces, ms | p99 | patterns |\n|---|---|---|---|---|")
    found = {name: [round(float(each), 2) for each in np.median(rows, axis=0)] for name, rows in rounds.items()}
    for name, (rate, median, p99, count) in found.items():
        print(f"| {name} | {rate:,.0f} | {median:.1f} | {p99:.1f} | {count:.0f} |")
    options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
