from __future__ import annotations

import threading

import pytest

from service.generation.cancellation import CancelScope, Client
from service.generation.errors import ClientGoneError, DeadlineError


def test_it_ends_when_the_client_is_gone() -> None:
    with pytest.raises(ClientGoneError):
        CancelScope(Client(lambda: False), None).wait(threading.Event())


def test_it_ends_when_the_time_is_over() -> None:
    now = [5.0]
    scope = CancelScope(Client(lambda: True), None, 3, 4, clock=lambda: now[0])
    assert not scope.wait(threading.Event())
    now[0] = 8.0
    with pytest.raises(DeadlineError, match="within 3 s"):
        scope.wait(threading.Event())


def test_an_event_in_time_counts_even_if_the_client_is_gone() -> None:
    event = threading.Event()
    event.set()
    assert CancelScope(Client(lambda: False), 3).wait(event)
