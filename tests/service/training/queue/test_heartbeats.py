from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from durable.drafts import PREFIX
from service.training.queue.figures import Figures
from service.training.queue.heartbeats import WORKERS, Heartbeat, WorkerRegistry


def test_a_worker_is_seen_while_it_lives(tmp_path: Path) -> None:
    now = [time.time()]
    workers = WorkerRegistry(tmp_path, lambda: now[0])
    assert not workers.any_alive()
    worker = Heartbeat(tmp_path)
    worker.begin()
    assert workers.any_alive()
    (name,) = workers.heartbeats()
    assert socket.gethostname() not in name and str(os.getpid()) not in name
    now[0] += 60
    assert not workers.any_alive()
    assert list(workers.heartbeats()) == [name], "one that was killed is still listed"
    now[0] -= 3600
    assert not workers.any_alive(), "although the clock was set back"
    worker.end()
    assert workers.heartbeats() == {}


def test_what_workers_left_that_were_killed_is_cleared_away(tmp_path: Path) -> None:
    Heartbeat(tmp_path).beat()
    left = tmp_path / WORKERS / "host-1"
    left.touch()
    os.utime(left, (1.0, 1.0))
    assert "host-1" not in WorkerRegistry(tmp_path).heartbeats()
    Heartbeat(tmp_path).begin()
    assert not left.exists()


def test_how_many_lines_of_their_logs_were_lost(tmp_path: Path) -> None:
    lost = {"one": 0, "two": 3}
    beats = [Heartbeat(tmp_path, lambda name=name: Figures(lost[name])) for name in lost]  # type: ignore[misc]
    workers = WorkerRegistry(tmp_path)
    assert workers.figures().lost_lines == 0
    for each in beats:
        each.begin()
    assert workers.figures().lost_lines == 3
    lost["one"] = 4
    for each in beats:
        each.beat()
    assert (workers.figures().lost_lines, len(workers.heartbeats())) == (7, 2)
    beats[0].end()
    assert workers.figures().lost_lines == 3


def test_a_draft_is_no_worker(tmp_path: Path) -> None:
    (tmp_path / WORKERS).mkdir()
    (tmp_path / WORKERS / f"{PREFIX}1").touch()
    assert WorkerRegistry(tmp_path).heartbeats() == {}
