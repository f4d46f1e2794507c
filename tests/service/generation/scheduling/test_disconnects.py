"""Clients who hang up are noticed by the thread that generates, and at once."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from service.generation.cancellation import NO_CLIENT, Client
from service.generation.errors import ClientGoneError
from service.generation.generator import TextGenerator
from service.generation.requests import GenerationRequest
from service.generation.scheduling.disconnects import DisconnectWatcher
from service.generation.scheduling.scheduler import Scheduler
from tests.waiting import LONGEST, until

ENDLESS = GenerationRequest("letters", prompt="a", length=1 << 40)


class Caller:
    """A client at the other end of a real connection, whom only the connection's end gives away."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.client = Client(lambda: True, self.ours.fileno())

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def caller() -> Iterator[Caller]:
    caller = Caller()
    yield caller
    caller.close()


def test_only_a_client_that_disconnects_is_reported_and_only_once(caller: Caller) -> None:
    disconnects, other, left = DisconnectWatcher(), Caller(), []
    with (
        disconnects.watching(caller.client, lambda: left.append("caller")),
        disconnects.watching(other.client, lambda: left.append("other")),
        disconnects.watching(NO_CLIENT, lambda: left.append("nobody")),
    ):
        disconnects.check()
        assert left == []
        other.theirs.close()
        disconnects.check()
        disconnects.check()
        assert left == ["other"]
    other.close()


def test_a_client_that_no_longer_waits_is_not_watched(caller: Caller) -> None:
    disconnects, left = DisconnectWatcher(), []
    with disconnects.watching(caller.client, lambda: left.append("first")):
        pass
    caller.theirs.close()
    disconnects.check()
    assert left == []
    with disconnects.watching(caller.client, lambda: left.append("second")):
        disconnects.check()
    assert left == ["second"]


def test_a_connection_that_is_closed_here_is_no_trouble(caller: Caller) -> None:
    disconnects = DisconnectWatcher()
    with disconnects.watching(caller.client, lambda: None):
        caller.ours.close()
        disconnects.check()
    with disconnects.watching(caller.client, lambda: None):
        disconnects.check()


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_a_descriptor_that_passes_to_the_next_client_takes_no_hang_up_along(restless: None) -> None:
    disconnects, wrong, ended = DisconnectWatcher(), [], threading.Event()

    def check() -> None:
        while not ended.is_set():
            disconnects.check()

    def come_and_go() -> None:
        for _ in range(200):
            leaves = Caller()
            with disconnects.watching(leaves.client, lambda: None):
                leaves.theirs.close()
                time.sleep(0)
            leaves.close()
            stays = Caller()
            with disconnects.watching(stays.client, lambda: wrong.append("stays")):
                time.sleep(0.0002)
            stays.close()

    checking, clients = threading.Thread(target=check), [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in (checking, *clients):
        thread.start()
    for thread in clients:
        thread.join()
    ended.set()
    checking.join()
    assert wrong == []


@pytest.mark.parametrize("streamed", [False, True])
def test_the_slots_of_a_client_that_disconnects_are_free_at_once(
    generator: TextGenerator, scheduler: Scheduler, caller: Caller, streamed: bool
) -> None:
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            if streamed:
                list(generator.stream(ENDLESS, caller.client).pieces)
            else:
                generator.generate(ENDLESS, caller.client)
        except ClientGoneError as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: scheduler.active)
    caller.theirs.close()
    thread.join(LONGEST)
    assert len(raised) == 1
    assert generator.generate(GenerationRequest("letters", prompt="a", length=3)).choices[0].text
    assert scheduler.active == 0
