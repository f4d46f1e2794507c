"""Many clients of all kinds at once: latencies and statuses of each kind, and the memory of every process of a whole
service over time. Run: python -m benchmarks.mixed [--minutes 10] [--clients 64] [--port PORT] [--json FILE]."""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.networks import label_network, record_network
from benchmarks.record_streams import resident
from benchmarks.series import MEAN_LENGTH
from charrnn import checkpoint as checkpoints
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.starter import STARTER_PATH
from tests.system.memory import descendants, role
from tests.system.running import Service, until

PROMPT: Final = "ROMEO:\nBut soft, what light through yonder window breaks?"
LINE: Final = "".join(chr(0x4E00 + i) for i in range(57))
KINDS: Final[dict[str, tuple[int, str, dict[str, Any]]]] = {
    "50 tokens": (6, "/generate", {"prompt": "ROMEO:", "length": 50, "cache": False}),
    "trace of 57 characters": (1, "/trace", {"text": PROMPT}),
    "labels of 32 texts": (1, "/classify", {"model": "labels", "texts": [LINE] * 32}),
    "score of 32 texts": (2, "/score", {"texts": [PROMPT] * 32}),
    "stream of 500 tokens": (3, "/generate", {"prompt": "ROMEO:", "length": 500, "stream": True, "cache": False}),
    "16 texts of 1,000 tokens": (1, "/generate", {"prompt": "ROMEO:", "length": 1000, "n": 16, "cache": False}),
    "10,000 tokens": (1, "/generate", {"prompt": "ROMEO:", "length": 10_000, "cache": False}),
    "2,000 records": (1, "/records", {"model": "names", "count": 2000}),
}
"""Of so many clients in sixteen, the path and the body of each request."""
HEAVY: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("/generate", {"prompt": "ROMEO:", "length": 10_000, "logprobs": 20, "cache": False}),
    ("/generate", {"prompt": "ROMEO:", "length": 10_000, "n": 16, "cache": False}),
    ("/score", {"texts": [PROMPT * 20] * 128, "logprobs": 5}),
    ("/trace", {"text": PROMPT * 170}),
)
"""Requests with large replies, asked for by a few clients after the others have ended."""
HEAVY_CLIENTS: Final = 4
HEAVY_ROUNDS: Final = 4
SAMPLES: Final = 20
PARTS: Final = (0.5, 0.9, 0.99, 1)
"""Of these parts of the requests, the longest time is shown."""
QUIET_SECONDS: Final = 30
"""How long after the last request memory is looked at again."""
RETRY_SECONDS: Final = 0.5

Memory = dict[str, float]
"""Megabytes of each process, by what it is and its process id."""


