"""A job that is killed at random moments, against one that is left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from model_store import ModelStore
from service.training.corpora.store import CorpusStore
from service.training.jobs import resume_points
from service.training.jobs.job import Job
from service.training.jobs.lease import LEASE
from service.training.jobs.store import JobStore
from tests.service.training.runners import job_runner
from tests.waiting import until

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(("kills", "steps"), [(4, 300), pytest.param(20, 1500, marks=pytest.mark.faults)])
def test_random_kills_change_no_byte(
    jobs: JobStore,
    corpora: CorpusStore,
    models: ModelStore,
    new_job: Callable[..., Job],
    tmp_path: Path,
    kills: int,
    steps: int,
) -> None:
    whole, killed = new_job(steps=steps), new_job(steps=steps)
    command = [sys.executable, str(Path(__file__).with_name("killable.py")), str(tmp_path), killed.id]
    moments = random.Random(7)
    reached = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        folder = jobs.folder(killed.id)

        def run(kill_after: Callable[[], None] | None) -> int:
            print("run", file=process.stdin, flush=True)
            child = int(process.stdout.readline())  # type: ignore[union-attr]
            if kill_after is not None:
                kill_after()
                os.kill(child, signal.SIGKILL)
            return int(process.stdout.readline())  # type: ignore[union-attr]

        def further() -> None:
            """Until it has saved a new resume point, and a moment longer."""
            before = resume_points.newest_step(folder)
            until(lambda: resume_points.newest_step(folder) != before)
            time.sleep(moments.uniform(0, 0.02))

        def anywhere() -> None:
            """Also while it begins, or goes on from a resume point."""
            time.sleep(moments.uniform(0.01, 0.1))

        for number in range(kills):
            assert run(anywhere if number % 2 else further) == -signal.SIGKILL, "it was at work when it was killed"
            reached.append(resume_points.newest_step(folder))
            if (lease := folder / LEASE).exists():
                os.utime(lease, (0, 0))  # as old as a dead worker's becomes
        assert run(None) == 0
        process.stdin.close()
    assert jobs.get(killed.id).status == "succeeded"
    assert reached == sorted(reached)
    assert 0 < reached[0] < reached[-1] < steps
    assert job_runner(jobs, corpora, models).run(whole.id, Event()) == "ended"
    assert jobs.event_log(killed.id).samples() == jobs.event_log(whole.id).samples(), (
        "each logged once, with the same texts"
    )
    first, second = (models.path("fox", version).read_bytes() for version in models.versions("fox"))
    assert first == second
