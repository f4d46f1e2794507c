"""Characters per second of a batch of 64 on one core, half of whose texts have to fit patterns, beside the same batch
without: texts of the same lengths. Run: python -m benchmarks.patterns [--rounds N] [--json FILE]."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from charrnn.checkpoint import Checkpoint, load
from charrnn.config import ModelConfig
from charrnn.engine import base
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.patterns.automaton import Automaton, Fit
from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.record import TrainingRecord
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Vocabulary
from service.bootstrap.starter import STARTER_PATH

SIZE: Final = 64
STEPS: Final = 32
LENGTH: Final = 400
TOKENS: Final = 40_000
"""Of the texts that fit, in one measurement."""
_WORD: Final = "[A-Z][a-z]{2,11}"
_DATE: Final = "(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
STARTER: Final = {
    "names, one a text": f"{_WORD} {_WORD}",
    "lines of 10 to 40": "(?:[^\n]{10,40}\n){12}",
    "speeches": "(?:(?:ROMEO|JULIET|First Citizen):\n(?:[A-Z][^\n]{10,60}\n){1,4}\n){4}",
    "anything but a $": "[^$]*",
}
RANDOM: Final = {
    "names": f"(?:{_WORD} {_WORD}\n){{20}}",
    "dates": f"(?:{_DATE}\n){{30}}",
    "log lines": f"(?:{_DATE} {_TIME} (?:INFO|WARNING|ERROR) [a-z]{{3,9}}: [^\n]{{10,60}}\n){{6}}",
    "JSON rows": f'(?:\\{{"name": "{_WORD}", "age": [1-9][0-9]?, "married": (?:true|false)\\}}\n){{8}}',
    "anything": "[^a]*",
}
"""Patterns for the starter model; and for a network with random weights, whose texts soon end where they may."""


def network() -> Checkpoint:
    """An LSTM of 384 units with random weights, of printable ASCII and line breaks, which never writes an a."""
    vocabulary = Vocabulary("\n" + "".join(map(chr, range(32, 127))))
    config = ModelConfig(len(vocabulary), "lstm", 384, 1)
    random, bound = np.random.default_rng(0), 384**-0.5
    weights = {name: random.uniform(-bound, bound, shape).astype(np.float32) for name, shape in config.shapes().items()}
    weights["output.bias"][vocabulary.encode("a")] = -100
    return Checkpoint(config, vocabulary, weights, TrainingRecord({}))


def generated(engine: CpuEngine, texts: Sequence[base.Sequence]) -> tuple[list[int], float]:
    """Generate the texts in one half of a batch, beside endless ones; for each how many ids were drawn, the one that
    ends it included, and the ids drawn per second of processor time in the whole batch."""
    batch, waiting, drawn = engine.batch(SIZE), deque(enumerate(texts)), [0] * len(texts)
    for i in range(SIZE // 2):
        batch.add(base.Sequence(texts[0].prompt, 1_000_000, SamplingParams(seed=-1 - i)))
    running: dict[int, int] = {}
    began, made = time.process_time(), 0
    while True:
        while waiting and len(running) < SIZE // 2:
            index, text = waiting.popleft()
            running[batch.add(text)] = index
        if not running:
            return drawn, (made + sum(drawn)) / (time.process_time() - began)
        for output in batch.step(STEPS):
            if output.handle not in running:
                made += output.ids.size
                continue
            drawn[running[output.handle]] += output.ids.size + output.completed
            if output.done:
                batch.remove(output.handle)
                del running[output.handle]


def contenders(engine: CpuEngine, prompt: base.Ids, automaton: Automaton) -> dict[str, Callable[[], float]]:
    """The texts that fit, and others of as many ids."""
    fitting: list[base.Sequence] = []
    lengths: list[int] = []
    while sum(lengths) < TOKENS:
        seeds = range(len(fitting), len(fitting) + SIZE)
        more = [base.Sequence(prompt, LENGTH, SamplingParams(seed=seed), fit=Fit(automaton)) for seed in seeds]
        fitting, lengths = fitting + more, lengths + generated(engine, more)[0]
    plain = [replace(text, length=length, fit=None) for text, length in zip(fitting, lengths, strict=True)]
    return {"with": lambda: generated(engine, fitting)[1], "without": lambda: generated(engine, plain)[1]}


def measure(rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, checkpoint, patterns in (
        ("starter model", load(STARTER_PATH), STARTER),
        ("1 layer of 384", network(), RANDOM),
    ):
        engine = CpuEngine(checkpoint)
        prompt = np.array(checkpoint.vocabulary.encode("\n"), dtype=np.int32)
        of_patterns = found[name] = {}
        for kind, source in patterns.items():
            compiled = compile_pattern(Pattern("regex", source), checkpoint.vocabulary, checkpoint.config.outputs)
            of_patterns[kind] = compared(contenders(engine, prompt, compiled.automaton), rounds)
            print(name, kind, len(compiled.automaton), of_patterns[kind], flush=True)
    return found


def compared(calls: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Medians of interleaved rounds, and the median of their ratios."""
    rates = [{name: call() for name, call in calls.items()} for _ in range(rounds)]
    medians = {name: round(statistics.median(rate[name] for rate in rates)) for name in calls}
    return {**medians, "ratio": round(statistics.median(rate["with"] / rate["without"] for rate in rates), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("patterns.json"))
    options = parser.parse_args()
    found = measure(options.rounds)
    for name, of_patterns in found.items():
        print(f"\n| {name} | with patterns | without | ratio |\n|---|---|---|---|")
        for kind, rates in of_patterns.items():
            print(f"| {kind} | {rates['with']:,} | {rates['without']:,} | {rates['ratio']:.3f} |")
    options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