class Load:
    """Clients that ask again as soon as they are answered, each over a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[str] = Counter()

    def mixed(self, clients: int, until: float) -> None:
        """Return when the time is over and all are answered."""
        kinds = [kind for kind, (share, _, _) in KINDS.items() for _ in range(share)]
        _together(
            threading.Thread(target=self._ask_again, args=(kinds[number % len(kinds)], until))
            for number in range(clients)
        )

    def heavy(self) -> None:
        """Return when all heavy requests are answered, some at the same time."""
        _together(threading.Thread(target=self._ask_heavy) for _ in range(HEAVY_CLIENTS))

    def _ask_again(self, kind: str, until: float) -> None:
        connection = self._connection()
        _, path, body = KINDS[kind]
        while time.monotonic() < until:
            began = time.perf_counter()
            status = self._ask(connection, kind, path, body)
            if status == "200":
                self.seconds[kind].append(time.perf_counter() - began)
            else:
                time.sleep(RETRY_SECONDS)

    def _ask_heavy(self) -> None:
        connection = self._connection()
        for path, body in HEAVY * HEAVY_ROUNDS:
            self._ask(connection, f"heavy {path}", path, body)

    def _ask(self, connection: http.client.HTTPConnection, kind: str, path: str, body: dict[str, Any]) -> str:
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            reply.read()
            status = str(reply.status)
        except (OSError, http.client.HTTPException) as error:
            status = type(error).__name__
            connection.close()
        self.statuses[f"{kind}: {status}"] += 1
        return status

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=150)


def _together(threads: Iterable[threading.Thread]) -> None:
    started = list(threads)
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def memory(service: Service) -> Memory:
    """The resident memory of every process that is there now."""
    found = {}
    for pid in descendants(service.process.pid):
        try:
            found[f"{role(pid)} {pid}"] = round(resident(pid), 1)
        except (OSError, KeyError):  # it has ended
            continue
    return found


def measure(service: Service, minutes: float, clients: int) -> dict[str, Any]:
    """Load the service for so many minutes, then with heavy requests, and look at memory before, meanwhile and half a
    minute after each."""
    load, until_, before = Load(service.port), time.monotonic() + 60 * minutes, memory(service)
    thread = threading.Thread(target=load.mixed, args=(clients, until_))
    thread.start()
    during = [memory(service)]
    while time.monotonic() < until_:
        time.sleep(60 * minutes / SAMPLES)
        during.append(memory(service))
    thread.join()
    time.sleep(QUIET_SECONDS)
    after = memory(service)
    load.heavy()
    heavy = memory(service)
    time.sleep(QUIET_SECONDS)
    every = [seconds for found in load.seconds.values() for seconds in found]
    return {
        "milliseconds": {kind: waits(found) for kind, found in [*load.seconds.items(), ("all", every)]},
        "statuses": dict(load.statuses),
        "resident_megabytes": {
            "before": before, "during": during, "after": after,
            "after_heavy_requests": heavy, "half_a_minute_later": memory(service),
        },
    }  # fmt: skip


def waits(seconds: Sequence[float]) -> dict[str, float]:
    """How many there were, and the longest of some parts of them in milliseconds."""
    ordered = sorted(seconds)
    longest = (ordered[min(int(part * len(ordered)), len(ordered) - 1)] for part in PARTS)
    return {
        "count": len(ordered),
        **{f"p{round(100 * part)}": round(1000 * each, 1) for part, each in zip(PARTS, longest, strict=True)},
    }


def show(found: dict[str, Any], minutes: float) -> None:
    """The tables of README.md."""
    print("| kind | replies | p50, ms | p90, ms | p99, ms | most, ms |\n|---|---|---|---|---|---|")
    for kind in [*KINDS, "all"]:
        if kind in found["milliseconds"]:
            print(f"| {kind} | {' | '.join(f'{value:,.0f}' for value in found['milliseconds'][kind].values())} |")
    print(f"\n{found['statuses']}\n")
    megabytes = found["resident_megabytes"]
    during = megabytes["during"]
    columns = {
        "start": megabytes["before"],
        "1 minute": during[min(len(during) - 1, round(SAMPLES / minutes))],
        "middle": during[len(during) // 2],
        "end": during[-1],
        "half a minute later": megabytes["after"],
        "after heavy requests": megabytes["after_heavy_requests"],
        "half a minute after these": megabytes["half_a_minute_later"],
    }
    print(f"| MB | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for process in megabytes["before"]:
        print(f"| {process} | {' | '.join(f'{each.get(process, 0):.0f}' for each in columns.values())} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--port", type=int, help="of the service (default: a free one)")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("mixed.json"))
    options = parser.parse_args()
    settings = {"LOG_LEVEL": "error", "WEB_WORKERS": "2"} | ({"PORT": str(options.port)} if options.port else {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = ModelStore(folder / "data" / "models")
        publish_and_promote(store, "names", record_network("lstm", 256, 1, MEAN_LENGTH))
        publish_and_promote(store, "labels", label_network("lstm", 256, 1))
        publish_and_promote(store, "shakespeare", checkpoints.load(STARTER_PATH))
        service = Service(folder / "data", folder / "log", **settings)
        try:
            until(lambda: service.answers("/readyz"))
            found = measure(service, options.minutes, options.clients)
        finally:
            service.end()
    show(found, options.minutes)
    options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
