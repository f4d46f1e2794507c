"""The Helm chart: its makers' tools find nothing wrong with it, and neither would a reviewer."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from flask import Flask

from charrnn import __version__
from service.api.http.metrics import Metrics
from service.api.routes import operating
from service.processes.serving import GRACEFUL_SECONDS
from service.settings import Settings
from service.training.queue.heartbeats import Heartbeat
from tests.charts import CHART, NAMESPACE, VALUES, container, environment, helm, needs_helm, parts, pod, rendered, the
from tests.charts import things as objects

ROOT = CHART.parents[2]
PARTS = ("web", "worker")
OF_OTHER_MAKERS = {"ServiceMonitor", "ScaledObject"}
"""Kinds that are not Kubernetes' own."""

pytestmark = [needs_helm, pytest.mark.parametrize("values", VALUES)]


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


@pytest.fixture
def file(values: str, tmp_path: Path) -> Path:
    path = tmp_path / f"{values}.yaml"
    path.write_text(rendered(values))
    return path


def test_helm_has_no_complaint(values: str) -> None:
    done = helm("lint", "--strict", "--values", VALUES[values], CHART)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"\[(WARNING|ERROR)\]", done.stdout)


@needs("kubernetes-validate")
@pytest.mark.parametrize("version", ["oldest", "newest"])
def test_every_object_is_valid(values: str, version: str, file: Path) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    (oldest,) = re.findall(r">=(1\.\d+)\.", chart["kubeVersion"])
    options = ["-k", oldest] if version == "oldest" else []
    command: list[str] = ["kubernetes-validate", "--strict", *options, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    own = [each for each in objects(values) if each["kind"] not in OF_OTHER_MAKERS]
    assert sum(" passed for resource " in line for line in lines) == len(own) > 6
    assert not [line for line in lines if " passed " not in line and not any(kind in line for kind in OF_OTHER_MAKERS)]


@needs("kubectl")
def test_kubectl_can_read_every_object(values: str, file: Path) -> None:
    command = ["kubectl", "label", "--local", "--filename", str(file), "checked=yes", "--output", "name"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(objects(values))


@pytest.mark.parametrize("part", PARTS)
def test_no_process_is_root_or_can_become_it(values: str, part: str) -> None:
    security = pod(values, part)["spec"]["securityContext"]
    assert security["runAsNonRoot"] is True
    for number in (security["runAsUser"], security["runAsGroup"], security["fsGroup"]):
        assert type(number) is int
        assert number >= 10_000  # no user of the node's
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    confined = container(values, part)["securityContext"]
    assert confined["allowPrivilegeEscalation"] is confined["privileged"] is False
    assert confined["capabilities"] == {"drop": ["ALL"]}
    spec = pod(values, part)["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & spec.keys()


@pytest.mark.parametrize("part", PARTS)
def test_nothing_can_be_written_but_volumes_that_may_be_lost(values: str, part: str) -> None:
    assert container(values, part)["securityContext"]["readOnlyRootFilesystem"] is True
    mounted = {each["name"]: each["mountPath"] for each in container(values, part)["volumeMounts"]}
    assert mounted == {"data": "/data", "tmp": "/tmp", "shm": "/dev/shm"}
    assert " HOME=/data " in (ROOT / "Dockerfile").read_text()  # where kernels are kept
    volumes = {each.pop("name"): each for each in pod(values, part)["spec"]["volumes"]}
    assert volumes.keys() == mounted.keys()
    for name, volume in volumes.items():
        ((kind, what),) = volume.items()
        assert kind in ("emptyDir", "ephemeral"), name
        assert what.get("sizeLimit") or what["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"]


@pytest.mark.parametrize("part", PARTS)
def test_every_container_has_limits(values: str, part: str) -> None:
    given = container(values, part)["resources"]
    assert given["requests"].keys() >= {"cpu", "memory", "ephemeral-storage"}
    assert given["limits"].keys() == given["requests"].keys()


@pytest.mark.parametrize("part", PARTS)
def test_kubernetes_is_not_within_reach(values: str, part: str) -> None:
    spec = pod(values, part)["spec"]
    account = the(values, "ServiceAccount", spec["serviceAccountName"])
    assert spec["automountServiceAccountToken"] is account["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert not {each["kind"] for each in objects(values)} & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


@pytest.mark.parametrize("part", PARTS)
def test_an_image_has_a_version(values: str, part: str) -> None:
    found = re.fullmatch(r"[\w.-]+(/[\w.-]+)+:([\w.-]+)(@sha256:[0-9a-f]{64})?", container(values, part)["image"])
    assert found is not None
    assert found[2] in {__version__, f"{__version__}-cuda", "1.2.3"}
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__


@pytest.mark.parametrize("part", PARTS)
def test_the_containers_run_what_docker_compose_runs(values: str, part: str) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert container(values, part)["args"] == services[{"web": "api"}.get(part, part)]["command"]


def test_the_web_processes_are_asked_where_they_answer(values: str) -> None:
    app = Flask(__name__)
    app.register_blueprint(operating.blueprint(lambda: None, list, bytes))
    served = {str(rule) for rule in app.url_map.iter_rules()}
    web = container(values, "web")
    assert web["ports"] == [{"name": "http", "containerPort": 8000}]
    assert " PORT=8000 " in (ROOT / "Dockerfile").read_text()
    paths = {name: web[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert {*paths.values(), "/metrics"} <= served
    assert {web[f"{name}Probe"]["httpGet"]["port"] for name in paths} == {"http"}


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe"])
def test_a_worker_lives_as_long_as_its_heart_beats(values: str, probe: str, tmp_path: Path) -> None:
    shell, option, command = container(values, "worker")[probe]["exec"]["command"]
    asked = [shell, option, command.replace("/data/", f"{tmp_path}/")]
    assert asked[2] != command

    def lives() -> bool:
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    assert not lives()
    (tmp_path / "runs").mkdir()
    Heartbeat(tmp_path / "runs").begin()
    assert lives()
    (beat,) = (tmp_path / "runs" / ".workers").iterdir()
    subprocess.run(["touch", "-d", "3 minutes ago", beat], check=True)
    assert not lives()


def test_requests_are_finished_before_a_pod_is_killed(values: str) -> None:
    drained = container(values, "web")["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert drained >= 1
    assert pod(values, "web")["spec"]["terminationGracePeriodSeconds"] >= drained + GRACEFUL_SECONDS + 5
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["worker"]["stop_grace_period"]
    assert f"{pod(values, 'worker')['spec']['terminationGracePeriodSeconds']}s" == compose


@pytest.mark.parametrize("part", PARTS)
def test_a_node_can_be_drained(values: str, part: str) -> None:
    budget = the(values, "PodDisruptionBudget", f"charrnn-{part}")["spec"]
    assert budget["maxUnavailable"] not in (0, "0%")
    assert "minAvailable" not in budget
    assert budget["selector"] == the(values, "Deployment", f"charrnn-{part}")["spec"]["selector"]


@pytest.mark.parametrize("part", PARTS)
def test_pods_are_spread_over_nodes_and_zones(values: str, part: str) -> None:
    spread = pod(values, part)["spec"]["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for each in spread:
        assert each["labelSelector"] == the(values, "Deployment", f"charrnn-{part}")["spec"]["selector"]


def test_objects_are_labelled_and_find_each_other(values: str) -> None:
    for each in objects(values):
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == labels["app.kubernetes.io/instance"] == "charrnn"
        assert {"app.kubernetes.io/component", "app.kubernetes.io/version", "helm.sh/chart"} <= labels.keys()
    names = [(each["kind"], each["metadata"]["name"]) for each in objects(values)]
    assert len(set(names)) == len(names)
    web, worker = (the(values, "Deployment", f"charrnn-{part}")["spec"]["selector"] for part in PARTS)
    assert web != worker
    for part, selector in (("web", web), ("worker", worker)):
        assert selector["matchLabels"].items() <= pod(values, part)["metadata"]["labels"].items()
    assert the(values, "Service")["spec"]["selector"] == web["matchLabels"]


def test_only_the_web_processes_can_be_reached(values: str) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in objects(values, "NetworkPolicy")}
    assert policies["charrnn-web"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": "http"}]}]
    assert "ingress" not in policies["charrnn-worker"]


@pytest.mark.parametrize("part", PARTS)
def test_secrets_come_from_a_secret_and_all_else_is_a_setting(values: str, part: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    secrets = {name.upper() for name in Settings.secrets()}
    given = environment(values, part)
    from_secret = {name for name, each in given.items() if each.get("valueFrom", {}).keys() == {"secretKeyRef"}}
    assert from_secret == secrets | keys
    for name in from_secret:
        source = given[name]["valueFrom"]["secretKeyRef"]
        assert source["key"] == name
        assert source.get("optional", False) is (name not in ("ADMIN_API_KEYS", "REDIS_URL"))
    plain = given.keys() - from_secret
    assert {"STORE_URL", "DEVICE", "MIRROR_BYTES"} <= plain
    assert 2 * int(given["MIRROR_BYTES"]["value"]) < 10 << 30  # the smallest volume here
    settings = {name.upper() for name in Settings.model_fields}
    assert plain - {"AWS_REGION", "AWS_ENDPOINT_URL"} <= settings - {"HOST", "PORT", "DATA_DIR"}
    assert all(type(given[name]["value"]) is str for name in plain)


def test_no_secret_is_anywhere_else(values: str) -> None:
    assert not objects(values, "ConfigMap")
    made = objects(values, "Secret")
    given = yaml.safe_load(VALUES[values].read_text())["secrets"]
    assert len(made) == (1 if "create" in given else 0)
    for secret in given.get("create", {}).values():
        if secret != "example":
            assert rendered(values).count(secret) == 1
    references = [each["secretKeyRef"]["name"] for each in parts(objects(values)) if "secretKeyRef" in each]
    assert set(references) == {given.get("existing", "charrnn")}


def test_what_scales_is_measured_and_no_number_of_pods_is_fixed(values: str) -> None:
    scalers = objects(values, "HorizontalPodAutoscaler") + objects(values, "ScaledObject")
    scaled = {each["spec"]["scaleTargetRef"]["name"] for each in scalers}
    for each in objects(values, "Deployment"):
        assert ("replicas" in each["spec"]) is (each["metadata"]["name"] not in scaled)
    asked = set(re.findall(r"\bcharrnn_\w+", yaml.safe_dump(scalers)))
    assert bool(asked) is bool(scalers)
    assert asked <= set(re.findall(r"^charrnn_\w+", page(), re.MULTILINE))


def page() -> str:
    class Jobs:
        def count_by_status(self) -> dict[str, int]:
            return {}

    return Metrics(Jobs()).page().decode()  # type: ignore[arg-type]


def test_workers_stay_while_their_jobs_run(values: str) -> None:
    for each in objects(values, "ScaledObject"):
        (trigger,) = each["spec"]["triggers"]
        assert re.search(r'charrnn_jobs\{status=~"queued\|running"', trigger["metadata"]["query"])
        assert f'namespace="{NAMESPACE}"' in trigger["metadata"]["query"]
        assert trigger["metadata"]["threshold"] == "1"
        assert each["spec"]["minReplicaCount"] == 0


def test_what_is_measured_is_for_those_inside(values: str) -> None:
    for ingress in objects(values, "Ingress"):
        (rule,) = ingress["spec"]["rules"]
        backends = {each["path"]: each["backend"]["service"]["name"] for each in rule["http"]["paths"]}
        assert backends["/"] == "charrnn"
        nowhere = the(values, "Service", backends["/metrics"])["spec"]["selector"]
        for part in PARTS:
            assert not nowhere.items() <= pod(values, part)["metadata"]["labels"].items()
        assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
    for monitor in objects(values, "ServiceMonitor"):
        assert monitor["spec"]["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "15s"}]
        assert (
            monitor["spec"]["selector"]["matchLabels"].items() <= the(values, "Service")["metadata"]["labels"].items()
        )


@pytest.mark.parametrize("part", PARTS)
def test_a_gpu_is_asked_for_where_one_is_used(values: str, part: str) -> None:
    device = environment(values, part)["DEVICE"]["value"]
    assert device == ("cuda" if values == "gpu" else "cpu")
    given, spec = container(values, part), pod(values, part)["spec"]
    for amounts in given["resources"].values():
        assert amounts.get("nvidia.com/gpu") == ("1" if device == "cuda" else None)
    assert given["image"].endswith("-cuda") is (device == "cuda")
    if device == "cuda":
        assert spec["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-L4"}
        assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
        assert spec["runtimeClassName"] == "nvidia"


def test_what_is_said_of_pods_reaches_them(values: str) -> None:
    given = yaml.safe_load(VALUES[values].read_text())
    for part in PARTS:
        said = given.get(part, {})
        template = pod(values, part)
        assert said.get("podLabels", {}).items() <= template["metadata"]["labels"].items()
        assert said.get("podAnnotations", {}).items() <= template["metadata"]["annotations"].items()
        for name in ("priorityClassName", "affinity", "nodeSelector", "tolerations"):
            if name in said:
                assert template["spec"][name] == said[name]
    plain = {name: str(value) for name, value in given.get("settings", {}).items()}
    shown = {name: each.get("value") for name, each in environment(values, "web").items()}
    assert plain.items() <= shown.items()
