"""One fault after the other on a service under load; after each, the laws."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.faults import laws
from tests.faults.fault import Fault
from tests.faults.load import Load, seeded
from tests.faults.memory import Memory
from tests.faults.probe import Probe, degraded
from tests.faults.site import Site
from tests.faults.texts import CalmTexts, Texts, seedless_faults
from tests.faults.training import TRAINED, Corpora, Jobs, Versions, train, upload_fox
from tests.waiting import LONGEST, until

TRAINED_SECONDS: Final = 240.0
"""For all jobs, on a busy machine."""
TEXT_CLIENTS: Final = 4


@dataclass(frozen=True)
class Outcome:
    """What one fault did. In seconds: `gap`, the longest time without a text around it; `again`, from its end until
    texts are generated again; `clear`, from its end until `/readyz` lists nothing."""

    fault: Fault[Any]
    gap: float
    again: float
    clear: float
    said: list[str]
    failures: Counter[str]
    broken: list[str] = field(default_factory=list)


class Trials:
    """A service, its load, and the digests of trainings of so many `steps` that nothing interrupted. Each client waits
    for `pause` seconds between two texts; after each fault it must generate again `within` so many."""

    def __init__(
        self, site: Site, seed: str, folder: Path, steps: tuple[int, ...], pause: float, within: float
    ) -> None:
        self.site, self.memory, self.outcomes, self._within = site, Memory(), list[Outcome](), within
        self._random = seeded(seed, "moments")
        site.wait_until_ready()
        client = site.client()
        self._corpus = upload_fox(client, folder)
        self._digests = {each: self._trained(each) for each in steps}
        calm = CalmTexts(client)
        self._load, self.probe = Load(), Probe(site.port)
        texts = [Texts(site, self.memory, calm, seeded(seed, f"texts {at}")) for at in range(TEXT_CLIENTS)]
        self._load.begin(
            [
                *((each.ask, pause) for each in texts),
                (Corpora(site, self.memory, folder, seeded(seed, "corpora")).act, 0.3),
                (Jobs(site, self.memory, self._corpus, steps, seeded(seed, "jobs")).act, 0.5),
                (Versions(site, self.memory, folder, seeded(seed, "versions")).act, 0.3),
            ]
        )

    def _trained(self, steps: int) -> str:
        """The digest of a network that was trained without any fault."""
        client, name = self.site.client(), f"calm-{steps}"
        job = train(client, self._corpus, name, steps)
        until(lambda: bool(client.job(job)["finished"]), TRAINED_SECONDS)
        return str(client.version(name, 1)["digest"])

    def run(self, fault: Fault[Any]) -> Outcome:
        """Inflict the fault at a random moment, wait until everything is as before, and look at the laws."""
        time.sleep(self._random.uniform(0.5, 1.5))
        starts, known = self.site.starts, len(self.memory.failures)
        begin = time.monotonic()
        with fault.inflict(self.site, self._random) as found:
            time.sleep(fault.seconds)
            self._wait_until_said(fault, begin)
        end = time.monotonic()
        again = self._wait(self.probe.generating_since, end)
        clear = self._wait(self.probe.clear_since, end)
        over = time.monotonic() if again is None else again
        self._load.park()
        failures = self.memory.failures[known:]
        outcome = Outcome(
            fault,
            self.probe.longest_gap(begin, over),
            over - end,
            (clear or time.monotonic()) - end,
            self.probe.said(begin, clear or time.monotonic()),
            Counter(f"{each.status} {each.code}" if each.status else each.code for each in failures),
        )
        outcome.broken.extend(found or [])
        outcome.broken.extend(laws.failures_are_of_the_contract(fault, failures, begin, max(over, clear or 0)))
        outcome.broken.extend(laws.it_generates_again(None if again is None else again - end, self._within))
        last = degraded(self.probe.states[-1]) if self.probe.states else []
        outcome.broken.extend(laws.it_says_what_is_degraded(fault, outcome.said, clear, last))
        if self.site.starts > starts and not fault.ends:
            outcome.broken.append("the whole service ended and was started again")
        outcome.broken.extend(self._looked_at_calmly())
        self.outcomes.append(outcome)
        self._load.go_on()
        return outcome

    def _looked_at_calmly(self) -> Iterator[str]:
        client = self.site.client()
        yield from laws.nothing_is_lost_or_doubled(client, self.memory, self._corpus)
        yield from laws.nothing_half_written_is_visible(client, self.site)
        yield from laws.no_job_failed(client)
        yield from laws.every_process_is_there_once(self.site)
        yield from seedless_faults(client, self.memory)
        yield from self.memory.wrong
        self.memory.wrong.clear()

    def finish(self) -> list[str]:
        """End the load, let every job come to its end, and look at the laws for the last time."""
        self._load.park()
        client = self.site.client()
        until(lambda: all(job["finished"] for job in client.jobs()), TRAINED_SECONDS)
        broken = list(self._looked_at_calmly())
        for model in (each["name"] for each in client.models() if each["name"].startswith(TRAINED)):
            steps = int(model.removeprefix(TRAINED).partition("-")[0])
            if (digest := client.version(model, 1)["digest"]) != self._digests[steps]:
                broken.append(f"{model} was trained to {digest}, calmly to {self._digests[steps]}")
        for model in self.memory.jobs.those("there"):
            if not any(each["name"] == model for each in client.models()):
                broken.append(f"the job of {model} has published nothing")
        return broken

    def end(self) -> None:
        """End load and probe, however far they are."""
        self._load.end()
        self.probe.end()

    def _wait_until_said(self, fault: Fault[Any], begin: float) -> None:
        """On a busy machine, `/readyz` may need longer than the fault's own time to name it."""
        deadline = time.monotonic() + LONGEST
        while not laws.is_said(fault, self.probe.said(begin, time.monotonic())) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _wait(self, found: Any, moment: float) -> float | None:
        deadline = time.monotonic() + LONGEST
        while (result := found(moment)) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return None if result is None else float(result)


@contextmanager
def trials(
    site: Site, seed: str, folder: Path, steps: tuple[int, ...], pause: float, within: float
) -> Iterator[Trials]:
    """Trials whose load ends with the context, and the service before them."""
    try:
        begun = Trials(site, seed, folder, steps, pause, within)
        try:
            yield begun
        finally:
            begun.end()
    finally:
        site.end()


def complaints(outcomes: Iterable[Outcome]) -> list[str]:
    """Which law each fault has broken."""
    return [f"{each.fault.name}: {sentence}" for each in outcomes for sentence in each.broken]
