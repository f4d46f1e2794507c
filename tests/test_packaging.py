"""What `pip install .` installs: everything that the service reads, and nothing that it does without."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import charrnn

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


def pins() -> dict[str, str]:
    """What the service needs directly."""
    service, _, _ = (ROOT / "requirements" / "service.in").read_text().partition("# needed by torch")
    lines = service + (ROOT / "requirements" / "torch.in").read_text()
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", lines, re.MULTILINE)}


def declared() -> list[Requirement]:
    return [Requirement(each) for each in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["train"])]


def test_what_is_declared_is_what_the_requirements_pin() -> None:
    assert {canonicalize_name(each.name) for each in declared()} == pins().keys()


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_the_pinned_version_is_one_of_those_that_may_work(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_torch_is_only_needed_for_training() -> None:
    assert not any(each.startswith("torch") for each in PROJECT["dependencies"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: building leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", "made", "."]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (made,) = (folder / "made").glob("*.whl")
    return made


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    expected = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as file:
        assert {name for name in file.namelist() if ".dist-info/" not in name} == expected


def test_the_wheel_brings_the_command_under_the_one_version(wheel: Path) -> None:
    assert wheel.name.startswith(f"charrnn_service-{charrnn.__version__}-")
    with zipfile.ZipFile(wheel) as file:
        (entry_points,) = (name for name in file.namelist() if name.endswith("entry_points.txt"))
        assert file.read(entry_points).decode().split("\n")[1] == "charrnn = service.__main__:run_and_exit"
