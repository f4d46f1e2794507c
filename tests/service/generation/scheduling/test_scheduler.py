from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from charrnn import checkpoint as checkpoints
from charrnn.engine.base import Output, Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import precision_of
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Ids
from service.bootstrap.starter import STARTER_PATH
from service.generation.errors import BusyError, ClosedError
from service.generation.scheduling.active_batch import MAX_STEPS
from service.generation.scheduling.scheduled import PART_TOKENS, TURN_TOKENS, ScheduledSequence
from service.generation.scheduling.scheduler import Scheduler

SECONDS = 10


class Asked(ScheduledSequence):
    """A sequence that keeps its outputs."""

    def __init__(
        self,
        length: int = 5,
        wake: threading.Event | None = None,
        end_id: int | None = None,
        sampling: SamplingParams | None = None,
        prompt: int = 1,
        score: bool = False,
        **more: Any,
    ) -> None:
        self.outputs: list[Output] = []
        self.wake = wake or threading.Event()
        ids = np.arange(prompt, dtype=np.int32) % 60
        sequence = Sequence(ids, length, sampling or SamplingParams(), score=score, end_id=end_id)
        super().__init__(sequence, **{"receive": self.outputs.append, "wake": self.wake, **more})

    def tokens_and_logprobs(self) -> list[Any]:
        logprobs = [each for output in self.outputs if output.logprobs for each in output.logprobs.chosen.tolist()]
        return [wait(self).tolist(), logprobs]


def wait(asked: Asked) -> Ids:
    """The ids of a sequence once it has ended."""
    assert asked.wake.wait(SECONDS)
    return np.concatenate([output.ids for output in asked.outputs] or [np.empty(0, np.int32)])


def test_a_sequence_is_generated_to_its_length(scheduler: Scheduler, engine: Any) -> None:
    one = Asked(7)
    scheduler.submit(engine, [one])
    assert wait(one).tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_sequences_advance_together_and_the_others_wait_their_turn(scheduler: Scheduler, engine: Any) -> None:
    opened = threading.Event()
    engine.gate = lambda: opened.wait(SECONDS)
    several = [Asked(length) for length in (3, 30, 300, 3, 30, 9)]
    for one in several:
        scheduler.submit(engine, [one])
    opened.set()
    assert [len(wait(one)) for one in several] == [3, 30, 300, 3, 30, 9]
    assert engine.largest == 4
    assert (scheduler.active, scheduler.waiting) == (0, 0)


def test_a_full_scheduler_refuses_at_once_and_admits_a_request_whole_or_not_at_all(
    scheduler: Scheduler, engine: Any
) -> None:
    opened = threading.Event()
    engine.gate = lambda: opened.wait(SECONDS)
    first = [Asked() for _ in range(6)]
    scheduler.submit(engine, first)
    with pytest.raises(BusyError, match="MAX_WAITING"):
        scheduler.submit(engine, [Asked() for _ in range(3)])
    last = [Asked(), Asked()]
    scheduler.submit(engine, last)
    opened.set()
    assert [len(wait(one)) for one in first + last] == [5] * 8


def test_a_cancelled_sequence_gives_its_place_up(scheduler: Scheduler, engine: Any) -> None:
    entered, opened = threading.Event(), threading.Event()

    def gate() -> None:
        entered.set()
        opened.wait(SECONDS)

    engine.gate = gate
    endless = [Asked(1 << 30) for _ in range(4)]
    scheduler.submit(engine, endless)
    waiting, after = Asked(), Asked()
    scheduler.submit(engine, [waiting, after])
    assert entered.wait(SECONDS)
    waiting.cancel()
    for one in endless:
        one.cancel()
    opened.set()
    assert len(wait(after)) == 5
    assert waiting.wake.wait(SECONDS)
    assert all(one.done for one in endless)
    assert engine.added == 5


def test_a_sequence_gives_its_place_up_as_soon_as_it_has_ended(scheduler: Scheduler, engine: Any) -> None:
    several = [Asked(1 << 30, end_id=end_id) for end_id in (3, 1, 20, 7, 2, 25)]
    scheduler.submit(engine, several)
    assert [wait(one).tolist()[-1] for one in several] == [3, 1, 20, 7, 2, 25]
    assert all(one.outputs[-1].ended for one in several)
    assert (engine.largest, engine.added) == (4, 6)


