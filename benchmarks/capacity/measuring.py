"""The real service with one and with two web processes under clients that ask again and again, and the engine alone:
what the formulas and the simulation are compared with.

Other programs spoil it. So a round begins when they leave the machine in peace, and is repeated if they do not.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeVar

import numpy as np

from benchmarks.capacity.steps import StepTime
from benchmarks.http import Target, large, load
from benchmarks.networks import VOCABULARY
from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.starter import STARTER_PATH
from tests.system.memory import descendants, processor_seconds, role
from tests.system.running import Service
from tests.waiting import until

T = TypeVar("T")

RESULTS: Final = Path(__file__).with_name("measured.json")
MODELS: Final[dict[str, Callable[[], Checkpoint]]] = {
    "shakespeare": lambda: checkpoints.load(STARTER_PATH),
    "large": large,
}
NETWORKS: Final = {
    "shakespeare": ModelConfig(VOCABULARY, "lstm", 256, 1),
    "large": ModelConfig(VOCABULARY, "lstm", 512, 2),
}
"""What they are, but for a few tokens; the second one has random weights."""
Asked = tuple[str, int, int]
"""Model, length and clients."""
ASKED: Final[tuple[Asked, ...]] = (
    *(("shakespeare", length, 16) for length in (1, 100, 400, 1000)),
    *(("shakespeare", 100, 1), ("shakespeare", 100, 64), ("large", 200, 1), ("large", 200, 16)),
)
"""The first one shows what a request takes besides its characters."""
PROCESSES: Final = (1, 2)
BATCHES: Final = (1, 2, 4, 8, 16, 64)
SECONDS: Final = 2.0
STEPS_SECONDS: Final = 0.05
MOST_OTHERS: Final = 0.1
"""The share of the machine that other programs may take."""
TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Loaded:
    """Web processes with clients that ask again: requests a second, processor time of the web processes for each, p50
    and p99 in seconds."""

    model: str
    length: int
    clients: int
    processes: int
    rate: float
    core_seconds: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Results:
    """Medians over the rounds: seconds of a step by model and batch, and the loads."""

    steps: dict[str, dict[int, float]]
    loads: list[Loaded]

    @classmethod
    def read(cls, path: Path = RESULTS) -> Results:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        steps = {model: {int(batch): each for batch, each in of.items()} for model, of in found["steps"].items()}
        return cls(steps, [Loaded(**each) for each in found["loads"]])

    def write(self, path: Path = RESULTS) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def step_time(self, model: str) -> StepTime:
        """The two numbers of the model: a single sequence's step, and of the largest batch each one's share."""
        seconds = self.steps[model]
        largest = max(seconds)
        return StepTime(seconds[1], seconds[largest] / largest)


def measure(rounds: int) -> Results:
    """All of it; the service runs twice, with one and with two processes, and only one of them is asked at a time."""
    steps: dict[str, list[dict[int, float]]] = {model: [] for model in MODELS}
    loads: dict[tuple[int, Asked], list[Loaded]] = {}
    with ExitStack() as stack:
        services = {count: stack.enter_context(running(count)) for count in PROCESSES}
        for _ in range(rounds):
            for model, checkpoint in MODELS.items():
                steps[model].append(undisturbed(partial(step_seconds, checkpoint())))
            for (processes, service), asked in product(services.items(), ASKED):
                found = undisturbed(partial(loaded, service, processes, *asked))
                loads.setdefault((processes, asked), []).append(found)
    medians = {model: {batch: median(each[batch] for each in of) for batch in BATCHES} for model, of in steps.items()}
    return Results(medians, [combined(each) for each in loads.values()])


def combined(found: list[Loaded]) -> Loaded:
    """The medians of rounds with the same load."""
    numbers = {name: median(getattr(each, name) for each in found) for name in ("rate", "core_seconds", "p50", "p99")}
    return Loaded(**(asdict(found[0]) | numbers))


def undisturbed(do: Callable[[], T]) -> T:
    """What it returns in the first of a few tries in which other programs took little, or in the last one."""
    for _ in range(TRIES):
        wait_for_quiet()
        before = machine_seconds(), own_seconds()
        result = do()
        total, busy = (now - then for now, then in zip(machine_seconds(), before[0], strict=True))
        if (busy - (own_seconds() - before[1])) / total < MOST_OTHERS:
            break
    return result


def wait_for_quiet(seconds: float = 30) -> None:
    """Wait until the machine is idle, but not for longer."""
    until_ = time.monotonic() + seconds
    while time.monotonic() < until_:
        total, busy = machine_seconds()
        time.sleep(0.5)
        total, busy = (now - then for now, then in zip(machine_seconds(), (total, busy), strict=True))
        if busy / total < MOST_OTHERS:
            return


def machine_seconds() -> tuple[float, float]:
    """Of all cores, since it was started: all, and those in which they were busy."""
    counts = list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]))
    ticks = os.sysconf("SC_CLK_TCK")
    return sum(counts) / ticks, (sum(counts) - counts[3] - counts[4]) / ticks


def own_seconds() -> float:
    """Processor time of this process and all that it has started."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + sum(map(processor_seconds, descendants(os.getpid())))


def step_seconds(checkpoint: Checkpoint) -> dict[int, float]:
    """Of a step by its batch, in processor time."""
    engine, found = CpuEngine(checkpoint), {}
    for count in BATCHES:
        batch = engine.batch(count)
        for number in range(count):
            batch.add(Sequence(np.array([number % 60], np.int32), length=10**7))
        batch.step(10)
        steps, began = 0, time.process_time()
        while (took := time.process_time() - began) < STEPS_SECONDS:
            batch.step(10)
            steps += 10
        found[count] = took / steps
    return found


@contextmanager
def running(processes: int) -> Iterator[Service]:
    """The service with so many web processes and the models."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = ModelStore(folder / "data" / "models")
        for model, checkpoint in MODELS.items():
            publish_and_promote(store, model, checkpoint(), "always")
        service = Service(folder / "data", folder / "log", WEB_WORKERS=str(processes), LOG_LEVEL="error")
        try:
            until(lambda: service.answers("/readyz"))
            yield service
        finally:
            service.end()


def loaded(service: Service, processes: int, model: str, length: int, clients: int) -> Loaded:
    """Have clients ask again and again for SECONDS."""
    target = Target("", f"http://127.0.0.1:{service.port}/generate", length, model=model)
    before = web_seconds(service)
    rate, p50, p99, _ = load(target, clients, SECONDS)
    used = web_seconds(service) - before
    return Loaded(model, length, clients, processes, rate, used / (rate * SECONDS), p50 / 1e3, p99 / 1e3)


def web_seconds(service: Service) -> float:
    """Processor time of the web processes so far."""
    return sum(processor_seconds(pid) for pid in descendants(service.process.pid) if role(pid) == "web")
