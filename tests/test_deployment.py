"""The files of the deployment agree with each other and with the settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.processes import gunicorn_config
from service.processes.serving import GRACEFUL_SECONDS, programs
from service.settings import Settings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
UNIT = (ROOT / "deploy" / "charrnn.service").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
IN_THE_IMAGE = {"HOST", "PORT", "DATA_DIR"}
BETWEEN_CONTAINERS = {"REDIS_URL", "CACHE_URL"}
OF_THE_STORE = {
    f"AWS_{each}" for each in ("ACCESS_KEY_ID", "ENDPOINT_URL", "REGION", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
}


def setting_names() -> set[str]:
    return {name.upper() for name in Settings.model_fields}


def test_the_image_starts_from_one_base_and_runs_as_an_ordinary_user() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"python:3.11-slim"}
    last_stage = DOCKERFILE.rpartition("FROM ")[2]
    assert re.findall(r"^USER (\S+)", last_stage, re.MULTILINE) == ["10001:0"]  # a number, which Kubernetes can judge


def test_the_image_is_for_any_user_of_the_group_0() -> None:
    last_stage = DOCKERFILE.rpartition("FROM ")[2]
    made = re.search(r"^RUN install -d -m 770 -o \d+ -g 0 (.*)$", last_stage, re.MULTILINE)
    assert made is not None
    mounted = {each.partition(":")[2] for each in SERVICES["api"]["volumes"]}
    assert set(made[1].split()) == mounted
    assert " HOME=/data " in last_stage  # so that kernels are kept


def test_the_image_holds_every_package_and_nothing_else_can_get_in() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--)(\S+)", DOCKERFILE, re.MULTILINE))
    assert kept == copied == {"charrnn", "console", "durable", "model_store", "requirements", "service"}


class Answer(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Ill(Answer):
    status = 503


@pytest.fixture(params=[Answer, Ill])
def server(request: pytest.FixtureRequest) -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), request.param) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_health_check_tells_well_from_ill(server: HTTPServer) -> None:
    text = re.search(r"HEALTHCHECK.*?CMD (\[.*?\])\n", DOCKERFILE, re.DOTALL)
    assert text is not None
    program, *arguments = json.loads(text[1].replace("\\\n", ""))
    assert program == "python"
    environment = os.environ | {"PORT": str(server.server_port)}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)
    assert (done.returncode == 0) == (server.RequestHandlerClass is Answer)


def test_the_containers_get_every_setting() -> None:
    for name in ("api", "worker"):
        given = set(SERVICES[name]["environment"])
        assert given == (setting_names() - IN_THE_IMAGE) | OF_THE_STORE, name
    in_the_image = set(re.findall(r"\b([A-Z_]+)=", DOCKERFILE.rpartition("ENV ")[2].partition("\n")[0]))
    assert in_the_image >= IN_THE_IMAGE


def test_the_admins_key_is_required() -> None:
    assert SERVICES["api"]["environment"]["ADMIN_API_KEYS"].startswith("${ADMIN_API_KEYS:?")


def test_secrets_may_be_files_in_the_containers() -> None:
    more: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.secrets.yml").read_text())
    for name in ("api", "worker"):
        files = {f"{each.upper()}_FILE": f"/run/secrets/{each}" for each in more["services"][name]["secrets"]}
        given = {key: value for key, value in more["services"][name]["environment"].items() if value}
        assert given == files
        assert {each.removesuffix("_FILE").lower() for each in given} <= set(Settings.secrets())
        assert set(more["services"][name]["secrets"]) == set(more["secrets"])


def test_the_example_names_every_variable_that_compose_reads() -> None:
    read = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert set(example()) == read


def test_the_example_shows_the_defaults() -> None:
    shown = {name: value for name, value in example().items() if value and name in setting_names()}
    assert set(shown) == setting_names() - BETWEEN_CONTAINERS - {
        "DATA_DIR",
        "API_KEYS",
        "ADMIN_API_KEYS",
        "CONTINUATION_KEYS",
        "CORS_ORIGINS",
        "RATE_LIMIT",
        "STORE_URL",
    }
    for name, value in shown.items():
        assert str(Settings.model_fields[name.lower()].default) == value, name


def example() -> dict[str, str]:
    lines = re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return dict(lines)


def test_the_cache_forgets_and_the_queue_does_not() -> None:
    cache, queue = (" ".join(SERVICES[name]["command"]) for name in ("cache", "queue"))
    assert {SERVICES[name]["image"] for name in ("cache", "queue")} == {"redis:7"}
    assert "--maxmemory-policy allkeys-lru" in cache
    assert "--appendonly no" in cache
    assert "--maxmemory-policy noeviction" in queue
    assert "--appendonly yes" in queue
    assert "volumes" not in SERVICES["cache"]
    assert SERVICES["queue"]["volumes"] == ["queue:/var/tmp"]
    assert "--dir /var/tmp" in queue


def test_all_of_the_data_directory_outlives_the_containers() -> None:
    mounted = {"data:/data", "models:/data/models", "corpora:/data/corpora", "runs:/data/runs"}
    assert set(SERVICES["api"]["volumes"]) == set(SERVICES["worker"]["volumes"]) == mounted
    assert set(COMPOSE["volumes"]) == {"data", "models", "corpora", "runs", "queue"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp:size=64m"]
    assert service["mem_limit"]
    assert 0 < service["pids_limit"] <= 8192
    assert service.get("user", "10001") not in ("root", "0")
    assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "userns_mode"} & service.keys()


@pytest.mark.parametrize("name", ["cache", "queue"])
def test_redis_keeps_to_less_memory_than_its_container_has(name: str) -> None:
    (megabytes,) = re.findall(r"--maxmemory (\d+)mb", " ".join(SERVICES[name]["command"]))
    assert int(megabytes) * 2 <= int(SERVICES[name]["mem_limit"].removesuffix("m"))


def test_every_container_comes_back_by_itself() -> None:
    assert {each["restart"] for each in SERVICES.values()} == {"unless-stopped"}


def unit(name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_every_line_of_its_unit(tmp_path: Path) -> None:
    copy = tmp_path / "charrnn.service"
    copy.write_text(UNIT.replace(unit("ExecStart").split()[0], sys.executable).replace("User=charrnn\n", ""))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_there_is_time_to_stop_one_process_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    started = programs(Settings(data_dir=tmp_path))
    assert int(unit("TimeoutStopSec")) > sum(program.stop_seconds for program in started)
    for name in ("api", "worker"):
        (seconds,) = re.findall(r"^(\d+)s$", SERVICES[name]["stop_grace_period"])
        assert int(seconds) > GRACEFUL_SECONDS
    assert unit("Restart") == "always"


def test_the_proxy_gives_up_an_idle_connection_before_the_web_process_does() -> None:
    kept = re.search(r"^    keepalive_timeout (\d+)s;", (ROOT / "deploy" / "nginx.conf").read_text(), re.MULTILINE)
    assert kept is not None
    assert int(kept[1]) <= gunicorn_config.keepalive - 5


def test_the_check_of_a_clone_can_be_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text()
