"""The values of the Helm chart: wrong ones are refused in a line that says which, and settings are the service's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from durable import opening
from service.settings import Settings
from tests.charts import CHART, VALUES, helm, needs_helm

ELSEWHERE = {"HOST", "PORT", "DATA_DIR", "DEVICE", "STORE_URL", "MIRROR_BYTES"}
"""In the image, or values of the chart with other names."""
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum")


def schema_of(field: dict[str, Any]) -> dict[str, Any]:
    """A setting as a value of the chart; lists are texts with commas."""
    kind = field["type"] if field["type"] in ("integer", "number") else "string"
    made = {"type": kind} | {bound: field[bound] for bound in BOUNDS if bound in field}
    if kind == "integer" and isinstance(field["default"], str):
        made = {"anyOf": [made, {"const": field["default"]}]}
    return {"description": field["description"]} | made


def test_the_settings_are_those_of_the_service() -> None:
    fields = Settings.model_json_schema()["properties"]
    plain = {name.upper(): schema_of(field) for name, field in fields.items() if name not in Settings.secrets()}
    wanted = {name: schema for name, schema in plain.items() if name not in ELSEWHERE}
    assert SCHEMA["properties"]["settings"]["properties"] == wanted, "values.schema.json, settings: " + json.dumps(
        wanted
    )


def test_the_store_is_one_that_the_service_accepts() -> None:
    assert SCHEMA["properties"]["store"]["properties"]["url"]["pattern"] == f"^{opening.URL.pattern}$"


def test_every_secret_can_be_given() -> None:
    given = SCHEMA["properties"]["secrets"]["properties"]["create"]["properties"].keys()
    aws = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    assert given == aws | {name.upper() for name in Settings.secrets()}


@needs_helm
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("image.repository=", "'/image/repository'"),
        ("image.tag=latest", "the image's tag is latest"),
        ("image.digest=sha256:12", "'/image/digest'"),
        ("store.url=", "'/store/url'"),
        ("store.url=https://bucket/prefix", "'/store/url'"),
        ("store.endpoint=s3.example.com", "'/store/endpoint'"),
        ("settings.ADMIN_API_KEYS=secret", "'/settings': additional properties 'ADMIN_API_KEYS' not allowed"),
        ("settings.PORT=9000", "'/settings': additional properties 'PORT' not allowed"),
        ("settings.MAX_WAITING=-1", "'/settings/MAX_WAITING': minimum: got -1, want 0"),
        ("settings.LOG_LEVEL=loud", "'/settings/LOG_LEVEL': value must be one of"),
        ("secrets.existing=", "secrets.create has no ADMIN_API_KEYS"),
        ("secrets.create.ADMIN_API_KEYS=key", "secrets.existing and secrets.create are both given"),
        ("secrets.create.PASSWORD=x", "'/secrets/create': additional properties 'PASSWORD' not allowed"),
        ("web.data.mirrorBytes=12", "'/web/data/mirrorBytes': minimum: got 12"),
        ("web.replicas=0", "'/web/replicas': minimum: got 0, want 1"),
        ("web.replicas=two", "'/web/replicas': got string, want integer"),
        ("web.replica=2", "'/web': additional properties 'replica' not allowed"),
        ("web.device=tpu", "'/web/device': value must be one of 'cpu', 'cuda'"),
        ("web.resources.limits=null", "'/web/resources': missing property 'limits'"),
        ("worker.resources.limits.memory=much", "'/worker/resources/limits/memory'"),
        ("web.disruptionBudget.maxUnavailable=0", "'/web/disruptionBudget/maxUnavailable': minimum: got 0, want 1"),
        ("web.autoscaling.enabled=true,web.autoscaling.minReplicas=50", "web.autoscaling.minReplicas is 50"),
        ("web.autoscaling.enabled=true,web.autoscaling.cpuUtilization=0", "needs cpuUtilization or waitingSequences"),
        ("worker.autoscaling.enabled=true", "'/worker/autoscaling/prometheus'"),
        ("ingress.enabled=true", "'/ingress/host'"),
        ("user=0", "'/user': minimum: got 0, want 1"),
        ("gpu.count=0", "'/gpu/count': minimum: got 0, want 1"),
    ],
)
def test_a_wrong_value_is_refused_with_a_line_that_names_it(wrong: str, message: str) -> None:
    done = helm("template", "charrnn", CHART, "--values", VALUES["minimal"], "--set", wrong)
    assert done.returncode != 0
    assert message in done.stderr
    assert len(done.stderr) < 1000


@needs_helm
def test_without_values_all_that_is_required_is_named() -> None:
    done = helm("template", "charrnn", CHART)
    assert done.returncode != 0
    assert "'/image/repository'" in done.stderr
    assert "'/store/url'" in done.stderr


@needs_helm
def test_a_cluster_may_choose_the_user() -> None:
    done = helm("template", "charrnn", CHART, "--values", VALUES["minimal"], "--set", "user=null")
    assert done.returncode == 0
    assert "runAsUser" not in done.stdout
    assert "runAsNonRoot: true" in done.stdout


@needs_helm
def test_pods_restart_when_a_secret_of_the_chart_changes() -> None:
    first, second = (
        helm("template", "charrnn", CHART, "--values", VALUES["jobs"], "--set", f"secrets.create.API_KEYS={key}").stdout
        for key in ("one", "two")
    )
    sums = [[line for line in text.splitlines() if "checksum/secrets" in line] for text in (first, second)]
    assert len(sums[0]) == 2
    assert set(sums[0]).isdisjoint(sums[1])
