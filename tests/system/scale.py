"""`make scale`: how long a service with thousands of jobs and corpora takes, beside one with few, and what large texts
cost in memory; writes the tables of docs/scale.md."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from model_store.store import ModelStore
from service.bootstrap.web import build_web
from service.client import Client
from service.settings import Settings
from service.training.jobs.store import JobStore
from service.training.queue.job_queue import JobQueue
from service.training.queue.reconciler import Reconciler
from tests.system.filling import Counts, fill
from tests.system.many_connections import Seen, at_once
from tests.system.memory import MIB, Peak, by_role, descendants, processor_seconds, watched
from tests.system.running import Service
from tests.waiting import until

KEY: Final = "scale-key"
FEW, MANY = Counts(2, 1, 3, 1, queued=1), Counts()
TIMES: Final = 20
MODELS_ASKED: Final = 200
ROUNDS: Final = 3
CONNECTIONS: Final = (2000, 5000)
LARGE: Final = (100, 300, 1000)
"""Sizes of uploads in megabytes; the first two are trained on."""
PATHS: Final = {
    "`GET /metrics`": "/metrics",
    "`GET /readyz`": "/readyz",
    "`GET /jobs`": "/jobs",
    "`GET /corpora`": "/corpora",
    "`GET /models`": "/models",
    "`GET /models?details=true`": "/models?details=true",
    "`GET /v1/models`": "/v1/models",
    "`GET /models/fox`": "/models/fox",
}

Row = Sequence[object]


def main(page: Path) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        columns = []
        for title, counts in (("few", FEW), ("many", MANY)):
            fill(folder / title, counts)
            columns.append({**_start(folder, title), **_processor_times(folder / title)})
        rows = [(what, *(column[what] for column in columns)) for what in columns[0]]
        put_table(page, "times", ("ms", *(f"{c.models} models, {c.jobs:,} jobs" for c in (FEW, MANY))), rows)
        put_table(page, "models", ("", "ms each", "MiB of the web processes"), _models_in_turn(folder))
        head = ("", "open after", "answered after", "another one, median", "the slowest of 100")
        put_table(page, "connections", head, _connections(folder))
        put_table(page, "texts", ("", "seconds", "web", "worker", "Redis"), _large_texts(folder))
    return 0


@contextmanager
def _running(folder: Path, name: str) -> Iterator[Service]:
    settings = {"ADMIN_API_KEYS": KEY, "LOG_LEVEL": "warning", "WEB_WORKERS": "2"}
    service = Service(folder / name, folder / f"{name}.log", **settings)
    try:
        until(lambda: service.answers("/readyz"))
        yield service
    finally:
        service.end()


def _start(folder: Path, name: str) -> dict[str, str]:
    """The second one: the first packs and compiles what later ones find."""
    for _ in range(2):
        began = time.perf_counter()
        with _running(folder, name) as service:
            waited = time.perf_counter() - began
            computed = sum(map(processor_seconds, descendants(service.process.pid)))
    return {
        "a start until `/readyz`, all processes": f"{1e3 * computed:,.0f}",
        "the same, as a whole": f"{1e3 * waited:,.0f}",
    }


def _processor_times(data_dir: Path) -> dict[str, str]:
    """Of what a web process and a worker do, in this process; other programs hardly matter for these."""
    settings = Settings(data_dir=data_dir, admin_api_keys=(KEY,), redis_url="", log_level="warning")
    reconciler = Reconciler(JobStore(settings.data.runs), JobQueue(""))
    client, headers = build_web(settings).application.test_client(), {"Authorization": f"Bearer {KEY}"}
    models = ModelStore(settings.data.models)
    name = models.models()[0]
    found = {"a look of the reconciler": _often(reconciler.look)}
    for what, path in PATHS.items():
        found[what] = _often(lambda path=path: client.get(path, headers=headers).data)  # type: ignore[misc]
    looks = [_processor_time(lambda: models.resolve(name)) for _ in range(1000)]
    return {**found, "to find what a model's name means": f"{statistics.median(looks):.3f}"}


def _often(do: Callable[[], object]) -> str:
    first, *others = (_processor_time(do) for _ in range(TIMES))
    return f"{statistics.median(others):.1f} (first {first:.1f})"


def _processor_time(do: Callable[[], object]) -> float:
    """In milliseconds."""
    began = time.thread_time()
    do()
    return 1e3 * (time.thread_time() - began)


def _models_in_turn(folder: Path) -> list[Row]:
    rows: list[Row] = []
    with _running(folder, "many") as service:
        names = [each["name"] for each in _client(service).models()][:MODELS_ASKED]
        rows.append(("before", "", by_role(service.process.pid)["web"] // MIB))
        for number in range(ROUNDS):
            took = _timed(lambda: _ask_in_turn(service, names))
            rows.append((f"round {number + 1}", f"{took / len(names):.1f}", by_role(service.process.pid)["web"] // MIB))
    return rows


def _connections(folder: Path) -> list[Row]:
    with _running(folder, "few") as service:
        return [
            _seen("none", at_once(service.port, 0)),
            *(_seen(f"{count:,} that send nothing", at_once(service.port, count, ask=False)) for count in CONNECTIONS),
            *(_seen(f"{count:,} that ask at once", at_once(service.port, count)) for count in CONNECTIONS),
        ]


def _seen(what: str, seen: Seen) -> Row:
    last = (f"{times[-1]:.1f} s" if times else "" for times in (seen.opened, seen.answered))
    return (what, *last, f"{1e3 * statistics.median(seen.probes):.1f} ms", f"{1e3 * max(seen.probes):.1f} ms")


def _large_texts(folder: Path) -> list[Row]:
    rows: list[Row] = []
    with _running(folder, "texts") as service:
        client = _client(service)
        for megabytes in LARGE:
            path = folder / f"{megabytes}.txt"
            _write_text(path, megabytes)
            corpora: list[str] = []
            with watched(service.process.pid) as peak:
                took = _timed(lambda path=path, found=corpora: found.append(client.upload(path)["id"]))  # type: ignore[misc]
            path.unlink()
            rows.append(_row(f"upload of {megabytes:,} MB", took, peak))
            if megabytes == LARGE[-1]:
                break
            with watched(service.process.pid) as peak:
                took = _timed(lambda found=corpora: _train(client, found[0]))  # type: ignore[misc]
            rows.append(_row(f"training on {megabytes:,} MB for a minute", took, peak))
    return rows


def _train(client: Client, corpus: str) -> None:
    sizes = {"hidden_size": 256, "layers": 1}
    job = client.train(corpus, f"large-{corpus[:4]}", budget={"minutes": 1}, **sizes)
    for event in client.events(job["id"]):
        if event.kind == "status" and event.data["status"] in ("failed", "cancelled"):
            raise SystemExit(f"the training failed: {event.data}")


def _row(what: str, milliseconds: float, peak: Peak) -> Row:
    roles = ("web", "worker", "Redis")
    held = (f"{peak.before.get(role, 0) // MIB} → {peak.highest.get(role, 0) // MIB}" for role in roles)
    return (what, f"{milliseconds / 1e3:.1f}", *held)


def _write_text(path: Path, megabytes: int) -> None:
    """Sentences of words that nobody knows, each megabyte another."""
    chance = random.Random(7)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(3000)]
    sentences = " ".join(chance.choices(words, k=180_000)).encode()[:999_984]
    with path.open("wb") as file:
        for number in range(megabytes):
            file.write(b"part %08d: " % number + sentences[: 1_000_000 - 16] + b"\n")


def _client(service: Service) -> Client:
    return Client(f"http://127.0.0.1:{service.port}", KEY, timeout=600)


def _ask_in_turn(service: Service, names: Sequence[str]) -> None:
    for name in names:
        service.request("/generate", {"model": name, "prompt": "", "length": 20, "cache": False})


def _timed(do: Callable[[], object]) -> float:
    """In milliseconds."""
    began = time.perf_counter()
    do()
    return 1e3 * (time.perf_counter() - began)


def put_table(page: Path, name: str, head: Row, rows: Sequence[Row]) -> None:
    """Replace the table between the page's two comments of this name."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    table = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
    print(table, flush=True)
    text = page.read_text()
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    page.write_text(f"{before}{begin}\n{table}\n\n{end}{rest.partition(end)[2]}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
