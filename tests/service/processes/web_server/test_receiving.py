from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from gunicorn.config import Config

from service.processes.web_server.client_socket import ClientSocket
from service.processes.web_server.connection import Connection
from service.processes.web_server.receiving import SmallBodies, Uploads
from service.processes.web_server.request_parser import Parser
from service.processes.web_server.thread_pool import ThreadPool


@pytest.fixture
def new() -> Iterator[Callable[[], Connection]]:
    with ExitStack() as stack:

        def connection() -> Connection:
            far, near = socket.socketpair()
            stack.enter_context(far)
            client = ClientSocket(near, ThreadPool(1), 20)
            stack.callback(client.close)
            return Connection(client, Parser(Config(), client, None), None, None)

        yield connection


def test_the_body_that_began_first_is_excessive(new: Callable[[], Connection]) -> None:
    bodies, first, second = SmallBodies(100), new(), new()
    for connection, count in ((first, 40), (second, 40), (second, 20)):
        connection.parser.feed(b"x" * count)
        bodies.hold(connection)
        assert bodies.excessive is None
    second.parser.feed(b"x")
    bodies.hold(second)
    assert bodies.excessive is first
    bodies.remove(first)
    bodies.remove(first)
    assert bodies.excessive is None


def test_uploads_take_turns(new: Callable[[], Connection]) -> None:
    uploads, (first, second, third) = Uploads(1), (new(), new(), new())
    assert uploads.begin(first)
    for each in (second, third):
        assert not uploads.begin(each)
        uploads.waiting.append(each)
    assert uploads.next() is None
    uploads.end(second)  # it hung up
    uploads.end(first)
    assert uploads.next() is third
    assert uploads.next() is None


def test_the_slowest_upload_makes_room_once_it_has_had_its_chance(new: Callable[[], Connection]) -> None:
    uploads, slow, slower, waiting = Uploads(2, chance_seconds=0.05), new(), new(), new()
    for each, count in ((slow, 1000), (slower, 10)):
        assert uploads.begin(each)
        each.client.made_progress(count)
    uploads.waiting.append(waiting)
    time.sleep(0.1)
    uploads.give_up_slow()
    assert not slower.client.given_up, "no thread waits for it"
    with slow.client.waiting(), slower.client.waiting():
        uploads.give_up_slow()
    assert (slow.client.given_up, slower.client.given_up) == (False, True)
