from __future__ import annotations

import numpy as np

from service.processes.web_server.memory import GROWN_BYTES, LOOK_SECONDS, FreeMemory, give_back, resident_bytes


def test_what_is_no_longer_held_is_given_back() -> None:
    held = [np.ones(100_000, dtype=np.int8) for _ in range(1000)]
    kept = np.ones(1000)
    before = resident_bytes()
    assert before > 100_000_000
    held.clear()
    give_back()
    assert before - resident_bytes() > 80_000_000
    assert kept.sum() == 1000


def test_memory_is_given_back_when_there_is_more_of_it_and_not_too_often() -> None:
    resident, now, given = 0, 0.0, []

    def trim() -> None:
        given.append(now)

    memory = FreeMemory(lambda: resident, trim, lambda: now)
    memory.look()
    resident = GROWN_BYTES + 1
    memory.look()
    assert given == []
    for _ in range(3):
        now += LOOK_SECONDS
        memory.look()
    assert given == [LOOK_SECONDS], "what stays after that is in use"
    resident *= 2
    now += LOOK_SECONDS
    memory.look()
    assert len(given) == 2
