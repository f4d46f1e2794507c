from __future__ import annotations

import numpy as np

from service.processes.web_server.memory import GROWN_BYTES, LOOK_SECONDS, FreeMemory, give_back, resident_bytes


def test_what_is_resident_grows_with_what_is_held_and_shrinks_when_it_is_given_back() -> None:
    before = resident_bytes()
    held = [np.ones(100_000, dtype=np.int8) for _ in range(1000)]
    kept = np.ones(1000)
    assert resident_bytes() - before > 80_000_000
    held.clear()
    give_back()
    assert resident_bytes() - before < 20_000_000
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
