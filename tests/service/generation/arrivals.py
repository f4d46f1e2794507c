"""Threads that ask for texts at the same moment, and are let go on once all have come as far as that."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial
from typing import Any

from service.generation.cancellation import Client
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from tests.waiting import LONGEST, until


class Arrivals:
    """Holds up an engine by its gate. A thread has arrived when it is in the gate, or when it looks whether its client
    is still there, as those do that wait for another thread."""

    def __init__(self, engine: Any) -> None:
        self._arrived = set[int]()
        self._opened = threading.Event()
        engine.gate = self._enter

    def together(self, asked: Iterable[tuple[TextGenerator, GenerationRequest]]) -> list[Any]:
        """What each makes of its request, all at once."""
        made: list[Any] = []
        threads = [threading.Thread(target=partial(self._ask, made, *each)) for each in asked]
        for thread in threads:
            thread.start()
        until(lambda: {thread.ident for thread in threads} <= self._arrived)
        self._opened.set()
        for thread in threads:
            thread.join(LONGEST)
        return made

    def _ask(self, made: list[Any], generator: TextGenerator, request: GenerationRequest) -> None:
        made.append(generator.generate(request, Client(is_connected=self._is_waited_for)))

    def _is_waited_for(self) -> bool:
        self._arrived.add(threading.get_ident())
        return True

    def _enter(self) -> None:
        self._arrived.add(threading.get_ident())
        assert self._opened.wait(LONGEST)
