"""Anomaly detection by the line: how well the bits per character of a line tell odd lines from usual ones.

    python -m benchmarks.records.anomalies [--lines 200000] [--odd 50] [--train 20000] [--minutes 5] [--log FILE]

Makes lines of this service's own log (or takes those of FILE), puts odd ones among them, trains on a sample of the
usual lines with a job's defaults, scores all others as `POST /score` does, and prints the area under the ROC curve, the
probability that an odd line scores higher than a usual one, for two scores: bits per character, and the bits of the
most surprising span (0 without one). A line with a character that the model does not know is the oddest of all.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.records.service_log import altered, lines, odd_lines
from charrnn.training.config import Budget
from charrnn.vocabulary import Vocabulary
from model_store.held_out import held_out_scores
from model_store.store import ModelStore
from service.bootstrap.training import build_trainer
from service.generation.engines import build_engine
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scoring import Scorer
from service.settings import Settings
from service.training.jobs.requests import JobRequest
from service.training.records.format import RecordFormat

MODEL = "log"
AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Judged:
    """What the model says of a line, infinite for unknown characters: bits per character, and the bits of its most
    surprising span, 0 if none stands out."""

    rate: float
    span: float


def train(settings: Settings, sample: Sequence[str], minutes: float) -> None:
    training = build_trainer(settings)
    corpus, _ = training.corpora.add([("\n".join(sample) + "\n").encode()], "log")
    asked = JobRequest(corpus.id, MODEL, records=RecordFormat(unit="line"), budget=Budget(minutes=minutes))
    job = training.jobs.create(asked)
    training.runner.run(job.id, threading.Event())
    done = training.jobs.get(job.id)
    if done.status != "succeeded":
        raise SystemExit(f"the job {done.status}: {done.state.error}")
    print(
        f"trained on {len(sample)} lines: {training.models.describe(MODEL, 1).record.json['bits_per_character']:.3f}"
        " bits per character on those held out"
    )


def judged(settings: Settings, texts: Sequence[str]) -> list[Judged]:
    store = ModelStore(settings.data.models)
    models = ResidentModels(store, build_engine("cpu", settings.data.packed, settings.data.kernels))
    scheduler = Scheduler(settings.max_active, settings.max_waiting)
    scheduler.start()
    scorer = Scorer(models, scheduler, held_out=lambda name, version: held_out_scores(store, name, version))
    vocabulary = models.get(MODEL).vocabulary
    known = [index for index, text in enumerate(texts) if _is_known(vocabulary, text)]
    found = [Judged(math.inf, math.inf)] * len(texts)
    for start in range(0, len(known), AT_ONCE):
        some = known[start : start + AT_ONCE]
        scores = scorer.score_all(MODEL, [texts[index] for index in some])
        for index, score in zip(some, scores.scores, strict=True):
            spans = (span.bits for span in scores.surprising(score))
            found[index] = Judged(score.bits_per_character or 0.0, max(spans, default=0.0))
    scheduler.close()
    return found


def _is_known(vocabulary: Vocabulary, text: str) -> bool:
    return set(text) <= set(vocabulary.characters)


def area(usual: Sequence[float], odd: Sequence[float]) -> float:
    """The area under the ROC curve; a tie counts half."""
    ordered = np.sort(usual)
    below, to = np.searchsorted(ordered, odd), np.searchsorted(ordered, odd, side="right")
    return float(np.mean((below + to) / 2) / len(ordered))


def report(usual: list[Judged], odd: list[tuple[str, Judged]], seconds: float, characters: int) -> None:
    speed = characters / seconds
    print(f"scored {len(usual)} usual and {len(odd)} odd lines in {seconds:.0f} s ({speed:,.0f} characters a second)")
    rates, spans = [each.rate for each in usual], [each.span for each in usual]
    print("\n| odd lines | number | AUC, bits per character | AUC, largest span | with a span |\n|---|---|---|---|---|")
    kinds = {kind: [each for other, each in odd if other == kind] for kind in dict.fromkeys(kind for kind, _ in odd)}
    for kind, found in {**kinds, "all": [each for _, each in odd]}.items():
        by_rate = area(rates, [each.rate for each in found])
        by_span = area(spans, [each.span for each in found])
        share = np.mean([each.span > 0 for each in found])
        print(f"| {kind} | {len(found)} | {by_rate:.4f} | {by_span:.4f} | {share:.0%} |")
    print(f"\n{np.mean([each > 0 for each in spans]):.1%} of the usual lines have a span that stands out")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--odd", type=int, default=50)
    parser.add_argument("--train", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    if arguments.log is None:
        usual = lines(arguments.lines - arguments.odd, arguments.seed)
        odd = list(odd_lines(arguments.odd, arguments.lines, arguments.seed + 1))
    else:
        usual = list(dict.fromkeys(arguments.log.read_text(errors="replace").splitlines()))
        odd = [altered(rng.choice(usual), rng) for _ in range(arguments.odd)]
    rng.shuffle(usual)
    sample, others = usual[: arguments.train], usual[arguments.train :]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        train(settings, sample, arguments.minutes)
        began = time.perf_counter()
        found = judged(settings, [*others, *(line for _, line in odd)])
        seconds = time.perf_counter() - began
    odd_found = list(zip((kind for kind, _ in odd), found[len(others) :], strict=True))
    report(found[: len(others)], odd_found, seconds, sum(map(len, others)))


if __name__ == "__main__":
    main()
