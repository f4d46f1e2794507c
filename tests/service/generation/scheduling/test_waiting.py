from __future__ import annotations

import threading
from typing import Any

import numpy as np

from charrnn.engine.base import Sequence
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.waiting import Waiting


def one(request: threading.Event, length: int = 5) -> ScheduledSequence:
    return ScheduledSequence(Sequence(np.zeros(1, np.int32), length), lambda _: None, request)


def test_requests_take_turns_and_their_sequences_keep_their_order(engine: Any) -> None:
    many, few = threading.Event(), threading.Event()
    waiting = Waiting()
    first = [one(many) for _ in range(3)]
    later = [one(few)]
    for each in first + later:
        waiting.append((engine, each))
    assert (waiting.others(many), waiting.others(few), len(waiting)) == (True, True, 4)
    assert [waiting.popleft()[1] for _ in range(2)] == [first[0], later[0]]
    assert (waiting.others(many), waiting.others(few)) == (False, True)
    assert [waiting.popleft()[1] for _ in range(2)] == first[1:]
    assert not waiting
    assert not waiting.others(many)


def test_requests_get_the_same_number_of_tokens(engine: Any) -> None:
    long, short = threading.Event(), threading.Event()
    waiting = Waiting()
    for request, length in ((long, 99), (short, 9)):
        for _ in range(20):
            waiting.append((engine, one(request, length)))
    order = [waiting.popleft()[1].request for _ in range(22)]
    assert order.count(long) == 2


def test_a_newcomer_comes_next_and_does_not_catch_up(engine: Any) -> None:
    early, late = threading.Event(), threading.Event()
    waiting = Waiting()
    for _ in range(20):
        waiting.append((engine, one(early)))
    for _ in range(10):
        waiting.popleft()
    for _ in range(10):
        waiting.append((engine, one(late)))
    order = [waiting.popleft()[1].request for _ in range(10)]
    assert (order[:2].count(late), order.count(late)) == (1, 5)


def test_what_a_request_has_had_counts_when_it_comes_back(engine: Any) -> None:
    many, few = threading.Event(), threading.Event()
    waiting = Waiting()
    for request, length in ((many, 99), (few, 9), (few, 9)):
        waiting.append((engine, one(request, length)))
    assert waiting.popleft()[1].request is many
    waiting.append((engine, one(many, 99)))
    assert [waiting.popleft()[1].request for _ in range(3)] == [few, few, many]
