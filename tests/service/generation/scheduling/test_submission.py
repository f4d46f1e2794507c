"""A request with more sequences than places gets all of them computed, the last ones as the first ones end."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from charrnn.engine.base import Output, Sequence
from service.generation.cancellation import NO_CLIENT, CancelScope, Client
from service.generation.errors import BusyError, ClientGoneError
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.scheduler import Scheduler
from service.generation.scheduling.submission import Submission
from service.generation.scheduling.waiting import Submitted
from tests.service.conftest import CountingEngine

SECONDS = 10


class Several:
    """The sequences of one request, and how many ids of each have arrived."""

    def __init__(self, engine: Any, *lengths: int) -> None:
        self.wake = threading.Event()
        self.made = [0] * len(lengths)
        self.sequences: list[Submitted] = [(engine, self._one(at, length)) for at, length in enumerate(lengths)]

    def submit(self, scheduler: Scheduler, **more: Any) -> Submission:
        return Submission(scheduler, self.sequences, self.wake, **more)

    def errors(self) -> list[BaseException | None]:
        return [one.error for _, one in self.sequences]

    def _one(self, at: int, length: int) -> ScheduledSequence:
        def receive(output: Output) -> None:
            self.made[at] += output.ids.size

        return ScheduledSequence(Sequence(np.zeros(1, np.int32), length), receive, self.wake)


def scope(client: Client = NO_CLIENT) -> CancelScope:
    return CancelScope(client, SECONDS)


@pytest.mark.parametrize("helps", [False, True])
def test_more_than_can_be_active_and_waiting_take_turns(scheduler: Scheduler, engine: Any, helps: bool) -> None:
    lengths = [1 + 7 * at % 40 for at in range(50)]
    several = Several(engine, *lengths)
    several.submit(scheduler, helps=helps).wait(scope())
    assert several.made == lengths
    assert engine.largest == 4
    assert (scheduler.active, scheduler.waiting) == (0, 0)


def test_a_request_takes_no_more_places_than_may_be_active(scheduler: Scheduler, engine: Any) -> None:
    opened = threading.Event()
    engine.gate = lambda: opened.wait(SECONDS)
    first, second, third = (Several(engine, *[5] * count) for count in (20, 20, 1))
    begun = [each.submit(scheduler) for each in (first, second)]
    with pytest.raises(BusyError):
        third.submit(scheduler)
    opened.set()
    for submission in begun:
        submission.wait(scope())
    assert first.made == second.made == [5] * 20


def test_a_place_is_left_to_others() -> None:
    scheduler, engine = Scheduler(max_active=16, max_waiting=16), CountingEngine()
    many, one = Several(engine, *[5] * 40), Several(engine, 5)
    begun = [many.submit(scheduler), one.submit(scheduler)]
    scheduler.start()
    for submission in begun:
        submission.wait(scope())
    assert (many.made, one.made) == ([5] * 40, [5])
    assert engine.largest == 15
    scheduler.close()


def test_as_many_as_belong_together_begin_together_or_not_at_all(scheduler: Scheduler, engine: Any) -> None:
    opened = threading.Event()
    engine.gate = lambda: opened.wait(SECONDS)
    first = Several(engine, *[5] * 8)
    begun = first.submit(scheduler, at_once=8)
    with pytest.raises(BusyError):
        Several(engine, 5).submit(scheduler)
    opened.set()
    begun.wait(scope())
    assert first.made == [5] * 8


def test_after_a_failure_no_more_are_computed(scheduler: Scheduler, engine: Any) -> None:
    def fail() -> None:
        raise MemoryError("no more")

    engine.gate = fail
    several = Several(engine, *[5] * 20)
    several.submit(scheduler).wait(scope())
    assert engine.added == 4
    assert sum(isinstance(error, MemoryError) for error in several.errors()) == 4


def test_a_client_that_disconnects_cancels_all_of_them(scheduler: Scheduler, engine: Any) -> None:
    several = Several(engine, *[1 << 40] * 20)
    with pytest.raises(ClientGoneError):
        several.submit(scheduler).wait(scope(Client(lambda: False)))
    again = Several(engine, 5)
    again.submit(scheduler).wait(scope())
    assert (again.made, engine.added) == ([5], 5)


def test_nothing_to_submit_has_ended(scheduler: Scheduler, engine: Any) -> None:
    Several(engine).submit(scheduler).wait(scope())
    assert engine.added == 0