def test_the_receiver_of_the_outputs_can_end_a_sequence(scheduler: Scheduler, engine: Any) -> None:
    seen: list[int] = []

    def receive(output: Output) -> bool:
        seen.extend(output.ids.tolist())
        return len(seen) >= 6

    one = Asked(1 << 30, receive=receive)
    scheduler.submit(engine, [one])
    assert one.wake.wait(SECONDS)
    assert 6 <= len(seen) < 6 + MAX_STEPS


def test_streaming_wakes_at_every_output(scheduler: Scheduler, engine: Any) -> None:
    wake = threading.Event()
    one = Asked(9, wake, stream=True)
    turns = threading.Semaphore(0)
    engine.gate = lambda: turns.acquire(timeout=SECONDS)
    scheduler.submit(engine, [one])
    woken = []
    while not one.done:
        turns.release()
        assert wake.wait(SECONDS)
        wake.clear()
        woken.append(len(one.outputs))
    assert [id_ for output in one.outputs for id_ in output.ids] == list(range(1, 10))
    assert len(set(woken)) > 2


def test_a_failing_engine_fails_its_sequences_and_nothing_else(scheduler: Scheduler, engine: Any) -> None:
    def fail() -> None:
        raise MemoryError("no more")

    engine.gate = fail
    one = Asked()
    scheduler.submit(engine, [one])
    assert one.wake.wait(SECONDS)
    assert isinstance(one.error, MemoryError)
    engine.gate = lambda: None
    two = Asked()
    scheduler.submit(engine, [two])
    assert len(wait(two)) == 5


def test_closing_finishes_what_was_taken(engine: Any) -> None:
    scheduler = Scheduler(max_active=1, max_waiting=9)
    several = [Asked() for _ in range(5)]
    scheduler.submit(engine, several)
    scheduler.start()
    scheduler.close()
    assert [len(wait(one)) for one in several] == [5] * 5
    with pytest.raises(ClosedError):
        scheduler.submit(engine, [Asked()])


def test_a_requests_thread_can_do_the_work(engine: Any) -> None:
    scheduler = Scheduler(max_active=4, max_waiting=4)  # its own thread is not started
    one = Asked(7)
    scheduler.submit(engine, [one], helps=True)
    scheduler.help(lambda: one.done)
    assert wait(one).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert (scheduler.active, scheduler.waiting) == (0, 0)


def test_what_a_helper_leaves_undone_is_taken_over(scheduler: Scheduler, engine: Any) -> None:
    short, long = Asked(2), Asked(3000)
    scheduler.submit(engine, [long, short], helps=True)
    scheduler.help(lambda: short.done)
    assert len(wait(long)) == 3000


def test_a_helper_does_not_work_for_long(engine: Any) -> None:
    now = iter(range(1000))
    scheduler = Scheduler(max_active=1, max_waiting=1, clock=lambda: float(next(now)))
    one = Asked(1 << 40)
    scheduler.submit(engine, [one], helps=True)
    scheduler.help(lambda: one.done)
    assert not one.done


