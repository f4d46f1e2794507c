"""Two web machines and two that train, behind nginx: how much two answer beside one, and an upgrade of all of them, one
by one, that no client notices."""

from __future__ import annotations

import asyncio
import os
import statistics
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from benchmarks.networks import network
from service.client import Client, ServiceError
from tests.object_server import ObjectServer
from tests.ports import free_port
from tests.scale.figures import shown
from tests.scale.machines import KEY, Cluster, WebMachine, WorkerMachine, cluster
from tests.system.asking import under_load
from tests.system.proxy import needs_nginx, proxy
from tests.system.web import http
from tests.texts import FOX
from tests.waiting import LONGEST, until

pytestmark = [pytest.mark.system, pytest.mark.scale, needs_nginx]

SMALL: Final = {"hidden_size": 8, "layers": 1, "batch_size": 2, "segment_length": 8, "seed": 1}
SECONDS: Final = 5.0
ROUNDS: Final = 3
CORES: Final = sorted(os.sched_getaffinity(0))
CLIENTS: Final = 16
NAMES: Final = ("one", "two")


@pytest.fixture
def machines(object_server: ObjectServer, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path, object_server) as found:
        yield found


class Changes:
    """Clients that change something again and again: upload texts, promote, and train."""

    def __init__(self, port: int, folder: Path) -> None:
        self._client = Client(f"http://127.0.0.1:{port}", KEY, retries=0)
        self._folder = folder
        self.done: Counter[str] = Counter()
        self.failed: list[str] = []
        self.corpora: set[str] = set()
        self.jobs: list[str] = []
        self.promoted: list[int] = []
        self._over = threading.Event()
        weights = self._client.weights("shakespeare", 1, folder / "weights")
        for _ in range(2):
            self._client.publish("plays", weights, promote="never")
        self._first = self._upload(FOX * 20)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join(LONGEST)

    def _run(self) -> None:
        number = 0
        while not self._over.wait(0.1):
            number += 1
            kind = ("upload", "promote", "train")[number % 3]
            if kind == "train" and number % 4:
                continue
            try:
                if kind == "upload":
                    self.corpora.add(self._upload(f"text {number} " * 100))
                elif kind == "promote":
                    self._client.promote("plays", version := 1 + number // 3 % 2)
                    self.promoted.append(version)
                else:
                    job = self._client.train(self._first, f"job-{number}", budget={"steps": 200}, **SMALL)
                    self.jobs.append(job["id"])
            except ServiceError as error:
                self.failed.append(f"{kind}: {error.status} {error.code} {error}")
            else:
                self.done[kind] += 1

    def _upload(self, text: str) -> str:
        path = self._folder / "text"
        path.write_text(text)
        return str(self._client.upload(path)["id"])


def test_an_upgrade_of_all_machines_one_by_one_is_not_noticed(machines: Cluster, tmp_path: Path) -> None:
    webs: dict[str, WebMachine] = {}
    workers: dict[str, WorkerMachine] = {}

    def start(name: str, **settings: str) -> None:
        webs[name] = WebMachine(machines.folder / name, **machines.settings(), **settings)
        webs[name].port = int(settings.get("PORT", webs[name].port))
        webs[name].wait_until_ready()

    def train(name: str) -> None:
        workers[name] = WorkerMachine(machines.folder / f"{name}-trains", machines.settings())
        workers[name].wait_until_ready()

    def upgrade() -> None:
        for name in NAMES:
            assert webs[name].end() == 0
            start(name, PORT=str(webs[name].port))
            workers[name].end()
            train(name)
            time.sleep(0.5)

    with ExitStack() as stack:
        for name in NAMES:
            start(name)
            stack.callback(lambda name=name: webs[name].kill())  # type: ignore[misc]
            train(name)
            stack.callback(lambda name=name: workers[name].kill())  # type: ignore[misc]
        port = free_port()
        stack.enter_context(proxy(tmp_path, port, [webs[name].port for name in NAMES]))
        changes = Changes(port, tmp_path)
        seen = asyncio.run(under_load(port, upgrade))
        changes.end()
        print(dict(seen), dict(changes.done))
        client = Client(f"http://127.0.0.1:{port}", KEY, retries=0)
        until(lambda: all(client.job(job)["finished"] for job in changes.jobs), 120)
        assert {client.job(job)["status"] for job in changes.jobs} == {"succeeded"}
        assert changes.corpora <= {each["id"] for each in client.corpora()}
        assert changes.failed == []
        assert set(seen) == {"reply 200", "stream 200"}, seen
        assert min(changes.done.values()) > 1
        until(lambda: client.model("plays")["aliases"] == {"current": changes.promoted[-1]})
    logs = "".join(file.read_text() for file in tmp_path.glob("*.log"))
    assert "Traceback" not in logs
    rows = [(f"{sum(seen.values())} texts, {sum(changes.done.values())} changes", "0")]
    shown("upgrade", ("asked during the upgrade of two web machines and two that train", "failed"), rows)


@pytest.mark.skipif(len(CORES) < 2, reason="each machine needs a core of its own")
def test_two_machines_answer_beside_one(machines: Cluster, tmp_path: Path) -> None:
    """Behind nginx, each on a core of its own, which nginx and the clients use too: texts of 200 characters of an LSTM
    of two layers of 512. Where the cores do much else, the time that they spent tells more."""
    (tmp_path / "large").write_bytes(network("lstm", 512, 2).to_bytes())
    with ExitStack() as stack:
        webs = []
        for name, core in zip(NAMES, CORES, strict=False):
            with on(core):
                webs.append(stack.enter_context(machines.web(name)))
        webs[0].client.publish("large", tmp_path / "large", promote="always")
        until(lambda: webs[1].answers("/models/large/versions/1"))
        ports = {}
        for title, behind in (("one machine", [webs[0]] * 2), ("two machines", webs)):
            (folder := tmp_path / title.replace(" ", "-")).mkdir()
            stack.enter_context(proxy(folder, port := free_port(), [each.port for each in behind]))
            ports[title] = port
        rates, shares = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
        for _ in range(ROUNDS):
            for title, port in ports.items():
                before = processor_seconds(webs)
                rates[title].append(asyncio.run(asked(port)))
                shares[title].append(rates[title][-1] * SECONDS / (processor_seconds(webs) - before))
    rows = [(title, *(f"{statistics.median(found[title]):,.0f}" for found in (rates, shares))) for title in ports]
    shown("rates", ("behind nginx, each with a core", "texts a second", "texts in a second of their cores' time"), rows)


def processor_seconds(webs: list[WebMachine]) -> float:
    """The processor time that the machines' processes have spent so far."""
    ticks, groups = 0, {web.process.pid for web in webs}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            values = path.read_text().rpartition(")")[2].split()
            ticks += int(values[11]) + int(values[12]) if int(values[2]) in groups else 0
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def on(core: int) -> Iterator[None]:
    """A context in which processes are started on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def asked(port: int) -> float:
    """Requests that clients with a connection each got answered in a second."""
    until_when = time.monotonic() + SECONDS
    counts = await asyncio.gather(*(_ask(port, at, until_when) for at in range(CLIENTS)))
    return sum(counts) / SECONDS


async def _ask(port: int, seed: int, until_when: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.monotonic() < until_when:
        body = {"model": "large", "prompt": "", "length": 200, "seed": seed + count * CLIENTS, "cache": False}
        writer.write(http(body))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200"), head
        await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        count += 1
    writer.close()
    return count
