from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.processes.web_server.client_socket import LEAST_RATE, ClientSocket
from service.processes.web_server.reply_socket import ReplySocket
from service.processes.web_server.thread_pool import ThreadPool
from tests.waiting import LONGEST, until


class Pair:
    def __init__(self, patience: float) -> None:
        self.far, near = socket.socketpair()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.near = ClientSocket(near, ThreadPool(1), patience)

    def close(self) -> None:
        self.far.close()
        self.near.close()


@pytest.fixture
def new_pair() -> Iterator[Callable[[float], Pair]]:
    made: list[Pair] = []

    def new(patience: float) -> Pair:
        made.append(Pair(patience))
        return made[-1]

    yield new
    for each in made:
        each.close()


def test_what_is_there_and_the_end(new_pair: Callable[[float], Pair]) -> None:
    pair = new_pair(20)
    assert pair.near.receive(10) is None
    assert not pair.near.comes_within(0)
    pair.far.sendall(b"abc")
    assert pair.near.comes_within(20)
    assert pair.near.recv(2) == b"ab"
    assert pair.near.recv(2) == b"c"
    pair.far.close()
    assert pair.near.recv(2) == b""


def test_a_client_that_sends_nothing_is_given_up(new_pair: Callable[[float], Pair]) -> None:
    with pytest.raises(TimeoutError, match=r"0 bytes in the last 0\.05 s"):
        new_pair(0.05).near.recv(1)


def test_a_client_that_trickles_is_given_up_and_one_that_goes_on_is_not(new_pair: Callable[[float], Pair]) -> None:
    pair = new_pair(1)
    quick = LEAST_RATE + 1

    def send(size: int, times: int) -> None:
        for _ in range(times):
            pair.far.sendall(b"x" * size)
            time.sleep(0.05)

    for size, times in ((quick, 25), (1, 25)):
        sender = threading.Thread(target=send, args=(size, times))
        sender.start()
        try:
            if size == quick:
                received = 0
                while received < size * times:  # a second and a quarter, more than the patience
                    received += len(pair.near.recv(1 << 16))
            else:
                with pytest.raises(TimeoutError):
                    while True:
                        pair.near.recv(1 << 16)
        finally:
            sender.join()


def test_a_client_that_reads_nothing_is_given_up_and_one_that_reads_slowly_is_not(
    new_pair: Callable[[float], Pair],
) -> None:
    data = bytes(1 << 16)
    pair = new_pair(0.2)
    with pytest.raises(ConnectionError, match="does not read"):
        pair.near.sendall(data)
    pair = new_pair(1)

    def read() -> None:
        left = len(data)
        while left:
            left -= len(pair.far.recv(1 << 13))
            time.sleep(0.15)  # in all longer than the patience

    reader = threading.Thread(target=read)
    reader.start()
    pair.near.sendall(data)
    reader.join()


def test_a_waiting_thread_can_be_disconnected(new_pair: Callable[[float], Pair]) -> None:
    pair = new_pair(20)
    got: list[bytes] = []
    waiting = threading.Thread(target=lambda: got.append(pair.near.recv(1)))
    waiting.start()
    until(lambda: pair.near.waited_for)
    pair.near.hang_up()
    waiting.join(LONGEST)
    assert got == [b""]


def test_a_client_that_is_gone(new_pair: Callable[[float], Pair]) -> None:
    pair = new_pair(20)
    pair.far.close()
    with pytest.raises(ConnectionError):
        for _ in range(3):
            pair.near.sendall(b"x")
    pair.near.close()
    with pytest.raises(ConnectionError):
        pair.near.receive(1)


def test_a_file(new_pair: Callable[[float], Pair], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 1000)
    pair = new_pair(20)
    got = bytearray()

    def read() -> None:
        while len(got) < 200_000 + 256_000:
            got.extend(pair.far.recv(1 << 16))

    reader = threading.Thread(target=read)
    reader.start()
    with file.open("rb") as opened:
        reply = ReplySocket(pair.near)
        assert reply.sendfile(opened, offset=50_000, count=200_000) == 200_000
        assert reply.sendfile(opened) == 256_000
    reader.join(LONGEST)
    assert bytes(got) == file.read_bytes()[50_000:250_000] + file.read_bytes()


def test_the_head_of_a_reply_waits_for_its_body(new_pair: Callable[[float], Pair]) -> None:
    pair = new_pair(20)
    reply = ReplySocket(pair.near)
    reply.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    assert not ClientSocket(pair.far, ThreadPool(1), 1).comes_within(0)
    reply.sendall(b"ab")
    assert pair.far.recv(100).endswith(b"\r\n\r\nab")
    reply = ReplySocket(pair.near)
    reply.sendall(b"HTTP/1.1 304 NOT MODIFIED\r\nContent-Length: 2\r\n\r\n")
    reply.flush()
    assert pair.far.recv(100).startswith(b"HTTP/1.1 304")
