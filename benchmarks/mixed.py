"""Many clients of all kinds at once: latencies and statuses of each kind, and the memory of each web process over time.
Run: python -m benchmarks.mixed [--minutes 10] [--clients 64] [--json FILE]."""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

from benchmarks.networks import record_network
from benchmarks.record_streams import resident
from benchmarks.series import MEAN_LENGTH
from charrnn import checkpoint as checkpoints
from model_store.promotion import publish_and_promote
from model_store.store import ModelStore
from service.bootstrap.starter import STARTER_PATH
from tests.system.web import Web

PROMPT: Final = "ROMEO:\nBut soft, what light through yonder window breaks?"
KINDS: Final[dict[str, tuple[int, str, dict[str, Any]]]] = {
    "short": (6, "/generate", {"prompt": "ROMEO:", "length": 50, "cache": False}),
    "long": (2, "/generate", {"prompt": "ROMEO:", "length": 10_000, "cache": False}),
    "several": (1, "/generate", {"prompt": "ROMEO:", "length": 1000, "n": 16, "cache": False}),
    "stream": (3, "/generate", {"prompt": "ROMEO:", "length": 500, "stream": True, "cache": False}),
    "records": (1, "/records", {"model": "names", "count": 2000}),
    "score": (2, "/score", {"texts": [PROMPT] * 32}),
    "trace": (1, "/trace", {"text": PROMPT}),
}
"""Of so many clients in sixteen, the path and the body of each request."""
SAMPLES: Final = 20
PARTS: Final = (0.5, 0.9, 0.99, 1)
"""Of these parts of the requests, the longest time is shown."""


class Load:
    """Clients that ask again as soon as they are answered, each over a connection of its own."""

    def __init__(self, port: int, clients: int, until: float) -> None:
        self._port, self._until = port, until
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[str] = Counter()
        kinds = [kind for kind, (share, _, _) in KINDS.items() for _ in range(share)]
        self._threads = [
            threading.Thread(target=self._ask, args=(kinds[number % len(kinds)],)) for number in range(clients)
        ]

    def run(self) -> None:
        """Return when the time is over and all are answered."""
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()

    def _ask(self, kind: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=150)
        _, path, body = KINDS[kind]
        while time.monotonic() < self._until:
            began = time.perf_counter()
            try:
                connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
                reply = connection.getresponse()
                reply.read()
                status = str(reply.status)
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
                connection.close()
            self.statuses[f"{kind} {status}"] += 1
            if status == "200":
                self.seconds[kind].append(time.perf_counter() - began)
            else:
                time.sleep(0.5)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def watch(web: Web, until: float, period: float) -> list[list[float]]:
    """Megabytes of each web process, every so many seconds."""
    found = []
    while time.monotonic() < until:
        found.append([round(resident(pid), 1) for pid in children(web.process.pid)])
        time.sleep(period)
    return found


def percentile(values: list[float], part: float) -> float:
    """Milliseconds."""
    return round(1000 * sorted(values)[min(int(part * len(values)), len(values) - 1)], 1)


def measure(web: Web, minutes: float, clients: int) -> dict[str, Any]:
    """Load the web processes for so many minutes, and look at their memory again half a minute later."""
    until = time.monotonic() + 60 * minutes
    before = [round(resident(pid), 1) for pid in children(web.process.pid)]
    load = Load(web.port, clients, until)
    thread = threading.Thread(target=load.run)
    thread.start()
    memory = watch(web, until, 60 * minutes / SAMPLES)
    thread.join()
    time.sleep(30)
    after = [round(resident(pid), 1) for pid in children(web.process.pid)]
    waits = {
        kind: {
            "count": len(found),
            **{f"p{round(100 * part)}": percentile(found, part) for part in (0.5, 0.9, 0.99, 1)},
        }
        for kind, found in load.seconds.items()
    }
    return {"milliseconds": waits, "statuses": dict(load.statuses), "resident_megabytes": [before, *memory, after]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("mixed.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = ModelStore(Path(folder) / "data" / "models")
        publish_and_promote(store, "names", record_network("lstm", 256, 1, MEAN_LENGTH))
        publish_and_promote(store, "shakespeare", checkpoints.load(STARTER_PATH))
        with Web(Path(folder) / "data", LOG_LEVEL="error", WEB_WORKERS="2", OPENBLAS_NUM_THREADS="1").serving() as web:
            found = measure(web, options.minutes, options.clients)
    print("| kind | count | p50 | p90 | p99 | most, ms |\n|---|---|---|---|---|---|")
    for kind, waits in found["milliseconds"].items():
        print(f"| {kind} | {' | '.join(f'{value:,.0f}' for value in waits.values())} |")
    print(found["statuses"])
    print("resident MB:", *found["resident_megabytes"])
    options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
