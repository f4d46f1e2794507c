"""The Helm chart, rendered with the sets of values that stand beside it."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parent.parent / "deploy" / "helm" / "charrnn"
VALUES = {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*.yaml"))}
NAMESPACE = "text"

needs_helm = pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed")

Thing = dict[str, Any]
"""An object of Kubernetes."""


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm on the chart; nothing is asked of a cluster."""
    return subprocess.run(["helm", *map(str, arguments)], capture_output=True, text=True, check=False)


@cache
def rendered(values: str) -> str:
    """What would be sent to Kubernetes, as YAML."""
    done = helm("template", "charrnn", CHART, "--namespace", NAMESPACE, "--values", VALUES[values])
    assert done.returncode == 0, done.stderr
    return done.stdout


def things(values: str, kind: str = "") -> list[Thing]:
    """The objects, of one kind or all."""
    found = [each for each in yaml.safe_load_all(rendered(values)) if each]
    return [each for each in found if kind in ("", each["kind"])]


def the(values: str, kind: str, name: str = "charrnn") -> Thing:
    """One object."""
    (found,) = (each for each in things(values, kind) if each["metadata"]["name"] == name)
    return found


def pod(values: str, part: str) -> Thing:
    """What is said of the pods of `web` or `worker`."""
    found: Thing = the(values, "Deployment", f"charrnn-{part}")["spec"]["template"]
    return found


def container(values: str, part: str) -> Thing:
    """The pod's only container."""
    (found,) = pod(values, part)["spec"]["containers"]
    made: Thing = found
    return made


def environment(values: str, part: str) -> dict[str, Thing]:
    """The container's variables, by name."""
    found = container(values, part)["env"]
    assert len({each["name"] for each in found}) == len(found)
    return {each["name"]: each for each in found}


def parts(thing: object) -> list[Thing]:
    """All mappings in an object, however deep."""
    if isinstance(thing, list):
        return [found for each in thing for found in parts(each)]
    if isinstance(thing, dict):
        return [thing, *(found for each in thing.values() for found in parts(each))]
    return []
