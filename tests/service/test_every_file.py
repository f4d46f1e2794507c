"""Whatever becomes of any one file: lists are answered, texts are generated, the next job is trained, and the damage is
named or mended."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from durable.entries import is_file, is_there
from service.bootstrap.training import build_trainer, build_worker
from service.bootstrap.web import build_web
from service.data_dir import DataDir
from service.generation.scheduling.scheduler import Scheduler
from service.processes import preflight
from service.processes.embedded_redis import embedded_redis
from service.processes.orphans import Orphans
from service.settings import Settings
from service.supervised import SupervisorReport
from service.training.jobs.lease import LEASE
from service.training.queue.reconciler import Reconciler
from tests.damage import DAMAGES
from tests.service.api.conftest import MemoryQueue
from tests.service.conftest import MemoryRedis
from tests.service.kept_files import KINDS, Kind, files_in, kind_of
from tests.service.lived_in import job, jobs_of_all_kinds, live_in, trainer

ALL = ("emptied", "cut", "not_json", "wrong_fields", "a_folder", "linked", "dangling", "looping", "a_pipe")
ENTRIES = ("not_json", "a_folder", "linked", "dangling", "a_pipe")
"""For what is not read: it is another thing, or has any content."""

ROUTES = ("/models", "/models?details=true", "/corpora", "/jobs", "/metrics", "/v1/models", "/gradients")


class Queue(MemoryQueue):
    """A queue that is always empty: a job is handed to the worker by the test."""

    address = "nowhere:6379"

    def waiting(self) -> set[str]:
        return set()


class Once:
    """A consumer that hands over every unfinished job once, and then ends the worker."""

    def __init__(self, handle: Callable[[str], None], jobs: list[str]) -> None:
        self.handle, self.jobs = handle, jobs
        self.end: Callable[[], None] = lambda: None

    def start(self) -> None:
        for each in self.jobs:
            self.handle(each)
        self.end()

    def stop(self, timeout: float) -> None:
        pass


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a file of every kind, none of them damaged."""
    root = tmp_path_factory.mktemp("whole") / "data"
    settings = settings_in(root)
    live_in(settings)
    with client_of(settings) as client:
        assert client.post("/generate", json={"length": 3}).status_code == 200
    return root


def settings_in(root: Path) -> Settings:
    return Settings(data_dir=root, default_model="letters")


@contextmanager
def client_of(settings: Settings) -> Iterator[FlaskClient]:
    """A client of a new web process on the directory."""
    scheduler = Scheduler(max_active=4, max_waiting=4)
    process = build_web(settings, redis=MemoryRedis(), queue=Queue(), scheduler=scheduler)
    scheduler.start()
    try:
        yield process.application.test_client()
    finally:
        scheduler.close()


def copy(whole: Path, root: Path) -> None:
    """As another process finds it: without links to the memory of this one."""
    shutil.copytree(whole, root, symlinks=True, ignore=shutil.ignore_patterns(".shared-*"))


def example(root: Path, kind: Kind) -> str:
    """The path of a file of this kind, if possible of the default model, or of the job that has not ended."""
    found = [path for path in files_in(root) if kind.has(path)]
    important = [path for path in found if "/letters/" in path or list((root / path).parent.glob("resume-*"))]
    return (important or found)[-1]


def subject(path: str) -> str:
    """How a sentence about the file begins in /readyz."""
    first, *rest = Path(path).parts
    kinds = {"models": "model", "corpora": "corpus", "runs": "job"}
    return f"{kinds[first]} {rest[0]}: " if first in kinds else f"keys: {first} "


def all_routes(root: Path) -> Iterator[str]:
    """Those that read what lies in the directory."""
    yield from ROUTES
    for model in sorted(path.name for path in (root / "models").iterdir() if path.is_dir()):
        yield f"/models/{model}"
        parts = ("", "/cells", "/gradients", "/curves.svg", "/evaluation")
        yield from (f"/models/{model}/versions/1{part}" for part in parts)
    for folder, more in (("corpora", ("", "/preview")), ("runs", ("", "/curves.svg"))):
        route = {"runs": "jobs"}.get(folder, folder)
        names = sorted(path.name for path in (root / folder).iterdir() if not path.name.startswith("."))
        yield from (f"/{route}/{name}{part}" for name in names for part in more)


def look(client: FlaskClient, root: Path) -> tuple[set[str], list[str]]:
    """The codes of the errors of the server, and what /readyz names."""
    key = (root / "admin-key").read_text() if is_file(root / "admin-key") else "unknown"
    headers = {"Authorization": f"Bearer {key.strip() or 'unknown'}"}
    found = set()
    for route in all_routes(root):
        with client.get(route, headers=headers) as reply:
            if reply.status_code >= 500:
                found.add(f"{route}: {reply.status_code} {reply.json['error']['code']}")  # type: ignore[index]
    ready: Any = client.get("/readyz").json
    if "error" not in ready:
        return found, ready["degraded"]
    return found, [ready["error"]["message"].replace("cannot generate", "keys"), *ready["error"]["degraded"]]


