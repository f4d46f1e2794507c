"""How long a web process takes for the completions that several clients ask for while they type, without HTTP, beside a
beam search in plain torch, which keeps the state of what was typed too. The network is the one that the service comes
with, with units that do nothing added to make it larger. Run: python -m benchmarks.completing TEXT [--clients N]."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.checkpoint import Checkpoint, load
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.model import CharRNN
from service.bootstrap.starter import STARTER_PATH
from service.generation.completing import Completer, CompletionRequest
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from tests.service.conftest import MemoryStore

UNITS: Final = 384
PROMPT: Final = 200
KEYS: Final = 100
SECONDS: Final = 0.15
"""Between two keys of a client."""
FOUND, BEAMS, LENGTH = 5, 16, 30


def enlarged(checkpoint: Checkpoint, units: int) -> Checkpoint:
    """The LSTM of one layer with more units, whose weights are 0: it computes the same."""
    before, config = checkpoint.config.hidden_size, replace(checkpoint.config, hidden_size=units)
    weights = {}
    for name, shape in config.shapes().items():
        old, new = checkpoint.weights[name], np.zeros(shape, dtype=np.float32)
        if name.startswith("rnn."):
            old, view = old.reshape(4, before, *old.shape[1:]), new.reshape(4, units, *new.shape[1:])
            view[tuple(slice(size) for size in old.shape)] = old
        else:
            new[tuple(slice(size) for size in old.shape)] = old
        weights[name] = new
    return Checkpoint(config, checkpoint.vocabulary, weights, checkpoint.record)


class BeamSearch:
    """BEAMS hypotheses of at most LENGTH characters up to a space or a line end, in plain torch."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._vocabulary = checkpoint.vocabulary
        self._network = CharRNN(checkpoint.config).eval()
        self._network.load_state_dict({name: torch.tensor(each) for name, each in checkpoint.weights.items()})
        self._ends = self._vocabulary.encode(" \n").tolist()

    @torch.inference_mode()
    def read(self, text: str, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        logits, state = self._network(torch.tensor(self._vocabulary.encode(text))[None].long(), state)
        return logits[0, -1].log_softmax(0), state

    @torch.inference_mode()
    def search(self, logprobs: Tensor, state: Tensor) -> list[float]:
        """The log-probabilities of the likeliest that were found."""
        found: list[float] = []
        sums = logprobs[None]
        for _ in range(LENGTH):
            found += sums[:, self._ends].logsumexp(1).tolist()
            sums[:, self._ends] = -torch.inf
            best, at = sums.flatten().topk(min(BEAMS, sums.numel()))
            if len(found) >= FOUND and float(best[0]) <= sorted(found)[-FOUND]:
                break
            rows, ids = at // sums.shape[1], at % sums.shape[1]
            logits, state = self._network(ids[:, None], state[:, :, rows].contiguous())
            sums = best[:, None] + logits[:, -1].log_softmax(1)
        return sorted(found)[-FOUND:]


def typed(completer: Completer, text: str) -> list[float]:
    """Seconds for each key that a client types after the first PROMPT characters."""
    taken = []
    for end in range(PROMPT, PROMPT + KEYS):
        began = time.perf_counter()
        completer.complete(CompletionRequest("model", text[:end], FOUND, LENGTH, ("\n", " ")))
        taken.append(time.perf_counter() - began)
        time.sleep(SECONDS)
    return taken[1:]  # the prompt is read with the first key


def by_torch(search: BeamSearch, text: str) -> list[float]:
    """The same for one client with the beam search."""
    taken, (logprobs, state) = [], search.read(text[: PROMPT - 1])
    for end in range(PROMPT, PROMPT + KEYS):
        began = time.perf_counter()
        logprobs, state = search.read(text[end - 1], state)
        search.search(logprobs.clone(), state)
        taken.append(time.perf_counter() - began)
    return taken[1:]  # the prompt is read with the first key


def shown(name: str, seconds: list[float], processor: float) -> str:
    """Median and 99th percentile, and the processor's time for each, in milliseconds."""
    milliseconds: npt.NDArray[np.float64] = 1000 * np.array(seconds)
    each = 1000 * processor / len(seconds)
    return f"{name:<40} {np.median(milliseconds):6.1f} {np.percentile(milliseconds, 99):6.1f} {each:9.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("--clients", type=int, default=4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = enlarged(load(STARTER_PATH), UNITS)
    text = given.text.read_text(encoding="utf-8")[100_000:]
    store, scheduler = MemoryStore(), Scheduler(64, 64)
    store.put("model", checkpoint)
    scheduler.start()
    print(f"{'ms for a key':<40} {'median':>6} {'p99':>6} {'processor':>9}")
    for clients in (1, given.clients):
        completer = Completer(ResidentModels(store, CpuEngine), scheduler)
        texts = [text[5000 * number :] for number in range(clients)]
        began = time.process_time()
        with ThreadPoolExecutor(clients) as pool:
            seconds = [each for one in pool.map(typed, [completer] * clients, texts) for each in one]
        print(shown(f"exact search, clients: {clients}", seconds, time.process_time() - began), flush=True)
    search, began = BeamSearch(checkpoint), time.process_time()
    print(shown(f"torch, beam search of {BEAMS}", by_torch(search, text), time.process_time() - began))
    scheduler.close()


if __name__ == "__main__":
    main()
