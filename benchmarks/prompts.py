"""From which length on it pays to keep the states of prompts: processor time of a web process until the first token
with nothing kept, when kept for the first time, and when known here or in Redis; and that of eight choices that read
the prompt each, or together. Run: python -m benchmarks.prompts [--json FILE]."""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.networks import VOCABULARY, network
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.vocabulary import Ids
from service.data_dir import DataDir
from service.generation.admission import Admitted
from service.generation.cancellation import NO_CLIENT, CancelScope
from service.generation.prefix_states import SPACING, PrefixStates
from service.generation.prompt_reader import PromptReader
from service.generation.redis_link import RedisLink, link_to
from service.generation.requests import GenerationRequest
from service.generation.resident import ResidentModel
from service.generation.scheduling.scheduler import Scheduler
from service.generation.sequence_group import SequenceGroup
from service.processes.embedded_redis import embedded_redis
from tests.service.redis_server import running

SHAPES: Final = ((256, 1), (512, 1))
LENGTHS: Final = (512, 1024, 2048, 4096, 16_384, 100_000)
IDS_A_ROUND: Final = 60_000
MOST_ROUNDS: Final = 15
BYTES: Final = 1 << 25

Way = Callable[[Ids], None]


class Process:
    """What a web process has for one network; `generate` a prompt's first token with or without kept states."""

    def __init__(self, hidden_size: int, layers: int, redis: RedisLink, number: int) -> None:
        checkpoint = network("lstm", hidden_size, layers)
        self._model = ResidentModel(
            "model", 1, f"digest {number}", checkpoint.config, checkpoint.vocabulary, CpuEngine(checkpoint)
        )
        self._scheduler = Scheduler(64, 64)
        self._scheduler.start()
        self._redis = redis
        self._here = self._reader()

    def close(self) -> None:
        self._scheduler.close()

    def nothing_kept(self, ids: Ids, n: int = 1) -> None:
        self._generate(ids, None, n)

    def read_once(self, ids: Ids, n: int) -> None:
        self._generate(ids, PromptReader(self._scheduler, PrefixStates()), n)

    def kept(self, ids: Ids) -> None:
        self._generate(ids, self._here)

    def known_in_redis(self, ids: Ids) -> None:
        self._generate(ids, self._reader())

    def _reader(self) -> PromptReader:
        return PromptReader(self._scheduler, PrefixStates(self._redis, 600, BYTES), fewest=SPACING)

    def _generate(self, ids: Ids, reader: PromptReader | None, n: int = 1) -> None:
        request = GenerationRequest("model", tuple(ids[:1].tolist()), length=1, seed=0, n=n)
        admitted, scope = [Admitted(request, self._model, ids, (), "")], CancelScope(NO_CLIENT, None)
        if reader is not None:
            admitted = reader.read(admitted, scope)
        SequenceGroup(self._scheduler, admitted, stream=False).wait(scope)


def seconds(call: Way, ids: Ids) -> float:
    began = time.process_time()
    call(ids)
    return time.process_time() - began


def measure(process: Process, length: int) -> dict[str, float]:
    """Medians of interleaved rounds, in seconds, each with another prompt."""
    found: dict[str, list[float]] = {}
    for seed in range(max(3, min(MOST_ROUNDS, IDS_A_ROUND // length))):
        ids = np.random.default_rng((length, seed)).integers(0, VOCABULARY, length, dtype=np.int32)
        ways: dict[str, Way] = {
            "nothing kept": process.nothing_kept,
            "kept": process.kept,
            "known here": process.kept,
            "known in Redis": process.known_in_redis,
            "8 choices": partial(process.nothing_kept, n=8),
            "8 choices, read once": partial(process.read_once, n=8),
        }
        for name, call in ways.items():
            found.setdefault(name, []).append(seconds(call, ids))
    return {name: statistics.median(each) for name, each in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("prompts.json"))
    arguments = parser.parse_args()
    found: dict[str, dict[int, dict[str, float]]] = {}
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "run").mkdir()
        server = embedded_redis(DataDir(Path(folder)), 1 << 26)
        with running(server), closing(link_to(server.url, 1)) as redis:
            for hidden_size, layers in SHAPES:
                with closing(Process(hidden_size, layers, redis, next(numbers))) as process:
                    process.nothing_kept(np.zeros(300, dtype=np.int32))
                    by_length = found.setdefault(f"{layers}x{hidden_size}", {})
                    for length in LENGTHS:
                        by_length[length] = measure(process, length)
                        cells = " | ".join(f"{1000 * each:.2f}" for each in by_length[length].values())
                        print(f"| {layers}x{hidden_size} | {length:,} | {cells} |", flush=True)
    arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
