"""`POST /records` of one web process on one core: characters a second beside the engine's own, memory after a million,
and how long other requests wait. Run: python -m benchmarks.record_streams [--model FILE] [--json FILE]. Needs wrk."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.http import Target, load
from benchmarks.networks import record_network
from benchmarks.series import BATCHES, MEAN_LENGTH, rate, texts
from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import precision_of
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.starter import STARTER_PATH
from tests.system.web import Web

ROUNDS = 9
RECORDS = 200_000
MILLION = 1_000_000
CLIENTS = 4
LENGTH = 50
SECONDS = 1
FORMATS = ("application/x-ndjson", "text/plain")


@contextmanager
def web_process(folder: Path, checkpoint: Checkpoint, cores: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """A web process, which has the first core to itself, while the caller uses the second; its port and its pid."""
    store = ModelStore(folder / "data" / "models")
    publish_and_promote(store, "names", checkpoint)
    publish_and_promote(store, "shakespeare", checkpoints.load(STARTER_PATH))
    os.sched_setaffinity(0, {cores[0]})
    web = Web(folder / "data", LOG_LEVEL="warning")
    os.sched_setaffinity(0, {cores[1]})
    try:
        web.wait_until_ready()
        (pid,) = Path(f"/proc/{web.process.pid}/task/{web.process.pid}/children").read_text().split()
        yield web.port, int(pid)
    finally:
        web.end()


def resident(pid: int) -> float:
    """Megabytes."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def ask(port: int, accept: str = FORMATS[0], **body: Any) -> Iterator[bytes]:
    """The bytes of a reply as they arrive."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Content-Type": "application/json", "Accept": accept}
    connection.request("POST", "/records", json.dumps({"model": "names", **body}), headers)
    reply = connection.getresponse()
    while piece := reply.read1(1 << 16):
        yield piece
    connection.close()


def processor_seconds(pid: int) -> float:
    """What all threads of a process have used, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read(port: int, pid: int, **body: Any) -> tuple[float, float]:
    """Seconds until the end of a reply, and those of the web process's processor time."""
    began, used = time.perf_counter(), processor_seconds(pid)
    for _ in ask(port, **body):
        pass
    return time.perf_counter() - began, processor_seconds(pid) - used


def rates(port: int, pid: int, checkpoint: Checkpoint, cores: tuple[int, int]) -> dict[str, float]:
    """Characters per second, of each format over HTTP, and of the engine alone on the same core; medians of rounds that
    take turns. In processor time, because others use the machine too; over HTTP by the clock as well. The client has
    another core."""
    lines = b"".join(ask(port, count=RECORDS, seed=1)).splitlines()[:-1]
    characters = sum(len(json.loads(line)["text"]) for line in lines)
    engine, start = CpuEngine(checkpoint, precision_of(checkpoint)), checkpoint.vocabulary.start_id
    batches = {f"engine, B={size}": texts(engine, size, start) for size in BATCHES}
    runs: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for accept in FORMATS:
            seconds, used = read(port, pid, accept=accept, count=RECORDS, seed=1)
            runs[accept].append(characters / used)
            runs[f"{accept}, by the clock"].append(characters / seconds)
        os.sched_setaffinity(0, {cores[0]})
        for name, call in batches.items():
            runs[name].append(rate(call))
        os.sched_setaffinity(0, {cores[1]})
    return {name: statistics.median(found) for name, found in runs.items()}


def memory(port: int, pid: int) -> dict[str, float]:
    """Megabytes before and after a million records, and the most in between; with a set of all that there were too."""
    found = {"start": resident(pid)}
    for name, body in (("million", {}), ("million, unique", {"unique": True})):
        most = [resident(pid) for number, _ in enumerate(ask(port, count=MILLION, seed=2, **body)) if not number % 100]
        found |= {f"{name}, most": max(most), f"{name}, after": resident(pid)}
    return found


def waits(port: int) -> dict[str, tuple[float, float, float, int]]:
    """Requests per second, p50, p99 in milliseconds and failures of clients that generate short texts, without a
    stream of records and beside one."""
    target = Target("", f"http://127.0.0.1:{port}/generate", LENGTH)
    load(target, CLIENTS, SECONDS)
    found: dict[str, list[tuple[float, float, float, int]]] = {"alone": [], "beside a stream": []}
    for _ in range(ROUNDS):
        found["alone"].append(load(target, CLIENTS, SECONDS))
        with streaming(port):
            found["beside a stream"].append(load(target, CLIENTS, SECONDS))
    return {
        name: (*(statistics.median(column) for column in list(zip(*runs, strict=True))[:3]), sum(r[3] for r in runs))  # type: ignore[misc]
        for name, runs in found.items()
    }


@contextmanager
def streaming(port: int) -> Iterator[None]:
    """A context beside which records are generated without end."""
    over = threading.Event()

    def drain() -> None:
        while not over.is_set():
            for _ in ask(port, count=MILLION):
                if over.is_set():
                    return

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a checkpoint of records; by default one of the starter's size")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("record_streams.json"))
    options = parser.parse_args()
    cores = (min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0)))
    os.sched_setaffinity(0, {cores[1]})
    checkpoint = checkpoints.load(options.model) if options.model else record_network("lstm", 256, 1, MEAN_LENGTH)
    with tempfile.TemporaryDirectory() as folder, web_process(Path(folder), checkpoint, cores) as (port, pid):
        found = {"characters_per_second": rates(port, pid, checkpoint, cores)}
        best = max(value for name, value in found["characters_per_second"].items() if name.startswith("engine"))
        for name, value in found["characters_per_second"].items():
            print(f"| {name} | {value:,.0f} | {value / best:.2f} |", flush=True)
        found["resident_megabytes"] = memory(port, pid)
        for name, value in found["resident_megabytes"].items():
            print(f"| {name} | {value:.0f} MB |", flush=True)
        for name, (requests, p50, p99, failed) in (waiting := waits(port)).items():
            print(f"| {name} | {requests:,.0f}/s | p50 {p50:.1f} ms | p99 {p99:.1f} ms | {failed:.0f} failed |")
    options.json.write_text(json.dumps({**found, "waits": waiting}, indent=1) + "\n")


if __name__ == "__main__":
    main()
