"""Two replicas behind nginx, as deploy/nginx.conf has them, restarted under load one after the other, or killed."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from service.client import Choice, Client, Piece
from tests.ports import free_port
from tests.system.asking import under_load
from tests.system.proxy import needs_nginx, proxy
from tests.system.web import Web
from tests.waiting import until

pytestmark = pytest.mark.system

STREAMS = 16


@pytest.fixture
def limits() -> dict[str, str]:
    """Settings of both replicas."""
    return {}


@pytest.fixture
def replicas(tmp_path: Path, limits: dict[str, str]) -> Iterator[list[Web]]:
    webs = [Web(tmp_path / "data", **limits) for _ in range(2)]
    try:
        for web in webs:
            web.wait_until_ready()
        yield webs
    finally:
        for web in webs:
            if web.process.poll() is None:
                web.process.kill()
                web.process.wait()


class Readers:
    """Clients that each read the same stream again and again, in a thread of their own, until it is over."""

    def __init__(self, port: int, count: int, **fields: Any) -> None:
        self._client = Client(f"http://127.0.0.1:{port}", timeout=600, wait=0.25)
        self._asked = {"prompt": "ROMEO:", "cache": False, **fields}
        self._over = threading.Event()
        self._threads = ThreadPoolExecutor(count)
        self._read = [self._threads.submit(self._read_on, seed) for seed in range(count)]

    def _read_on(self, seed: int) -> list[str]:
        read: list[str] = []
        while not read or not self._over.is_set():
            read.append(digest(self._client.stream(**self._asked, seed=seed)))
        return read

    def end(self) -> tuple[int, int]:
        """Let each read to its end, and compare all that it read with the text of its seed; how many streams there
        were, and how many other requests."""
        self._over.set()
        for seed, read in enumerate(self._read):
            assert set(read.result()) == {digest(self._client.generate(**self._asked, seed=seed).choices)}
        self._threads.shutdown()
        return sum(len(read.result()) for read in self._read), len(self._read)


def digest(pieces: Iterable[Piece | Choice]) -> str:
    """Of a text and its logarithms, in pieces or whole."""
    text, logprobs, reasons = sha256(), sha256(), []
    for piece in pieces:
        text.update(piece.text.encode())
        for each in piece.logprobs or []:
            logprobs.update(json.dumps(each).encode())
        reasons += [piece.finish_reason] if piece.finish_reason else []
    return f"{text.hexdigest()} {logprobs.hexdigest()} {reasons}"


def asked(tmp_path: Path) -> int:
    """How many requests for texts nginx has passed on."""
    return (tmp_path / "access.log").read_text().count("POST /generate")


def restart(replicas: list[Web], tmp_path: Path, **limits: str) -> None:
    """One after the other, as they are updated."""
    for at, web in enumerate(replicas):
        assert web.end() == 0
        replicas[at] = Web(tmp_path / "data", PORT=str(web.port), **limits)
        replicas[at].port = web.port
        replicas[at].wait_until_ready()
        time.sleep(0.2)


@needs_nginx
def test_a_rolling_restart_loses_no_request_and_a_killed_replica_no_stream(replicas: list[Web], tmp_path: Path) -> None:
    port = free_port()
    with proxy(tmp_path, port, [web.port for web in replicas]):
        seen = asyncio.run(under_load(port, lambda: restart(replicas, tmp_path)))
        before = asked(tmp_path)
        readers = Readers(port, STREAMS, length=5_000)
        until(lambda: replicas[0].measured("charrnn_active_sequences") > STREAMS / 4)
        replicas[0].kill()
        streams, others = readers.end()
        gone_on = asked(tmp_path) - before - streams - others
    print(json.dumps({**seen, "streams": streams, "gone on": gone_on}))
    assert set(seen) == {"reply 200", "stream 200"}, seen
    assert gone_on > 0
    ended = re.findall(r"Traceback", "".join(file.read_text() for file in tmp_path.glob("data.*.log")))
    assert ended == []


@needs_nginx
@pytest.mark.faults
@pytest.mark.parametrize("limits", [{"MAX_LENGTH": "50000", "REQUEST_TIMEOUT": "600"}])
def test_streams_that_outlive_their_replicas_are_whole(
    replicas: list[Web], tmp_path: Path, limits: dict[str, str]
) -> None:
    """64 streams, whose reading takes longer than the seconds that a replica has at its end."""
    port = free_port()
    with proxy(tmp_path, port, [web.port for web in replicas]):
        readers = Readers(port, 64, length=50_000, logprobs=2)
        time.sleep(1)
        restart(replicas, tmp_path, **limits)
        streams, others = readers.end()
        gone_on = asked(tmp_path) - streams - others
    print(json.dumps({"streams": streams, "gone on": gone_on}))
    assert gone_on > 0


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.mark.parametrize("seconds", [0.3, *(pytest.param(each, marks=pytest.mark.faults) for each in (0.1, 0.5))])
def test_a_service_that_is_ended_while_it_starts(tmp_path: Path, seconds: float) -> None:
    web = Web(tmp_path / "data")
    until(lambda: listens(web.port))
    time.sleep(seconds)  # a process needs longer until it serves
    assert web.end() == 0, web.output.read_text()
    assert "Traceback" not in web.output.read_text()
