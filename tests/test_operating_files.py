"""What lies ready for operators fits what the service measures."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from service.api.http.metrics import Metrics
from service.mirror.counted import Requests
from service.training.jobs.job import Status
from service.training.queue.figures import Figures

DEPLOY = Path(__file__).parent.parent / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"
PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed (Debian, Ubuntu: apt install prometheus)"
)


class Training:
    def count_by_status(self) -> dict[Status, int]:
        return {}

    def heartbeats(self) -> dict[str, float]:
        return {"host-1": 1.0}

    def figures(self) -> Figures:
        return Figures()


class Old:
    def ages(self) -> dict[str, float]:
        return {"models": 61.0}


def promtool(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(PROMTOOL), *arguments], input=given, capture_output=True, check=False)


@pytest.fixture
def page() -> bytes:
    metrics = Metrics(Training(), Training(), degraded=lambda: ["disk: full", "model m: bad"], mirror=Old())
    metrics.asked({("get", "done"): Requests(1, 0.5)})
    metrics.request("GET", "/models", 200, 0.1)
    return metrics.page()


@pytest.mark.parametrize("file", [RULES, DASHBOARD], ids=lambda file: file.name)
def test_what_is_asked_for_is_measured(file: Path, page: bytes) -> None:
    asked = set(re.findall(r"\bcharrnn_\w+", file.read_text()))
    assert len(asked) >= 5
    assert asked <= set(re.findall(r"^charrnn_\w+", page.decode(), re.MULTILINE))


def test_the_dashboard_shows_everything_that_is_measured(page: bytes) -> None:
    shown = {re.sub(r"_(bucket|total)$", "", name) for name in re.findall(r"\bcharrnn_\w+", DASHBOARD.read_text())}
    measured = re.findall(r"^# TYPE (charrnn_\w+) ", page.decode(), re.MULTILINE)
    assert shown == {re.sub(r"_(total|created)$", "", name) for name in measured}


def test_the_panels_of_the_dashboard_do_not_lie_on_each_other() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [tuple(panel["gridPos"][side] for side in "xywh") for panel in panels]
    taken = [(x + dx, y + dy) for x, y, w, h in places for dx in range(w) for dy in range(h)]
    assert len(set(taken)) == len(taken)


def test_each_alert_is_explained_to_the_one_on_call() -> None:
    page = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    assert explained == re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))


@needs_promtool
def test_the_rules_are_valid_and_fire_when_they_should() -> None:
    for arguments in (
        ("check", "config", str(DEPLOY / "prometheus" / "prometheus.yml")),
        ("test", "rules", str(DEPLOY / "prometheus" / "alerts_test.yml")),
    ):
        done = promtool(*arguments)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()


@needs_promtool
def test_the_page_is_as_prometheus_likes_it(page: bytes) -> None:
    done = promtool("check", "metrics", given=page)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
