"""How many cores, how much memory, how many workers and requests to the store a service needs; and what replicas do
under load, when one fails, and during an upgrade. docs/scaling.md has the formulas and what was found with them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, cast, get_args

from benchmarks.capacity import checking, measuring
from benchmarks.capacity.measuring import NETWORKS, Results
from benchmarks.capacity.sizing import (
    IDLE_SECONDS,
    Process,
    StoreUse,
    checkpoint_bytes,
    packed_bytes,
    processes_needed,
    state_bytes,
    workers_needed,
)
from benchmarks.capacity.steps import KERNELS, in_proportion, measured
from benchmarks.networks import VOCABULARY
from benchmarks.simulation.cluster import Policy, Shape
from benchmarks.simulation.load import Lengths
from benchmarks.simulation.scenarios import Figures, Scenario
from charrnn.config import CELLS, ModelConfig

REPLICAS: Final = (2, 10, 30, 100)
Row = tuple[str, ...]
EVENTS: Final[dict[str, Callable[[Scenario], Figures]]] = {
    "nothing": Scenario.steady,
    "kill": lambda scenario: scenario.after(lambda cluster: cluster.fail()),
    "cut-off": lambda scenario: scenario.after(lambda cluster: cluster.fail(silent=True)),
    "upgrade": lambda scenario: scenario.after(lambda cluster: cluster.upgrade()),
}


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    try:
        for row in cast("Iterable[Row]", options.rows(options)):
            print(f"| {' | '.join(row)} |", flush=True)
    except (OSError, ValueError) as error:
        sys.exit(f"benchmarks.capacity: {error}")


def plan(options: argparse.Namespace) -> Iterator[Row]:
    """What is needed for requests, jobs and machines, by the formulas."""
    process, config = _process(options), _config(options)
    count = processes_needed(process, options.requests, options.length, options.busy)
    each = options.requests / count
    yield ("web processes, each with a core", f"{count:,}")
    yield ("requests a second, at most, of each", f"{process.capacity(options.length):,.0f}")
    yield ("mean time of a request", f"{1e3 * process.seconds(each, options.length):.1f} ms")
    yield ("share of requests refused with 429", f"{process.queue(each, options.length).refused:.2g}")
    yield ("a version in the store, and on each machine's disk", _megabytes(checkpoint_bytes(config)))
    yield ("a version in the memory of each machine", _megabytes(packed_bytes(config)))
    yield ("an active or waiting text", f"{state_bytes(config) / 1e3:,.1f} kB")
    if options.jobs_an_hour:
        workers = workers_needed(options.jobs_an_hour, options.minutes, options.longest_wait)
        yield (f"workers, for jobs to wait {options.longest_wait:g} minutes on average", f"{workers:,}")
    store = StoreUse(options.machines, tuple(options.look), options.keys, options.jobs_an_hour, options.minutes)
    yield ("LISTs an hour", f"{store.lists_an_hour:,.0f}")
    yield ("PUTs and GETs an hour of jobs", f"{store.puts_an_hour:,.0f}, {store.gets_an_hour:,.0f}")
    yield (
        "requests to the store a month, at these prices",
        f"{store.cost(options.list_price, options.get_price):,.2f}",
    )


def simulate(options: argparse.Namespace) -> Iterator[Row]:
    """Replicas behind a balancer: how long requests and their first tokens take, and shares of 429 and failures."""
    head = (
        "replicas",
        "load",
        "requests/s",
        "p50, ms",
        "p99, ms",
        "longest, s",
        "first tokens p99, ms",
        "429",
        "failed",
    )
    yield head
    yield ("---:",) * len(head)
    for replicas in options.replicas:
        for load in options.load:
            shape = Shape(_process(options), options.cores, options.start)
            lengths = Lengths(options.length, "constant" if options.constant else "exponential")
            scenario = Scenario(
                shape, replicas, load, lengths, options.policy, options.seconds, options.seed, options.notice
            )
            found = EVENTS[options.event](scenario)
            times = (f"{1e3 * found.p50:.0f}", f"{1e3 * found.p99:.0f}", f"{found.longest:.1f}")
            shares = (f"{1e3 * found.first_p99:.0f}", f"{found.refused:.2%}", f"{found.failed:.2%}")
            yield (f"{replicas}", f"{load:g}", f"{scenario.arrivals:,.0f}", *times, *shares)


def check(options: argparse.Namespace) -> Iterator[Row]:
    """Formulas and simulation beside each other and beside what was measured."""
    results = Results.read()
    for table in (checking.networks(), checking.queues(options.customers), checking.service(results)):
        head, *rows = table
        yield head
        yield ("---:",) * len(head)
        yield from rows


def measure(options: argparse.Namespace) -> Iterator[Row]:
    """Measure this machine, and compare."""
    measuring.measure(options.rounds).write()
    yield from checking.service(Results.read())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _config(options: argparse.Namespace) -> ModelConfig:
    layers, _, size = options.network.partition("x")
    if not (layers.isdecimal() and size.isdecimal()):
        raise ValueError(f"--network must look like 1x256 (layers and hidden size), not {options.network!r}")
    return ModelConfig(options.vocabulary, options.cell, int(size), int(layers))


def _process(options: argparse.Namespace) -> Process:
    config, results = _config(options), Results.read()
    core, _ = measured(options.kernels or KERNELS)
    if options.kernels:
        step = core.step_time(config)
    else:
        step = in_proportion(config, {NETWORKS[model]: results.step_time(model) for model in NETWORKS}, core)
    return Process(step, options.request * 1e-3, options.max_active, options.max_waiting)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    web = argparse.ArgumentParser(add_help=False)
    number: dict[str, Any] = {"type": float, "metavar": "N"}
    web.add_argument("--length", type=int, default=200, help="tokens of a text, on average (default %(default)s)")
    web.add_argument("--network", default="1x256", help="layers x hidden size (default %(default)s)")
    web.add_argument("--cell", choices=CELLS, default="lstm")
    web.add_argument("--vocabulary", type=int, default=VOCABULARY, help="tokens (default %(default)s)")
    web.add_argument(
        "--kernels",
        type=Path,
        metavar="FILE",
        help="what `python -m benchmarks.kernels --quick --json FILE` has measured (default: measured.json's machine)",
    )
    web.add_argument("--request", default=1.2, help="ms of a core for a request besides (%(default)s)", **number)
    web.add_argument("--max-active", type=int, default=64, help="MAX_ACTIVE (default %(default)s)")
    web.add_argument("--max-waiting", type=int, default=128, help="MAX_WAITING (default %(default)s)")

    each = commands.add_parser("plan", parents=[web], help=str(plan.__doc__))
    each.set_defaults(rows=plan)
    each.add_argument("--requests", default=500, help="a second (default %(default)s)", **number)
    each.add_argument("--busy", default=0.7, help="share of the time that a core may be busy (%(default)s)", **number)
    each.add_argument("--jobs-an-hour", default=0, help="(default %(default)s)", **number)
    each.add_argument("--minutes", default=5, help="that a job takes (default %(default)s)", **number)
    each.add_argument("--longest-wait", default=1, help="of a job on average, in minutes (%(default)s)", **number)
    each.add_argument("--machines", type=int, default=2, help="that look at the store (default %(default)s)")
    each.add_argument("--look", nargs="+", default=IDLE_SECONDS, help="seconds between looks at each part", **number)
    each.add_argument("--keys", type=int, default=1000, help="objects in each part (default %(default)s)")
    each.add_argument("--list-price", default=0.005, help="of 1,000 LISTs or PUTs (default %(default)s)", **number)
    each.add_argument("--get-price", default=0.0004, help="of 1,000 GETs (default %(default)s)", **number)

    each = commands.add_parser("simulate", parents=[web], help=str(simulate.__doc__))
    each.set_defaults(rows=simulate)
    each.add_argument("--replicas", type=int, nargs="+", default=REPLICAS, help="(default %(default)s)")
    each.add_argument("--cores", type=int, default=2, help="web processes of a replica (default %(default)s)")
    each.add_argument("--load", nargs="+", default=(0.8,), help="arrivals, by capacity (default %(default)s)", **number)
    each.add_argument("--policy", choices=get_args(Policy), default="least_connections")
    each.add_argument("--event", choices=EVENTS, default="nothing", help="after a quarter of the time")
    each.add_argument("--seconds", default=20, help="simulated (default %(default)s)", **number)
    each.add_argument("--start", default=2, help="seconds until a new replica serves (default %(default)s)", **number)
    each.add_argument("--notice", default=10, help="seconds until a lost one is not asked (%(default)s)", **number)
    each.add_argument(
        "--constant", action="store_true", help="all texts are as long; otherwise exponentially distributed"
    )
    each.add_argument("--seed", type=int, default=0)

    each = commands.add_parser("check", help=str(check.__doc__))
    each.set_defaults(rows=check)
    each.add_argument("--customers", type=int, default=100_000, help="of each queue (default %(default)s)")
    each = commands.add_parser("measure", help=f"{measure.__doc__} (minutes; needs wrk, and writes measured.json)")
    each.set_defaults(rows=measure)
    each.add_argument("--rounds", type=int, default=3)
    return parser


if __name__ == "__main__":
    main()
