"""Requests a second and latencies over HTTP: this service and its peers, in turn, on the same checkpoints.

Run: python -m benchmarks.http [--seconds 4] [--rounds 3] [--json FILE]. Needs wrk (Debian: wrk) beside the packages of
requirements/bench.in.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn import checkpoint as checkpoints
from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.starter import STARTER_PATH
from tests.ports import free_port
from tests.system.running import ROOT
from tests.waiting import until

SERVERS = Path(__file__).parent / "servers"
CLIENTS = (1, 16, 64, 256)
SLOW_CLIENTS = (1, 16)
"""The plain loop at 2x512 takes seconds for each text: more clients would only exceed wrk's timeout."""
THREADS = 256


@dataclass(frozen=True)
class Figures:
    """The results of one server with one number of clients: medians over the rounds; latencies in milliseconds."""

    server: str
    clients: int
    length: int
    requests_per_second: float
    characters_per_second: float
    p50: float
    p99: float
    failed: int


@dataclass(frozen=True)
class Target:
    """A server's address, and the request to send."""

    name: str
    url: str
    length: int = 100
    fixed: bool = False
    model: str = "shakespeare"


@contextmanager
def started(name: str, command: list[str], port: int, environment: dict[str, str]) -> Iterator[str]:
    """A server as a process, once it answers; its address."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            until(lambda: process.poll() is not None or listens(port))
            if process.poll() is not None:
                output.seek(0)
                sys.exit(f"{name} ended:\n{output.read()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):  # the plain app is busy with texts of abandoned requests
                process.wait(5)
            with suppress(ProcessLookupError):  # LitServe leaves its workers behind
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def listens(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def gunicorn(application: str, port: int) -> list[str]:
    """Flask peers run under the service's own gunicorn settings."""
    options = ["--worker-class", "gthread", "--workers", str(os.cpu_count() or 1), "--threads", str(THREADS)]
    bind = ["--bind", f"127.0.0.1:{port}", "--timeout", "600", "--log-level", "warning"]
    return [sys.executable, "-m", "gunicorn", *options, *bind, application]


@contextmanager
def service(folder: Path, **settings: str) -> Iterator[str]:
    """This service with the starter and `large`, 2x512, and further settings."""
    publish_and_promote(ModelStore(folder / "models"), "large", large(), "always")
    port = free_port()
    environment = {"DATA_DIR": str(folder), "PORT": str(port), "WEB_THREADS": str(THREADS), "LOG_LEVEL": "warning"}
    environment |= settings
    with started("the service", [sys.executable, "-m", "service"], port, environment) as url:
        until(lambda: listens_ready(url))
        yield url


