"""Which processes the service consists of, and that they are this package's wherever they are started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import service
from service.processes.serving import programs
from service.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", redis_url="redis://127.0.0.1:1", web_workers=1)


def test_a_worker_is_there_where_torch_is(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [program.name for program in programs(settings)] == ["worker", "web"]
    monkeypatch.setitem(sys.modules, "torch", None)
    assert [program.name for program in programs(settings)] == ["web"]


def test_a_folder_of_the_same_name_is_not_taken_for_the_package(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("service", "charrnn", "model_store"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
    worker, web = programs(settings)
    variables = os.environ | {"DATA_DIR": str(settings.data_dir), "REDIS_URL": settings.redis_url}
    asked = [*worker.command[:-2], "-c", "import service; print(service.__file__)"]
    for command, program in ((asked, worker), ([*web.command, "--check-config"], web)):
        environment = variables | dict(program.environment)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, "the wrong one" in done.stderr) == (0, False), done.stderr
        assert command is not asked or done.stdout.strip() == service.__file__
