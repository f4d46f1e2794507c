"""The machine of a running job dies or is cut off: another one goes on to the same end, and the first writes nothing
any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from service.training.jobs.shared_head import HEAD, Head
from service.training.jobs.shared_lease import RESUME
from tests.object_server import ObjectServer
from tests.scale.figures import shown, spread
from tests.scale.machines import Cluster, Links, WebMachine, WorkerMachine, cluster
from tests.texts import FOX
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.scale]

SMALL: Final = {"hidden_size": 8, "layers": 1, "batch_size": 2, "segment_length": 8, "seed": 1, "promote": "never"}
STEPS: Final = 1500
TIMES: Final = 2
TAKEN_SECONDS: Final = 15.0
"""After so long another machine has gone on."""
STILL_SECONDS: Final = 6.0
"""How long a machine that was replaced is watched."""


@dataclass(frozen=True)
class Trainer:
    """A machine that trains, and its links."""

    machine: WorkerMachine
    links: Links


Harm = Callable[[Trainer], None]


def killed(trainer: Trainer) -> None:
    trainer.machine.kill()


def cut_off(trainer: Trainer) -> None:
    trainer.links.cut()


def cut_off_from_the_store(trainer: Trainer) -> None:
    trainer.links.store.cut()


@pytest.fixture(scope="module")
def machines(object_server: ObjectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("takeover"), object_server) as found:
        yield found


@pytest.fixture(scope="module")
def web(machines: Cluster) -> Iterator[WebMachine]:
    with machines.web("web") as machine:
        yield machine


@pytest.fixture(scope="module")
def corpus(web: WebMachine, tmp_path_factory: pytest.TempPathFactory) -> str:
    text = tmp_path_factory.mktemp("text") / "fox.txt"
    text.write_text(FOX * 40)
    return str(web.client.upload(text)["id"])


@pytest.fixture(scope="module")
def measured() -> Iterator[dict[str, list[float]]]:
    """The seconds until another machine went on, by what was done to the first."""
    found: dict[str, list[float]] = {}
    yield found
    rows = [(what, len(seconds), *spread(seconds)) for what, seconds in found.items()]
    shown("takeover", ("another machine goes on with a job whose machine is", "times", "median", "the most"), rows)


@contextmanager
def trainers(made: Cluster, *names: str) -> Iterator[list[Trainer]]:
    with ExitStack() as stack:
        links = [stack.enter_context(Links(made)) for _ in names]
        workers = stack.enter_context(made.workers(*names, links=links))
        yield [Trainer(worker, each) for worker, each in zip(workers, links, strict=True)]


def begun(web: WebMachine, corpus: str, model: str) -> str:
    return str(web.client.train(corpus, model, budget={"steps": STEPS}, **SMALL)["id"])


def ended(web: WebMachine, job: str) -> bool:
    state = web.client.job(job)
    assert state["status"] in ("queued", "running", "succeeded"), state
    return bool(state["finished"])


@pytest.fixture(scope="module")
def calm(machines: Cluster, web: WebMachine, corpus: str) -> str:
    """The digest of what is trained undisturbed."""
    with trainers(machines, "calm"):
        job, began = begun(web, corpus, "calm"), time.monotonic()
        until(lambda: ended(web, job), 300)
        print(f"undisturbed: {time.monotonic() - began:.1f} s")
    return str(web.client.version("calm", 1)["digest"])


def written(made: Cluster, job: str, model: str) -> dict[str, str]:
    """All objects of a run and of its model."""
    return {
        each.key: each.etag for prefix in (f"runs/{job}/", f"models/{model}/") for each in made.objects.list(prefix)
    }


def released(made: Cluster, job: str) -> bool:
    """Whether its worker has written all that it had to write."""
    return Head.from_bytes(made.objects.get(f"runs/{job}/{HEAD}").data).holder.released


@pytest.mark.parametrize("harm", [killed, cut_off, cut_off_from_the_store], ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("back", ["meanwhile", "afterwards"])
def test_another_machine_goes_on(
    machines: Cluster, web: WebMachine, corpus: str, calm: str, measured: dict[str, list[float]], harm: Harm, back: str
) -> None:
    if harm is killed and back == "afterwards":
        pytest.skip("it does not come back")
    seconds = measured.setdefault(harm.__name__.replace("_", " "), [])
    for turn in range(TIMES):
        model = f"{harm.__name__}-{back}-{turn}".replace("_", "-")
        with trainers(machines, f"{model}-one", f"{model}-two") as both:
            job = begun(web, corpus, model)
            until(lambda job=job: (web.client.job(job)["progress"] or {}).get("step", 0) > STEPS / 10)  # type: ignore[misc]
            doomed, heir = both if f"job {job} begins" in both[0].machine.text() else reversed(both)
            harm(doomed)
            began = time.monotonic()
            until(lambda job=job, heir=heir: _goes_on(heir, job))  # type: ignore[misc]
            seconds.append(time.monotonic() - began)
            if harm is not killed and back == "meanwhile":
                doomed.links.mend()
                _finds_itself_replaced(doomed, job)
            until(lambda job=job: ended(web, job), 300)  # type: ignore[misc]
            assert f"job {job} published {model}@1" in heir.machine.text()
            if harm is not killed:
                until(lambda job=job: released(machines, job))  # type: ignore[misc]
                before = written(machines, job, model)
                doomed.links.mend()
                _finds_itself_replaced(doomed, job)
                time.sleep(STILL_SECONDS)
                after = written(machines, job, model)
                assert {key: after[key] for key in before} == before
                # What was on its way when the links were cut arrives now, and is collected.
                assert all(f"/{RESUME}" in key for key in after.keys() - before.keys()), after.keys() - before.keys()
                until(lambda job=job, model=model, before=before: written(machines, job, model) == before, 300)  # type: ignore[misc]
                assert "published" not in doomed.machine.text()
        assert web.client.version(model, 1)["digest"] == calm
        assert [each["version"] for each in web.client.model(model)["versions"]] == [1]
    assert max(seconds) < TAKEN_SECONDS, seconds


def _goes_on(heir: Trainer, job: str) -> bool:
    return any(f"job {job} {what}" in heir.machine.text() for what in ("resumes", "begins"))


def _finds_itself_replaced(doomed: Trainer, job: str) -> None:
    until(lambda: f"run {job} was taken over by another worker" in doomed.machine.text())
