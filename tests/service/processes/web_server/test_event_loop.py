from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

import pytest
from gunicorn.config import Config

from service.processes.web_server.event_loop import EventLoop
from service.processes.web_server.request_handler import RequestHandler
from service.processes.web_server.stuck_clients import STUCK_SECONDS
from service.processes.web_server.thread_pool import ThreadPool
from tests.waiting import LONGEST, until

PLACES = 4
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"


seen = ContextVar("seen", default=b"")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Says how long the body was, and what the thread knows of an earlier request."""
    data = seen.get() + b"%d" % len(environ["wsgi.input"].read())
    seen.set(b"an earlier request, ")
    start_response("200 OK", [("Content-Length", str(len(data)))])
    return [data]


def unexplained(*_: object) -> None:
    """These clients send nothing that is no HTTP."""


class Refusing:
    """A listener whose first connections the system refuses, each with this error."""

    def __init__(self, error: int, times: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._error, self._left, self.asked = error, times, 0

    def accept(self) -> Any:
        self.asked += 1
        if self._left:
            self._left -= 1
            raise OSError(self._error, "refused")
        return self._listener.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)


class Server:
    """The loop of a process that has one thread, and places for few connections, of which one is kept free."""

    def __init__(self, listener: Any = None, *, alive: bool = True) -> None:
        self.alive = alive
        listener = listener or socket.create_server(("127.0.0.1", 0))
        self.address = listener.getsockname()
        handler = RequestHandler(
            Config(),
            application,
            logging.getLogger(__name__),
            explain=unexplained,
            may_stay=lambda: False,
            alive=lambda: self.alive,
        )
        self.threads = ThreadPool(1)
        self.connections = EventLoop(Config(), [listener], self.threads, handler.handle, most=PLACES, patience=20)
        self._listener = listener
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while self.alive:
            self.connections.run_once(0.02)
        self.connections.stop_accepting()
        while self.connections.count:
            self.connections.run_once(0.02)

    def end(self) -> None:
        self.alive = False
        self.connections.wake()
        self._thread.join(LONGEST)
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.end()


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[[bytes], socket.socket]]:
    with ExitStack() as stack:

        def connect(data: bytes) -> socket.socket:
            made = stack.enter_context(socket.create_connection(server.address, timeout=LONGEST))
            made.sendall(data)
            return made

        yield connect


def one_after_the_other(connect: Callable[[bytes], socket.socket], data: bytes) -> list[socket.socket]:
    made = []
    for _ in range(PLACES - 1):
        made.append(connect(data))
        time.sleep(0.1)
    return made


def ended(connection: socket.socket) -> bool:
    try:
        return b"" in (connection.recv(1000), connection.recv(1))
    except ConnectionResetError:
        return True


def test_a_connection_has_many_requests(connect: Callable[[bytes], socket.socket]) -> None:
    connection = connect(GET)
    for _ in range(3):
        assert connection.recv(1000).endswith(b"\r\n\r\n0"), "nothing of the earlier ones is known"
        connection.sendall(GET[:20])
        time.sleep(0.01)
        connection.sendall(GET[20:])


@pytest.mark.parametrize("half", [b"", GET[:20]])
def test_the_client_waited_for_the_longest_is_disconnected_first(
    connect: Callable[[bytes], socket.socket], half: bytes
) -> None:
    first, *others = one_after_the_other(connect, half)
    assert connect(GET).recv(1000).endswith(b"\r\n\r\n0")
    assert ended(first)
    others[-1].sendall(GET[len(half) :])
    assert others[-1].recv(1000).endswith(b"\r\n\r\n0")


def test_a_client_that_stops_sending_its_body_is_disconnected(connect: Callable[[bytes], socket.socket]) -> None:
    first, *others = one_after_the_other(connect, HALF_BODY)
    time.sleep(STUCK_SECONDS)
    assert connect(GET).recv(1000).endswith(b"\r\n\r\n0")
    assert ended(first)
    others[-1].sendall(b"defghi")
    assert others[-1].recv(1000).endswith(b"\r\n\r\n9")


def test_an_answered_client_is_disconnected_before_a_waiting_one(connect: Callable[[bytes], socket.socket]) -> None:
    waiting = connect(GET[:20])
    answered = connect(GET.replace(b"Host", b"Connection: close\r\nHost"))
    assert answered.recv(1000).endswith(b"\r\n\r\n0")
    kept = connect(GET)
    assert kept.recv(1000).endswith(b"\r\n\r\n0")
    assert connect(GET).recv(1000).endswith(b"\r\n\r\n0")
    waiting.sendall(GET[20:])
    kept.sendall(GET)
    for each in (waiting, kept):
        assert each.recv(1000).endswith(b"\r\n\r\n0")


@pytest.mark.parametrize("error", [errno.EHOSTUNREACH, errno.ECONNRESET, errno.EAGAIN, errno.EMFILE])
def test_a_connection_that_comes_to_nothing_ends_no_process(error: int) -> None:
    server = Server(Refusing(error, times=2))
    with socket.create_connection(server.address, timeout=LONGEST) as connection:
        connection.sendall(GET)
        assert connection.recv(1000).endswith(b"\r\n\r\n0")
    server.end()


def test_the_system_is_not_asked_without_a_pause_while_it_has_no_room() -> None:
    listener = Refusing(errno.EMFILE, times=1_000_000)
    server, began = Server(listener), time.monotonic()
    with socket.create_connection(server.address, timeout=LONGEST):
        time.sleep(0.2)
    server.end()
    turns = (time.monotonic() - began) / 0.02
    assert 1 <= listener.asked <= 2 * turns


def test_a_shutdown_does_not_wait_long_for_any_client(
    server: Server, connect: Callable[[bytes], socket.socket]
) -> None:
    silent = [connect(data) for data in (b"", GET[:20])]
    until(lambda: server.connections.count == 2)
    server.alive = False
    server.connections.wake()
    time.sleep(0.1)
    silent[0].sendall(GET[:20])  # who begins now is not waited for as long as at other times
    server.end()
    assert server.connections.count == 0
    assert all(map(ended, silent))


def test_a_slow_body_holds_no_thread(server: Server, connect: Callable[[bytes], socket.socket]) -> None:
    slow = connect(HALF_BODY)
    until(lambda: server.connections.count == 1)
    time.sleep(0.1)
    until(lambda: server.threads.count == 0)
    slow.sendall(b"defghi")
    assert slow.recv(1000).endswith(b"\r\n\r\n9")


UPLOAD = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"


def test_an_upload_waits_for_its_turn_and_others_do_not(connect: Callable[[bytes], socket.socket]) -> None:
    first = connect(UPLOAD)
    assert first.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    second = connect(UPLOAD)
    assert connect(GET).recv(1000).endswith(b"\r\n\r\n0")
    second.settimeout(0.1)
    with pytest.raises(TimeoutError):
        second.recv(1)
    first.sendall(b"abcdefghi")
    assert first.recv(1000).endswith(b"\r\n\r\n9")
    second.settimeout(LONGEST)
    assert second.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_who_waits_to_be_accepted_at_the_shutdown_is_answered(server: Server) -> None:
    server.end()
    listener = socket.create_server(("127.0.0.1", 0))
    with socket.create_connection(listener.getsockname(), timeout=LONGEST) as waiting:
        waiting.sendall(GET)
        ending = Server(listener, alive=False)
        got = waiting.recv(1000)
        assert got.endswith(b"\r\n\r\n0")
        assert b"Connection: close" in got
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(ending.address, timeout=LONGEST)
        ending.end()