def listens_ready(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/readyz", timeout=60).close()
    except OSError:
        return False
    return True


def large() -> Checkpoint:
    """2x512 with the starter's vocabulary and random weights; time does not depend on their values."""
    vocabulary = checkpoints.load(STARTER_PATH).vocabulary
    config = ModelConfig(len(vocabulary), "lstm", 512, 2)
    random = np.random.default_rng(0)
    weights = {name: random.uniform(-0.04, 0.04, shape).astype(np.float32) for name, shape in config.shapes().items()}
    return Checkpoint(config, vocabulary, weights)


def load(target: Target, clients: int, seconds: float) -> tuple[float, float, float, int]:
    """Requests per second, p50, p99 and failures with this many clients."""
    asked = {"LENGTH": str(target.length), "MODEL": target.model}
    environment = os.environ | asked | ({"FIXED": "1"} if target.fixed else {})
    threads = min(2, clients)
    options = [f"-t{threads}", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "60s", "--script"]
    command = ["wrk", *options, str(SERVERS / "post.lua"), target.url]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    found = re.search(r"FIGURES (\d+) (\S+) (\S+) (\S+) (\d+)", printed)
    assert found is not None, printed
    requests, duration, p50, p99, failed = map(float, found.groups())
    return requests / duration, p50, p99, int(failed)


def measure(targets: list[Target], clients: int, seconds: float, rounds: int) -> list[Figures]:
    """Measure the targets in turn, `rounds` times, so that other load on the machine affects all of them equally."""
    runs: dict[str, list[tuple[float, float, float, int]]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            runs[target.name].append(load(target, clients, seconds))
    figures = []
    for target in targets:
        rate, p50, p99, failed = (list(column) for column in zip(*runs[target.name], strict=True))
        rates = statistics.median(rate)
        made = rates * target.length
        medians = (statistics.median(p50), statistics.median(p99))
        figures.append(Figures(target.name, clients, target.length, rates, made, *medians, sum(failed)))
    return figures


def first_characters(target: Target, clients: int, seconds: float, asked: int = 60) -> tuple[float, float]:
    """Milliseconds to the first piece of a stream, p50 and p99, while this many clients load the server."""
    pressure = threading.Thread(target=load, args=(target, clients, seconds))
    pressure.start()
    time.sleep(0.5)
    waits = []
    for seed in range(asked):
        body = {"prompt": "ROMEO:", "length": target.length, "seed": seed, "stream": True, "cache": False}
        request = urllib.request.Request(target.url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as reply:
            reply.readline()
            waits.append((time.perf_counter() - began) * 1000)
            reply.read()
        if not pressure.is_alive():
            break
    pressure.join()
    return statistics.median(waits), sorted(waits)[int(0.99 * (len(waits) - 1))]


def table(figures: list[Figures]) -> str:
    """One line for each server and number of clients."""
    columns = ("server", "clients", "length", "requests/s", "characters/s", "p50 ms", "p99 ms", "failed")
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    lines = [
        f"| {f.server} | {f.clients} | {f.length} | {f.requests_per_second:,.0f} | {f.characters_per_second:,.0f} "
        f"| {f.p50:.1f} | {f.p99:.1f} | {f.failed} |"
        for f in figures
    ]
    return "\n".join([head, *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=4, help="a single measurement (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts (default 3)")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("http.json"), help="the figures' file")
    options = parser.parse_args()
    results = run(options.seconds, options.rounds)
    options.json.write_text(json.dumps(results, indent=1) + "\n")


def run(seconds: float, rounds: int) -> dict[str, Any]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "large.safetensors").write_bytes(large().to_bytes())
        ours = stack.enter_context(service(folder / "data"))
        redis = (folder / "data" / "run" / "redis.url").read_text().strip()

        def peer(name: str, checkpoint: Path = STARTER_PATH) -> str:
            port = free_port()
            environment = {"CHECKPOINT": str(checkpoint), "REDIS_URL": redis, "PORT": str(port)}
            module = f"benchmarks.servers.{name}"
            command = [sys.executable, "-m", module] if name == "lit" else gunicorn(f"{module}:app", port)
            return stack.enter_context(started(name, command, port, environment))

        bare = peer("bare")
        figures: list[Figures] = []
        floor = [
            Target("bare Flask route", f"{bare}/plain"),
            Target("this service, starter, not cached", f"{ours}/generate"),
            Target("bare Flask route with a Redis GET", f"{bare}/get", fixed=True),
            Target("this service, cached", f"{ours}/generate", fixed=True),
        ]
        for clients in CLIENTS:
            figures += measure(floor, clients, seconds, rounds)
            print(table(figures[-len(floor) :]), flush=True)
        starter = [
            Target("this service, starter", f"{ours}/generate", 200),
            Target("plain Flask app, starter", f"{peer('plain')}/generate", 200),
            Target("LitServe with batching, starter", f"{peer('lit')}/generate", 200),
        ]
        for clients in CLIENTS:
            figures += measure(starter, clients, seconds, rounds)
            print(table(figures[-len(starter) :]), flush=True)
        model = folder / "large.safetensors"
        big = [
            Target("this service, 2x512", f"{ours}/generate", 200, model="large"),
            Target("plain Flask app, 2x512", f"{peer('plain', model)}/generate", 200),
            Target("LitServe with batching, 2x512", f"{peer('lit', model)}/generate", 200),
        ]
        for clients in SLOW_CLIENTS:
            figures += measure(big, clients, 3 * seconds, 1)
            print(table(figures[-len(big) :]), flush=True)
        waits = {n: first_characters(Target("", f"{ours}/generate", 200), n, 3 * seconds) for n in (16, 64, 256)}
        for clients, (p50, p99) in waits.items():
            print(
                f"first characters of a stream under {clients} clients: p50 {p50:.1f} ms, p99 {p99:.1f} ms", flush=True
            )
    return {
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "figures": [asdict(each) for each in figures],
        "first_characters_ms": {str(clients): {"p50": a, "p99": b} for clients, (a, b) in waits.items()},
    }


if __name__ == "__main__":
    main()
