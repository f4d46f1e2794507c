"""The load: clients that generate, upload, train, publish, promote and delete, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from random import Random
from typing import Final

PARKED_SECONDS: Final = 150.0
"""The longest that a request may take whose process was suspended, and a stream that goes on after it."""

Act = Callable[[], None]


class Load:
    """Clients that act again and again, except while they are `parked`."""

    def __init__(self) -> None:
        self._over, self._parking = threading.Event(), threading.Event()
        self._condition = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._parked = 0
        self._failed: list[BaseException] = []

    def begin(self, acts: list[tuple[Act, float]]) -> None:
        """Begin: each act in a thread of its own, with so many seconds between two."""
        for act, pause in acts:
            thread = threading.Thread(target=self._run, args=(act, pause), name=repr(act), daemon=True)
            self._threads.append(thread)
            thread.start()

    def park(self) -> None:
        """Let every client finish what it is doing, and wait. Raises what a client failed with."""
        self._parking.set()
        with self._condition:
            rested = self._condition.wait_for(
                lambda: self._failed or self._parked == len(self._threads), PARKED_SECONDS
            )
        if self._failed:
            raise self._failed[0]
        assert rested, f"only {self._parked} of {len(self._threads)} clients came to an end"

    def go_on(self) -> None:
        """Let them act again."""
        self._parking.clear()

    def end(self) -> None:
        """End them; those that still wait for a reply are left."""
        self._over.set()
        self._parking.clear()

    def _run(self, act: Act, pause: float) -> None:
        try:
            while not self._over.wait(pause):
                if self._parking.is_set():
                    self._rest()
                else:
                    act()
        except BaseException as error:
            with self._condition:
                self._failed.append(error)
                self._condition.notify_all()

    def _rest(self) -> None:
        with self._condition:
            self._parked += 1
            self._condition.notify_all()
        while self._parking.is_set():
            time.sleep(0.02)
        with self._condition:
            self._parked -= 1


def seeded(seed: str, name: str) -> Random:
    """The random numbers of one client, which do not depend on what others do."""
    return Random(f"{seed} {name}")
