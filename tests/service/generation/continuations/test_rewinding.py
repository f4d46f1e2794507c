"""A state in the middle of a text is found again from a checkpoint shortly before."""

from __future__ import annotations

import threading
from collections.abc import Sequence as Items
from typing import Any, Final

import numpy as np
import pytest

from charrnn.engine.base import Engine, Output, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.state_bytes import packed
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Vocabulary
from service.generation.continuations.rewinding import state_after
from service.generation.scheduling.active_batch import MAX_STEPS, ActiveBatch
from service.generation.scheduling.scheduled import CHECKPOINT_TOKENS, ScheduledSequence
from tests.networks import random_network

NETWORK: Final = random_network(Vocabulary("\nab"), "lstm", 9)
SAMPLING: Final = SamplingParams(seed=4, temperature=1.5, frequency_penalty=0.4, logprobs=1)
PROMPT: Final = np.array([1, 2, 1], dtype=np.int32)


class Counting:
    """An engine that counts the steps of its batches."""

    def __init__(self) -> None:
        self.engine = CpuEngine(NETWORK)
        self.steps = self.states = 0

    def batch(self, capacity: int) -> Any:
        return CountingBatch(self, self.engine.batch(capacity))


class CountingBatch:
    def __init__(self, counting: Counting, batch: Any) -> None:
        self._counting, self._batch = counting, batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def step(self, steps: int) -> Items[Output]:
        self._counting.steps += steps
        found: Items[Output] = self._batch.step(steps)
        return found

    def state(self, handle: int) -> Any:
        self._counting.states += 1
        return self._batch.state(handle)


def engine_of(counting: Counting) -> Engine:
    return counting  # type: ignore[return-value]


@pytest.mark.parametrize("stop", [1, 2, 40, 1000, 1001])
def test_the_state_is_that_after_so_many_tokens_however_far_the_batch_is(stop: int) -> None:
    counting = Counting()
    sequence = Sequence(PROMPT, 5000, SAMPLING, score=True)
    tokens = 0

    def receive(output: Output) -> bool:
        nonlocal tokens
        tokens += output.ids.size
        return tokens >= stop

    scheduled = ScheduledSequence(sequence, receive, threading.Event(), keeps_end=True, keeps_checkpoints=True)
    batch = ActiveBatch(engine_of(counting).batch(1), clock=lambda: 0.0)
    batch.add(scheduled)
    while not scheduled.done:
        batch.step()
    assert scheduled.end is None  # the batch is further
    assert counting.states <= 1 + stop // CHECKPOINT_TOKENS
    counting.steps = 0
    state = state_after(engine_of(counting), sequence, stop, scheduled.checkpoint)
    assert counting.steps <= max(PROMPT.size, CHECKPOINT_TOKENS) + MAX_STEPS
    direct = counting.engine.batch(1)
    handle = direct.add(Sequence(PROMPT, stop, SAMPLING))
    direct.step(PROMPT.size + stop)
    assert packed(state) == packed(direct.state(handle))


def test_the_state_at_the_end_is_that_of_the_batch() -> None:
    counting = Counting()
    scheduled = ScheduledSequence(Sequence(PROMPT, 30, SAMPLING), lambda _: None, threading.Event(), keeps_end=True)
    other = ScheduledSequence(Sequence(PROMPT, 20, SAMPLING), lambda _: None, threading.Event())
    batch = ActiveBatch(engine_of(counting).batch(2), clock=lambda: 0.0)
    batch.add(scheduled)
    batch.add(other)
    while not (scheduled.done and other.done):
        batch.step()
    assert scheduled.end is not None and (scheduled.end.tokens, scheduled.end.state.position) == (30, 30)
    assert (other.end, counting.states) == (None, 1)


def test_what_is_given_up_keeps_its_state_if_it_has_begun() -> None:
    batch = ActiveBatch(CpuEngine(NETWORK).batch(2), clock=lambda: 0.0)
    long, reading = (
        ScheduledSequence(Sequence(prompt, 5000, SAMPLING), lambda _: None, threading.Event())
        for prompt in (PROMPT, np.ones(100_000, dtype=np.int32))
    )
    batch.add(long)
    batch.add(reading)
    while long.tokens == 0:
        batch.step()
    batch.give_up(RuntimeError("over"))
    assert long.end is not None and (long.end.tokens, long.end.state.position) == (long.tokens, long.tokens)
    assert reading.end is None and reading.done and str(reading.error) == "over"
