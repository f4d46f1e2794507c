from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from gunicorn.config import Config

from service.processes.web_server.client_socket import ClientSocket
from service.processes.web_server.connection import Connection
from service.processes.web_server.request_parser import Parser
from service.processes.web_server.stuck_clients import StuckClients
from service.processes.web_server.thread_pool import ThreadPool
from tests.waiting import LONGEST, until


class Silent:
    """A client that reads nothing, and a thread that writes to it."""

    def __init__(self) -> None:
        self.far, near = socket.socketpair()
        self.client = ClientSocket(near, ThreadPool(1), 20)
        self.connection = Connection(self.client, Parser(Config(), self.client, None), None, None)
        self.error: Any = None
        self.thread = threading.Thread(target=self._write)
        self.thread.start()
        until(lambda: self.client.waited_for)

    def _write(self) -> None:
        try:
            self.client.sendall(bytes(1 << 24))
        except ConnectionError as error:
            self.error = error

    def close(self) -> None:
        self.client.hang_up()
        self.thread.join(LONGEST)
        self.far.close()
        self.client.close()


@pytest.fixture(scope="module")
def silent() -> Iterator[Callable[[], Silent]]:
    with ExitStack() as stack:

        def new() -> Silent:
            made = Silent()
            stack.callback(made.close)
            return made

        yield new


def test_those_who_have_waited_longest_are_given_up_when_there_are_too_many(silent: Callable[[], Silent]) -> None:
    first, second, third = silent(), silent(), silent()
    served = [each.connection for each in (third, first, second)]
    StuckClients(most=2, seconds=LONGEST).relieve(served)
    assert not first.client.given_up, "a client that has just begun to be slow"
    StuckClients(most=2, seconds=0).relieve(served)
    assert [each.client.given_up for each in (first, second, third)] == [True, False, False]
    first.thread.join(LONGEST)
    assert "does not read" in str(first.error)


def test_they_are_given_up_when_the_memory_of_the_process_has_grown_while_they_were_stuck(
    silent: Callable[[], Silent],
) -> None:
    resident = 1000
    slow = silent()
    stuck = StuckClients(most=9, most_bytes=100, resident=lambda: resident, seconds=0)
    stuck.relieve([slow.connection])
    assert not slow.client.given_up
    resident = 1101
    stuck.relieve([])  # what has grown without them
    stuck.relieve([slow.connection])
    assert not slow.client.given_up
    resident = 1202
    stuck.relieve([slow.connection])
    assert slow.client.given_up