def test_many_helpers_and_the_thread_share_the_work(scheduler: Scheduler, engine: Any) -> None:
    lengths = list(range(1, 60))
    made: list[int] = []

    def ask(length: int) -> None:
        one = Asked(length)
        while True:
            try:
                scheduler.submit(engine, [one], helps=True)
                break
            except BusyError:
                time.sleep(0.001)
        scheduler.help(lambda: one.done)
        made.append(len(wait(one)))

    threads = [threading.Thread(target=ask, args=(length,)) for length in lengths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert sorted(made) == lengths
    assert (scheduler.active, scheduler.waiting) == (0, 0)


def test_a_short_text_does_not_wait_for_the_end_of_long_ones(scheduler: Scheduler, engine: Any) -> None:
    long = [Asked(1_000_000) for _ in range(4)]
    for one in long:
        scheduler.submit(engine, [one])
    short = Asked(20)
    scheduler.submit(engine, [short])
    assert wait(short).size == 20
    assert not any(one.done for one in long)
    for one in long:
        one.cancel()


def test_sequences_of_one_request_do_not_take_each_other_s_places(scheduler: Scheduler, engine: Any) -> None:
    together = threading.Event()
    several = [Asked(2 * TURN_TOKENS, together) for _ in range(8)]
    scheduler.submit(engine, several)
    while not all(one.done for one in several):
        assert together.wait(SECONDS)
        together.clear()
    assert engine.added == 8


@pytest.mark.parametrize(
    "sampling",
    [
        SamplingParams(seed=1),
        SamplingParams(seed=2, frequency_penalty=0.5, repetition_penalty=1.2, logprobs=2),
        SamplingParams(temperature=0),
    ],
)
def test_a_text_is_the_same_however_often_it_has_left_its_place(sampling: SamplingParams) -> None:
    checkpoint = checkpoints.load(STARTER_PATH)
    engine = CpuEngine(checkpoint, precision_of(checkpoint))
    made = []
    for places in (8, 1):
        scheduler = Scheduler(max_active=places, max_waiting=8)
        several = [Asked(length, sampling=sampling) for length in (900, 700, 300)]
        for one in several:
            scheduler.submit(engine, [one], helps=True)
        scheduler.start()
        scheduler.close()
        assert all(one.error is None for one in several)
        made.append([one.tokens_and_logprobs() for one in several])
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("length", "sampling", "score"),
    [
        (0, SamplingParams(temperature=0), True),
        (40, SamplingParams(seed=3, repetition_penalty=1.2, logprobs=2), True),
        (40, SamplingParams(seed=4, logprobs=0), False),
    ],
)
def test_a_long_prompt_is_read_in_parts_which_change_no_number(
    length: int, sampling: SamplingParams, score: bool
) -> None:
    checkpoint = checkpoints.load(STARTER_PATH)
    engine = CpuEngine(checkpoint, precision_of(checkpoint))
    asked = Asked(length, sampling=sampling, prompt=2 * PART_TOKENS + 7, score=score)
    scheduler = Scheduler(max_active=2, max_waiting=2)
    whole = replace(asked.sequence, prompt=np.arange(2 * PART_TOKENS + 7, dtype=np.int32) % 60, length=length)
    scheduler.submit(engine, [asked], helps=True)
    scheduler.start()
    scheduler.close()
    batch = engine.batch(1)
    batch.add(whole)
    expected: list[Output] = []
    while not (expected and expected[-1].done):
        expected += batch.step(64)
    assert wait(asked).tolist() == [id_ for output in expected for id_ in output.ids.tolist()]
    assert _numbers(asked.outputs) == _numbers(expected)


def _help(scheduler: Scheduler, done: Callable[[], bool]) -> None:
    """Advance everything in this thread until then, however busy the machine is."""
    while not done():
        scheduler.help(done)


def _numbers(outputs: list[Output]) -> list[bytes]:
    """The log-probabilities of the prompt and of what follows it, and the likeliest ids."""
    found = []
    for each in ("prompt_logprobs", "logprobs"):
        parts = [getattr(output, each) for output in outputs if getattr(output, each) is not None]
        for what in ("chosen", "top_ids", "top"):
            found.append(b"".join(getattr(part, what).tobytes() for part in parts))
    return found


def test_a_short_text_does_not_wait_until_long_prompts_are_read(engine: Any) -> None:
    scheduler = Scheduler(max_active=2, max_waiting=8)
    long = [Asked(0, prompt=100 * PART_TOKENS) for _ in range(4)]
    short = Asked(20)
    for one in [*long, short]:
        scheduler.submit(engine, [one], helps=True)
    _help(scheduler, lambda: short.done)
    assert not any(one.done for one in long)


def test_a_suspended_text_that_is_given_up_says_from_where_it_can_go_on(engine: Any) -> None:
    scheduler = Scheduler(max_active=1, max_waiting=2)
    first, second = Asked(1_000_000), Asked(1_000_000)
    for one in (first, second):
        scheduler.submit(engine, [one], helps=True)
    _help(scheduler, lambda: second.tokens > 0)
    scheduler.give_up()
    scheduler.start()
    scheduler.close()
    for one in (first, second):
        assert isinstance(one.error, ClosedError)
        assert one.end is not None and one.end.tokens == wait(one).size > 0
