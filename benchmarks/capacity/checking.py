"""The formulas beside what was measured: of the engine alone, of the whole service with one and with two web processes,
and of queues beside the simulation. Every function returns the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, median

from benchmarks.capacity.measuring import NETWORKS, Loaded, Results
from benchmarks.capacity.queueing import erlang_b, md1_seconds, mm1_seconds, mm1k_refused
from benchmarks.capacity.sizing import Process
from benchmarks.capacity.steps import StepTime, measured
from benchmarks.simulation.events import Events
from benchmarks.simulation.load import Arrivals, Lengths, Record
from benchmarks.simulation.scenarios import closed
from benchmarks.simulation.web_process import WebProcess

Row = tuple[str, ...]


def error(predicted: float, found: float) -> float:
    """Relative to what was found."""
    return predicted / found - 1


def networks() -> Iterator[Row]:
    """The roofline model beside kernels.json: the median and the largest error, for single texts and batches."""
    core, rows = measured()
    yield ("sequences", "networks", "median error", "largest error")
    for batch in sorted({row.batch for row in rows}):
        errors = [error(core.step_time(row.config).rate(batch), row.rate) for row in rows if row.batch == batch]
        yield (str(batch), str(len(errors)), f"{median(map(abs, errors)):.1%}", f"{max(errors, key=abs):+.1%}")


@dataclass(frozen=True, slots=True)
class Compared:
    """A load that was measured, and what formula and simulation say of it. What a request takes besides its characters
    is that of texts of one character, measured with as many processes; what a step takes is that of the engine."""

    found: Loaded
    process: Process

    @property
    def formula(self) -> float:
        """Requests a second."""
        used = min(self.found.processes, self.found.clients)
        return used * self.process.together(self.found.length, max(1, self.found.clients // self.found.processes))

    def simulated(self) -> tuple[float, float]:
        """Requests a second, and p50 in seconds."""
        rate, figures = closed(self.process, self.found.processes, self.found.clients, self.found.length)
        return rate, figures.p50


def compared(results: Results) -> list[Compared]:
    """All loads but those that say what a request takes."""
    first = {each.processes: each for each in results.loads if each.length == 1}
    found = []
    for each in (each for each in results.loads if each.length > 1):
        step = results.step_time(each.model)
        shortest = first[each.processes]
        request = shortest.processes / shortest.rate - results.step_time(shortest.model).row
        found.append(Compared(each, Process(step, request)))
    return found


def service(results: Results) -> Iterator[Row]:
    """Requests a second by the clock, and p50."""
    yield (
        *("web processes", "network", "length", "clients", "requests/s", "formula", "error"),
        *("simulation", "error", "p50, ms", "simulation", "error"),
    )
    for each in compared(results):
        found, (rate, p50) = each.found, each.simulated()
        config = NETWORKS[found.model]
        network = f"{config.layers}x{config.hidden_size}"
        yield (
            *(str(found.processes), network, str(found.length), str(found.clients), f"{found.rate:,.0f}"),
            *(f"{each.formula:,.0f}", f"{error(each.formula, found.rate):+.0%}"),
            *(f"{rate:,.0f}", f"{error(rate, found.rate):+.0%}"),
            *(f"{1e3 * found.p50:.1f}", f"{1e3 * p50:.1f}", f"{error(p50, found.p50):+.0%}"),
        )


def queues(requests: int = 100_000) -> Iterator[Row]:
    """The simulation beside formulas that are exact, and beside that of a web process."""
    yield ("queue", "load", "formula", "simulation", "error")
    step, short, long = 20e-6, Lengths(100, "exponential"), Lengths(2000)
    alike = Lengths(short.mean)
    many = 10**6
    alone = Process(StepTime(step, step), 0, 1, many)
    shared = Process(StepTime(step, step), 0, many, 0)
    rate = 1 / (step * short.mean)
    for load in (0.5, 0.8):
        yield _row("M/M/1, ms", load, mm1_seconds(load * rate, rate), _simulated(alone, load, short, requests))
        yield _row("M/D/1, ms", load, md1_seconds(load * rate, rate), _simulated(alone, load, alike, requests))
        slow = 1 / (step * long.mean)
        found = _simulated(shared, load, long, requests // 10)
        yield _row("M/D/1 with a shared server, ms", load, mm1_seconds(load * slow, slow), found)
    few = Process(StepTime(step, step), 0, 1, 4)
    yield _row("M/M/1/5, refused", 0.9, mm1k_refused(0.9, 1, 5), _simulated(few, 0.9, short, requests))
    five = Process(StepTime(step, 0), 0, 5, 0)
    yield _row("M/D/5/5, refused", 4, erlang_b(5, 4), _simulated(five, 4, long, requests))
    web = Process(StepTime(20e-6, 4e-6), 3e-4)
    for load in (0.3, 0.6, 0.8, 0.9, 0.95):
        lengths = Lengths(300)
        arrivals = load * web.capacity(lengths.mean)
        found = _simulated(web, arrivals * step * lengths.mean, lengths, requests)
        yield _row("a web process, ms", load, web.seconds(arrivals, lengths.mean), found)


def _simulated(process: Process, offered: float, lengths: Lengths, requests: int) -> Record:
    """`offered`: arrivals in the time of a text that is alone."""
    events = Events()
    rate = offered / (process.step.single * lengths.mean)
    arrivals = Arrivals(events, WebProcess(events, process).submit, rate, lengths, seed=1)
    arrivals.begin(requests / rate)
    events.run()
    return arrivals.record


def _row(queue: str, load: float, formula: float, record: Record) -> Row:
    refused = queue.endswith("refused")
    found = record.share("refused") if refused else mean(record.seconds)
    shown = [f"{each:.1%}" if refused else f"{1e3 * each:.2f}" for each in (formula, found)]
    return (queue, f"{load:g}", *shown, f"{error(found, formula):+.1%}")