def work(settings: Settings, damaged: str) -> None:
    """A worker that runs what there is to run, and then another job, which must succeed."""
    training = build_trainer(settings, new_trainer=trainer())
    sound = sorted(training.corpora.list(), key=lambda corpus: corpus.name)
    asked = list(training.jobs.unfinished())
    if damaged.startswith("corpora/") and len(sound) == 2:
        text, lines = (corpus.id for corpus in sound)
        asked += jobs_of_all_kinds(training, text, lines)
    asked.append(job(training, sound[0].id, "another", steps=1))
    consumers: list[Once] = []

    def consume(handle: Callable[[str], None]) -> Once:
        consumers.append(Once(handle, asked))
        return consumers[0]

    worker = build_worker(settings, queue=Queue(), consume=consume, new_trainer=trainer())  # type: ignore[arg-type]
    consumers[0].end = worker.stop
    worker.run()
    Reconciler(training.jobs, Queue(), grace=0).look()  # type: ignore[arg-type]
    state = training.jobs.get(asked[-1]).state
    assert state.status == "succeeded", state.error


NOT_HERE = ("kernels", "(models|corpora", r"packed/\.shared")
"""Kernels are in the user's cache folder; drafts are gone when they are complete; links to memory go with it."""
IN_PROCESS = [kind for kind in KINDS if kind.outcome != "of a start" and not kind.pattern.startswith(NOT_HERE)]


def cases() -> Iterator[Any]:
    """All kinds with all damages, which takes minutes; without `-m faults` one damage of each kind, by turns."""
    for number, kind in enumerate(IN_PROCESS):
        damages = ENTRIES if kind.outcome == "empty" else ALL
        for place, damage in enumerate(damages):
            is_long = place != number % len(damages)
            yield pytest.param(kind, damage, marks=[pytest.mark.faults] if is_long else [])


def test_every_file_that_is_left_behind_is_of_a_known_kind(whole: Path) -> None:
    found = {kind_of(path) for path in files_in(whole)}
    assert found >= set(IN_PROCESS), "a kind of file of which there is none is not tested"


@pytest.mark.parametrize(("kind", "damage"), [*cases()], ids=lambda each: getattr(each, "pattern", each))
def test_damage_to_one_file_costs_nothing_else(whole: Path, tmp_path: Path, kind: Kind, damage: str) -> None:
    path, root = example(whole, kind), tmp_path / "data"
    copy(whole, root)
    if not path.startswith("runs/"):
        shutil.rmtree(next((root / "runs").glob("*/resume-*")).parent)  # training it on would take time
    DAMAGES[damage](root / path)
    elsewhere = (root / path).readlink() if damage == "linked" else None
    for run in (root / "runs").glob("*-*"):
        if is_there(run / LEASE):
            os.utime(run / LEASE, (0, 0), follow_symlinks=False)  # of a worker that died long ago
    settings, is_seen = settings_in(root), damage not in kind.unseen
    with client_of(settings) as client:
        failures, degraded = look(client, root)
        closed = {each for each in failures if each.endswith(" 503 keys_unavailable")}
        assert failures == (closed if kind.outcome == "closed" and is_seen else set())
        if kind.outcome in ("named", "closed"):
            assert any(each.startswith(subject(path)) for each in degraded) is is_seen, degraded
        generated = client.post("/generate", json={"length": 3})
        refused = path == "keys.json" and is_seen
        assert (generated.status_code, bool(closed)) == (503 if refused else 200, kind.outcome == "closed" and is_seen)
    work(settings, path)
    if kind.outcome == "made anew":
        assert is_file(root / path) or not is_there(root / path)
        if path.startswith(("corpora/", "packed/")):
            assert (root / path).read_bytes() == (whole / path).read_bytes()
        with client_of(settings) as client:
            failures, degraded = look(client, root)
        assert failures == set()
        assert not any(each.startswith(subject(path)) for each in degraded), degraded
    assert elsewhere is None or elsewhere.read_bytes() == (whole / path).read_bytes(), "nothing is written elsewhere"


OF_A_RUN = ("request", "status", "lease", "progress", "warnings", "attempts", "publishing", "plan", "plan's model")


@pytest.mark.parametrize("file", OF_A_RUN)
def test_what_a_later_release_has_written_more_stops_no_job(whole: Path, tmp_path: Path, file: str) -> None:
    copy(whole, root := tmp_path / "data")
    run = next((root / "runs").glob("*/resume-*")).parent
    name, _, inside = file.partition("'s ")
    value = json.loads((run / f"{name}.json").read_text())
    (value[inside] if inside else value)["later"] = {"unknown": [1]}
    (run / f"{name}.json").write_text(json.dumps(value))
    work(settings_in(root), str(run.relative_to(root)))
    training = build_trainer(settings_in(root))
    assert (training.jobs.get(run.name).status, training.jobs.fault(run.name)) == ("succeeded", "")


STARTED = ("lock", "processes.lock", "redis.url", "redis.log", "redis.sock", "processes.json", "supervisor.conf")


@pytest.mark.parametrize("damage", ALL)
@pytest.mark.parametrize("name", STARTED)
def test_a_start_does_not_depend_on_what_the_last_one_left(tmp_path: Path, name: str, damage: str) -> None:
    data = DataDir(tmp_path / "data")
    data.make()
    (data.run / name).write_text(f"unix://{tmp_path}/nothing")
    DAMAGES[damage](data.run / name)
    elsewhere = (data.run / name).readlink() if damage == "linked" else None
    with preflight.lock(data):
        assert not Orphans(data.run)
        assert embedded_redis(data, 1 << 20).url.startswith("unix://")
        (data.run / name).write_text("it can be written")
        list(SupervisorReport(data.processes).problems())
    assert elsewhere is None or elsewhere.read_text() == f"unix://{tmp_path}/nothing"
