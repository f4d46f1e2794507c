from __future__ import annotations

import threading
from typing import Any

import numpy as np

from charrnn.engine.base import Sequence
from service.generation.scheduling.scheduled import ScheduledSequence
from service.generation.scheduling.waiting import Waiting


def one(request: threading.Event) -> ScheduledSequence:
    return ScheduledSequence(Sequence(np.zeros(1, np.int32), 5), lambda _: None, request)


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
