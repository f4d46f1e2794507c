"""`make scale`: what several machines cost in time, on a real S3 server and a Redis; writes the table of
docs/scaling.md."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from durable.directory_objects import DirectoryObjects
from model_store.shared import SharedModelStore
from model_store.store import ModelStore
from tests.object_proxy import ObjectProxy
from tests.object_server import ObjectServer
from tests.scale.machines import Cluster, WebMachine, WorkerMachine, cluster
from tests.system.scale import Row, put_table
from tests.waiting import until

TURNS: Final = 10
SEEN_SECONDS: Final = {"with Redis": 2.0, "without Redis": 10.0}
"""After so long a promotion or a publication holds on every machine: a law, not only a figure."""
REQUESTS: Final = 20_000
"""Ten idle machines ask for no more in an hour."""
QUIET_SECONDS: Final = 60
LOOKS: Final = 2000


def main(page: Path) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = ObjectServer(folder / "objects")
        try:
            server.start()
            rows = [*_promotions(folder, server), *_in_cluster(folder, server), _idle(folder, server)]
        finally:
            server.remove()
    put_table(page, "machines", ("", "median", "the most"), rows)
    return 0


@contextmanager
def _machines(made: Cluster, *names: str, **settings: str) -> Iterator[list[WebMachine]]:
    with ExitStack() as stack:
        yield [stack.enter_context(made.web(name, LOG_LEVEL="warning", **settings)) for name in names]


def _promotions(folder: Path, server: ObjectServer) -> Iterator[Row]:
    for title, settings in (("with Redis", {}), ("without Redis", {"REDIS_URL": ""})):
        (place := folder / title.replace(" ", "-")).mkdir()
        with cluster(place, server) as made, _machines(made, "one", "other", **settings) as (one, other):
            path = one.client.weights("shakespeare", 1, folder / "weights")
            for _ in range(2):
                one.client.publish("plays", path, promote="always")
            until(lambda other=other: other.answers("/models/plays/versions/2"))  # type: ignore[misc]
            until(lambda other=other: other.client.model("plays")["aliases"] == {"current": 2})  # type: ignore[misc]
            for what, change in (("promotion", _promote), ("publication", partial(_publish, path))):
                times = [_seen(other, change(one, turn)) for turn in range(TURNS)]
                assert max(times) < SEEN_SECONDS[title], times
                yield (f"a {what}, until another machine serves it, {title}", *_spread(times, "s", 2))


def _promote(one: WebMachine, turn: int) -> int:
    one.client.promote("plays", version := 1 + turn % 2)
    return version


def _publish(weights: Path, one: WebMachine, turn: int) -> int:
    return int(one.client.publish("plays", weights, promote="always")["version"])


def _seen(other: WebMachine, version: int) -> float:
    return _timed(lambda: until(lambda: other.client.generate("", 1, model="plays", cache=False).version == version))


def _in_cluster(folder: Path, server: ObjectServer) -> Iterator[Row]:
    (place := folder / "cold").mkdir()
    with cluster(place, server) as made, _machines(made, "first") as (first,):
        first.client.publish("plays", first.client.weights("shakespeare", 1, folder / "weights"))
        for what, home in (("whose kernels are compiled", {}), ("without kernels", {"HOME": str(place / "home")})):
            times = [_cold(made, f"cold-{len(home)}-{number}", **home) for number in range(3 if not home else 1)]
            yield (
                f"a machine with an empty DATA_DIR, {what}, from its start to its first text",
                *_spread(times, "s", 1),
            )
        models = made.folder / "first" / "models"
        for title, store in (
            ("alone", ModelStore(models)),
            ("that shares a store", SharedModelStore(models, DirectoryObjects(folder / "none"))),
        ):
            looks = [_timed(lambda store=store: store.resolve("plays")) * 1e6 for _ in range(LOOKS)]  # type: ignore[misc]
            yield (f"to find what a model's name means, on a machine {title}", *_spread(looks, "µs", 1))


def _cold(made: Cluster, name: str, **settings: str) -> float:
    began = time.monotonic()
    with _machines(made, name, **settings) as (machine,):
        machine.client.generate("ROMEO:", 1)
        return time.monotonic() - began


def _idle(folder: Path, server: ObjectServer) -> Row:
    """Each of three machines asks through a proxy that counts, two with web processes and one that trains."""
    (place := folder / "idle").mkdir()
    with cluster(place, server) as made, ExitStack() as stack:
        proxies = [stack.enter_context(ObjectProxy(server.port)) for _ in range(3)]
        for at, proxy in enumerate(proxies[:2]):
            stack.enter_context(made.web(f"web-{at}", proxy.endpoint))
        worker = WorkerMachine(place / "worker", made.settings(proxies[2].endpoint))
        stack.callback(worker.kill)
        worker.wait_until_ready()
        time.sleep(QUIET_SECONDS)  # looks become rare
        before = [len(proxy.seen) for proxy in proxies]
        time.sleep(QUIET_SECONDS)
        asked = [len(proxy.seen) - count for proxy, count in zip(proxies, before, strict=True)]
    in_an_hour = sum(asked) / len(asked) * 10 * 3600 / QUIET_SECONDS
    print(f"requests in {QUIET_SECONDS} s of two machines with web processes and one that trains: {asked}")
    assert in_an_hour < REQUESTS, asked
    return ("requests to the store by ten idle machines in an hour", f"{in_an_hour:,.0f}", "")


def _spread(values: list[float], unit: str, digits: int) -> tuple[str, str]:
    return f"{statistics.median(values):.{digits}f} {unit}", f"{max(values):.{digits}f} {unit}"


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
