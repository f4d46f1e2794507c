from __future__ import annotations

import numpy as np

from service.processes.web_server.memory import (
    GROWN_BYTES,
    LONGEST_SECONDS,
    LOOK_SECONDS,
    FreeMemory,
    give_back,
    resident_bytes,
)


def test_what_is_no_longer_held_is_given_back() -> None:
    held = [np.ones(100_000, dtype=np.int8) for _ in range(1000)]
    kept = np.ones(1000)
    before = resident_bytes()
    assert before > 100_000_000
    held.clear()
    give_back()
    assert before - resident_bytes() > 80_000_000
    assert kept.sum() == 1000


class Machine:
    """A process whose memory is partly free."""

    def __init__(self) -> None:
        self.used = self.free = 0
        self.seconds = 0.0
        self.given: list[float] = []
        self.memory = FreeMemory(lambda: self.used + self.free, self._trim, lambda: self.seconds)

    def _trim(self) -> None:
        self.free = 0
        self.given.append(self.seconds)

    def looks(self, seconds: int) -> list[float]:
        """When memory was given back in this time."""
        self.given.clear()
        for _ in range(seconds):
            self.seconds += 1
            self.memory.look()
        return self.given


def test_nothing_is_given_back_by_a_process_that_has_not_grown() -> None:
    machine = Machine()
    machine.free = GROWN_BYTES
    assert machine.looks(1000) == []


def test_what_is_in_use_is_looked_at_less_and_less_often() -> None:
    machine = Machine()
    machine.used = 2 * GROWN_BYTES
    assert machine.looks(200) == [1, 11, 31, 71, 151]
    assert len(machine.looks(3600)) <= 3600 / LONGEST_SECONDS + 1


def test_what_becomes_free_after_a_while_is_given_back_too() -> None:
    machine = Machine()
    machine.used = 20 * GROWN_BYTES
    machine.looks(30)
    machine.used, machine.free = 0, 20 * GROWN_BYTES  # a heavy request has ended
    machine.looks(int(LONGEST_SECONDS))
    assert machine.free == 0


def test_more_memory_than_before_is_looked_at_soon() -> None:
    machine = Machine()
    machine.used = 2 * GROWN_BYTES
    machine.looks(3600)
    machine.free = 2 * GROWN_BYTES
    assert len(machine.looks(int(LOOK_SECONDS))) == 1
