"""What is installed is named exactly, complete, and checked against the hash of every file."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "requirements"
NAMES = sorted(path.stem for path in FOLDER.glob("*.in"))
PROJECT = {"service", "torch", "torch-cpu", "dev"}


def named(name: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (FOLDER / f"{name}.in").read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-c ")]


def locked(name: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Each requirement with its hashes."""
    text = re.sub(r"^ *#.*\n", "", (FOLDER / f"{name}.txt").read_text(), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r" +--hash=", line.strip())
        yield Requirement(requirement), hashes


def versions(*names: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in names:
        for requirement, _ in locked(name):
            version = str(requirement.specifier).removeprefix("==").partition("+")[0]
            found.setdefault(canonicalize_name(requirement.name), set()).add(version)
    return found


def test_there_is_a_lock_for_every_set_of_requirements() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == NAMES
    assert set(NAMES) >= PROJECT


@pytest.mark.parametrize("name", NAMES)
def test_every_requirement_is_one_exact_version(name: str) -> None:
    exact = r"==[0-9][0-9A-Za-z.]*(\+cpu)?"
    for requirement in (*named(name), *(each for each, _ in locked(name))):
        assert re.fullmatch(exact, str(requirement.specifier)), requirement


@pytest.mark.parametrize("name", NAMES)
def test_the_lock_is_made_from_what_is_named(name: str) -> None:
    pinned = {(canonicalize_name(each.name), str(each.specifier)) for each, _ in locked(name)}
    assert {(canonicalize_name(each.name), str(each.specifier)) for each in named(name)} <= pinned


@pytest.mark.parametrize("name", NAMES)
def test_every_file_has_its_hash(name: str) -> None:
    for requirement, hashes in locked(name):
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


def test_what_is_installed_together_agrees() -> None:
    for package, found in versions(*PROJECT).items():
        assert len(found) == 1, package


def test_what_the_requirements_need_is_required_too() -> None:
    pinned = versions(*PROJECT).keys()
    for name in pinned:
        assert needs_of(name) <= pinned, name


def needs_of(name: str) -> set[str]:
    try:
        lines = requires(name) or []
    except PackageNotFoundError:  # not for this version of Python
        return set()
    needed = map(Requirement, lines)
    return {
        canonicalize_name(each.name) for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})
    }


def test_the_cpu_build_of_torch_needs_nothing_but_what_the_service_has() -> None:
    cuda = {name for name in versions("torch") if name.startswith(("nvidia-", "cuda-")) or name == "triton"}
    assert versions("torch").keys() - cuda - {"torch"} <= versions("service").keys()


def test_nothing_is_installed_unchecked() -> None:
    for path in (ROOT / "Makefile", ROOT / "Dockerfile", FOLDER / "install.sh"):
        for line in re.findall(r"^.*(?:-m pip|PIP\)|LOCKED :=).* install .*", path.read_text(), re.MULTILINE):
            assert "--require-hashes --only-binary=:all:" in line or "--no-deps" in line, (path.name, line)


@pytest.mark.parametrize(
    ("given", "installed"),
    [({}, ["service.txt", "torch-cpu.txt"]), ({"TORCH": "cuda"}, ["service.txt", "torch.txt"])],
)
def test_the_build_of_torch_for_gpus_is_asked_for(given: dict[str, str], installed: list[str], tmp_path: Path) -> None:
    done = install(given, tmp_path)
    assert done.returncode == 0
    asked = [line.split() for line in (tmp_path / "asked").read_text().splitlines()]
    assert [line[-1] for line in asked] == installed


def test_another_build_of_torch_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    done = install({"TORCH": "rocm"}, tmp_path)
    assert (done.returncode, done.stderr) == (2, "TORCH=rocm must be cuda or empty\n")
    assert not (tmp_path / "asked").exists()


def install(given: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run install.sh with an interpreter that only notes what it is asked for."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n')
    python.chmod(0o755)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("TORCH", "TORCH_INDEX_URL")
    } | given
    return subprocess.run([FOLDER / "install.sh", python], env=environment, capture_output=True, text=True, check=False)


def test_the_file_that_pip_users_look_for_names_the_same() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    (torch,) = named("torch")
    assert lines == ["-r requirements/service.in", str(torch)]
