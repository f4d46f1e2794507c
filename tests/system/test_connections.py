"""Connections that stay open for many requests, and more of them than a process has threads."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, parse_headers
from pathlib import Path
from statistics import median

import pytest

from service.bootstrap.starter import STARTER_PATH
from service.processes.web_server.request_handler import LINGER_SECONDS
from tests.system.conftest import ADMIN_KEY
from tests.system.many_connections import at_once
from tests.system.running import Service
from tests.system.web import Web, http
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.system

ASKED = {"prompt": "ROMEO:", "length": 20, "seed": 3, "cache": False}


def connected(port: int) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", port, timeout=LONGEST)
    connection.connect()
    return connection


def text(connection: HTTPConnection) -> str:
    connection.request("POST", "/generate", json.dumps(ASKED), {"Content-Type": "application/json"})
    reply = connection.getresponse()
    made: str = json.loads(reply.read())["text"]
    return made


def test_one_connection_for_replies_of_all_kinds_whether_they_follow_at_once_or_later(asked: Service) -> None:
    connection = connected(asked.port)
    first = connection.sock
    expected = asked.request("/generate", ASKED)["text"]
    for pause in (0, LINGER_SECONDS / 2, 3 * LINGER_SECONDS):
        assert text(connection) == expected
        time.sleep(pause)
        for method, path, status in (("HEAD", "/healthz", 200), ("GET", "/nothing", 404), ("OPTIONS", "/healthz", 200)):
            connection.request(method, path)
            reply = connection.getresponse()
            length = len(reply.read())
            assert reply.status == status
            assert method == "HEAD" or length == int(reply.headers["Content-Length"])
        connection.request(
            "GET", "/models/shakespeare/versions/1/weights", headers={"Authorization": f"Bearer {ADMIN_KEY}"}
        )
        assert connection.getresponse().read() == STARTER_PATH.read_bytes()
    assert connection.sock is first, "the server has closed it"
    connection.close()


def test_requests_that_are_sent_before_the_last_one_is_answered(asked: Service) -> None:
    expected = asked.request("/generate", ASKED)["text"]
    with (
        socket.create_connection(("127.0.0.1", asked.port), timeout=LONGEST) as connection,
        connection.makefile("rb") as file,
    ):
        connection.sendall(3 * http(ASKED))
        for _ in range(3):
            assert file.readline() == b"HTTP/1.1 200 OK\r\n"
            headers = parse_headers(file)
            assert json.loads(file.read(int(headers["Content-Length"])))["text"] == expected


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    web = Web(tmp_path_factory.mktemp("narrow") / "data", WEB_WORKERS="2", WEB_THREADS="2")
    try:
        web.wait_until_ready()
        yield web
        assert web.end() == 0
    finally:
        web.process.kill()
        web.process.wait()


def test_connections_that_wait_hold_no_thread_that_others_need(narrow: Web) -> None:
    connections = [connected(narrow.port) for _ in range(12)]
    assert len({text(connection) for _ in range(4) for connection in connections}) == 1
    for connection in connections:
        connection.close()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="which process has a connection, only Linux says")
def test_connections_opened_at_once_are_shared_among_the_processes(narrow: Web) -> None:
    # Again and again, because for a moment other programs may keep one of the two from running.
    until(lambda: median(min(shares(narrow)) for _ in range(5)) >= 4)


def test_many_connections_opened_at_once_are_all_answered(narrow: Web) -> None:
    seen = at_once(narrow.port, 500, probes=3)
    assert (len(seen.opened), len(seen.answered), len(seen.probes)) == (500, 500, 3)


def shares(web: Web, count: int = 16) -> list[int]:
    """How many of so many connections opened at once each process accepted."""
    pid = web.process.pid
    processes = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    with ExitStack() as stack:
        for client in (clients := [stack.enter_context(socket.socket()) for _ in range(count)]):
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", web.port))
        ports = {client.getsockname()[1] for client in clients}
        until(lambda: len(accepted(web.port, ports)) == count)
        sockets = accepted(web.port, ports)
        return [len(sockets & open_sockets(process)) for process in processes]


def accepted(port: int, clients: set[int]) -> set[str]:
    """The inodes of the sockets at this port that talk to these ports of clients; one not yet accepted has none."""
    table = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    ends = [(int(row[1].rpartition(":")[2], 16), int(row[2].rpartition(":")[2], 16), row[9]) for row in table]
    return {inode for local, remote, inode in ends if local == port and remote in clients and inode != "0"}


def open_sockets(process: str) -> set[str]:
    """The inodes of a process's open sockets."""
    found = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.update(re.findall(r"socket:\[(\d+)\]", str(descriptor.readlink())))
    return found


def test_every_client_gets_its_whole_reply_when_the_service_ends(tmp_path: Path) -> None:
    """Some are waited for, some have just asked, and some ask again over the same connection."""
    web = Web(tmp_path / "data", WEB_WORKERS="2")
    seen: list[tuple[str, int, bool]] = []
    over = threading.Event()

    def ask(close: bool) -> None:
        headers = {"Content-Type": "application/json"} | ({"Connection": "close"} if close else {})
        connection = HTTPConnection("127.0.0.1", web.port, timeout=LONGEST)
        while True:
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            while True:
                connection.request("POST", "/generate", json.dumps({**ASKED, "length": 500}), headers)
                reply = connection.getresponse()
                made = json.loads(reply.read())
                seen.append(("after" if over.is_set() else "before", reply.status, len(made["text"]) == 500))
                if reply.getheader("Connection") == "close":
                    break
            connection.close()

    with ThreadPoolExecutor(16) as clients, web.serving():
        asking = [clients.submit(ask, bool(number % 2)) for number in range(16)]
        until(lambda: len(seen) > 40)
        over.set()
        web.process.send_signal(signal.SIGTERM)
        for each in asking:
            each.result()
    assert {(status, whole) for _, status, whole in seen} == {(200, True)}
    assert sum(when == "after" for when, _, _ in seen) >= 8
