from __future__ import annotations

import threading
from pathlib import Path

from flask import Flask

from service.api.http.shutdown import Shutdown
from service.bootstrap.web import build_web
from service.bootstrap.web_process import WebProcess
from service.generation.scheduling.scheduler import Scheduler
from service.settings import Settings
from tests.ports import free_port
from tests.waiting import LONGEST


def test_a_web_process_is_built_before_anything_starts_and_without_redis(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url=f"redis://127.0.0.1:{free_port()}/0", default_model="none")
    threads = threading.active_count()
    process = build_web(settings)
    assert threading.active_count() == threads
    client = process.application.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert client.get("/jobs", headers={"Authorization": f"Bearer {(tmp_path / 'admin-key').read_text().strip()}"}).json


def test_chores_are_done_after_the_preparation_whatever_fails() -> None:
    done: list[str] = []
    twice = threading.Event()

    def failing() -> None:
        done.append("failing")
        raise OSError

    def chore() -> None:
        done.append("chore")
        if done.count("chore") == 2:
            twice.set()

    process = WebProcess(Flask("none"), Scheduler(1, 1), Shutdown(), prepare=failing, chores=[failing, chore])
    process.start()
    assert twice.wait(LONGEST)
    process.complete()
    assert done[:5] == ["failing", "failing", "chore", "failing", "chore"]
