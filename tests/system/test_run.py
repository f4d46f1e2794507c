"""`python -m service` as a person runs it: it answers, survives the death of its parts, and ends without a trace."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.service.kept_files import files_in, kind_of
from tests.system.running import ROOT, Service
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.system


def start_again(service: Service, **settings: str) -> subprocess.CompletedProcess[str]:
    """Another start while `service` runs."""
    return subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env=service.environment | settings,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def ended(group: int) -> bool:
    """Whether no process of the group is left; each program has a group of its own."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    service = Service(folder / "data", folder / "output")
    try:
        until(lambda: service.answers("/readyz"))
        yield service
    finally:
        if service.process.poll() is None:
            service.end(signal.SIGTERM)


def test_it_generates_from_the_model_that_it_came_with(service: Service) -> None:
    reply = service.request("/generate", {"prompt": "ROMEO:", "length": 20})
    assert (reply["model"], reply["version"], len(reply["text"])) == ("shakespeare", 1, 20)


def test_it_says_where_it_is_and_where_the_key_is(service: Service) -> None:
    until(lambda: "Listening" in service.output.read_text())
    said = service.output.read_text()
    assert f"http://127.0.0.1:{service.port}" in said
    key = service.data_dir / "admin-key"
    assert str(key) in said
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text().strip() not in said


def test_everything_it_needs_is_there(service: Service) -> None:
    until(lambda: service.request("/readyz")["degraded"] == [])


def test_every_file_that_it_keeps_is_of_a_known_kind(service: Service) -> None:
    assert [kind_of(path) for path in files_in(service.data_dir)]


def test_a_second_start_on_the_same_data_is_refused(service: Service) -> None:
    second = start_again(service, PORT=str(free_port()))
    assert second.returncode == 1
    assert second.stderr == (
        f"service: DATA_DIR={service.data_dir} is in use by a running service (process "
        f"{service.process.pid}); stop that one, or start this one with another DATA_DIR and PORT\n"
    )


def test_a_port_in_use_is_reported_in_one_line(service: Service, tmp_path: Path) -> None:
    second = start_again(service, DATA_DIR=str(tmp_path))
    assert second.returncode == 1
    assert second.stderr.startswith(f"service: PORT={service.port} is in use on 127.0.0.1; ")
    assert second.stderr.count("\n") == 1
    assert not (tmp_path / "run" / "redis.url").exists()


def test_a_setting_out_of_bounds_is_named(service: Service) -> None:
    second = start_again(service, PORT="99999")
    assert second.returncode == 1
    assert re.fullmatch(r"service: PORT: .*65535\n", second.stderr)


@pytest.mark.parametrize("name", ["worker", "web", "redis"])
def test_a_part_that_is_killed_comes_back(service: Service, name: str) -> None:
    service.kill(name)
    until(lambda: service.answers("/readyz") and service.request("/readyz")["degraded"] == [])
    assert len(service.request("/generate", {"prompt": name, "length": 5, "cache": False})["text"]) == 5
    until(lambda: f"worker {service.children()['worker']} takes jobs" in service.output.read_text())


def test_a_web_process_that_is_killed_comes_back(service: Service) -> None:
    master = service.children()["web"]
    before = web_processes(master)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: web_processes(master) not in ([], before))
    until(lambda: service.answers("/readyz"))
    assert service.children()["web"] == master


def web_processes(master: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, parent in map(str.split, listed.splitlines()) if int(parent) == master]


def test_the_end_leaves_no_process_and_the_next_start_finds_everything(service: Service, tmp_path: Path) -> None:
    key = (service.data_dir / "admin-key").read_text()
    asked = {"prompt": "JULIET:", "length": 10, "seed": 7}
    text = service.request("/generate", asked)["text"]
    groups = service.children().values()
    assert service.end(signal.SIGINT) == 0
    assert all(map(ended, groups))
    assert "Traceback" not in service.output.read_text()

    again = Service(service.data_dir, tmp_path / "output")
    try:
        until(lambda: again.answers("/readyz"))
        reply = again.request("/generate", asked)
        assert (reply["text"], reply["cached"]) == (text, True)
        assert (service.data_dir / "admin-key").read_text() == key
    finally:
        assert again.end(signal.SIGTERM) == 0
