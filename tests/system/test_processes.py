"""What a service withstands: a log that is not read, a killed supervisor, damaged files of Redis, a web process that
does not stay up."""

from __future__ import annotations

import http.client
import os
import re
import signal
import threading
from pathlib import Path

import pytest

from tests.system.running import Service
from tests.system.web import Web
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.system

LONG = "/" + "x" * 900
"""A path that fills the log quickly."""
REQUESTS = 2500


def ask(service: Service, count: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LONGEST)
    for _ in range(count):
        connection.request("GET", LONG)
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 404
    connection.close()


def lost(service: Service) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LONGEST)
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    connection.close()
    return sum(int(float(each)) for each in re.findall(r"charrnn_log_lines_lost_total\{.*\} (.+)", page))


def test_a_log_that_is_not_read_holds_up_nothing_and_tells_its_losses(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    log = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(log, True)
    service = Service(tmp_path / "data", tmp_path / "log")
    try:
        until(lambda: service.answers("/readyz"))
        ask(service, REQUESTS)
        assert service.answers("/generate", {"prompt": "ROMEO:", "length": 10})
        until(lambda: lost(service) > 0)

        read = bytearray()

        def drain() -> None:
            while data := os.read(log, 1 << 16):
                read.extend(data)

        reading = threading.Thread(target=drain)
        reading.start()
        until(lambda: b"lines of the log were lost" in read)
        assert service.end(signal.SIGTERM) == 0
        reading.join()
    finally:
        service.process.kill()
        service.process.wait()
    os.close(log)
    told = sum(map(int, re.findall(r"(\d+) lines of the log were lost", read.decode())))
    written = read.count(LONG.encode())
    assert 0 < written < REQUESTS <= written + told


def test_after_the_death_of_its_supervisor_a_service_starts_again_even_on_damaged_files(tmp_path: Path) -> None:
    files = tmp_path / "data" / "redis" / "appendonlydir"
    killed = Service(tmp_path / "data", tmp_path / "first")
    until(lambda: killed.answers("/readyz") and any(files.glob("*.incr.aof")))
    master = killed.children()["web"]
    os.kill(master, signal.SIGSTOP)  # so that it outlives its supervisor
    killed.process.kill()
    killed.process.wait()
    (commands,) = files.glob("*.incr.aof")
    commands.write_bytes(b"garbage" + commands.read_bytes())
    (tmp_path / "data" / "run" / "redis.url").write_bytes(b"")

    again = Service(tmp_path / "data", tmp_path / "second")
    try:
        until(lambda: "are ending; waiting for the port" in again.output.read_text())
        os.kill(master, signal.SIGCONT)
        until(
            lambda: "Redis server cannot read its files, which are kept as .damaged-redis-" in again.output.read_text()
        )
        until(lambda: again.answers("/readyz"))
        until(lambda: not any(each.startswith("cache: ") for each in again.request("/readyz")["degraded"]))
    finally:
        assert again.end(signal.SIGTERM) == 0


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the children of a process, only Linux tells so")
def test_a_web_process_that_does_not_stay_up_is_named_by_its_sibling_and_started_later_and_later(
    tmp_path: Path,
) -> None:
    web = Web(tmp_path / "data", WEB_WORKERS="2")

    def processes() -> list[str]:
        pid = web.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()

    def begun() -> int:
        """How many processes have begun so far; one that waits for its turn has not."""
        return web.output.read_text().count("version 1 loaded")

    with web.serving():
        until(lambda: begun() == 2)
        stays = processes()[0]
        for count in range(1, 5):
            (dies,) = set(processes()) - {stays}
            os.kill(int(dies), signal.SIGSEGV)
            until(lambda count=count: f"{count} in a row" in web.output.read_text() or count == 1)  # type: ignore[misc]
            if count < 4:
                until(lambda count=count: begun() == 2 + count)  # type: ignore[misc]
        assert re.search(r"web process: it has not stayed up 4 times since \S+, next start \S+Z", web.get("/readyz"))
        assert "another is started in 3 s: 4 in a row have not stayed up" in web.output.read_text()
