"""Kernels as files: compiled once, for every later process, and without a compiler in the process that generates."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.code import CompilationError, compiler_sources, default_folder, load, path_of
from charrnn.engine.cpu.instructions import host_isa
from charrnn.engine.cpu.packing import pack
from charrnn.sampling import SamplingParams

GENERATE = """
import hashlib, sys
from pathlib import Path
import numpy as np
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.sampling import SamplingParams
engine = CpuEngine(PackedModel(np.fromfile(sys.argv[1], np.uint8)), kernels=Path(sys.argv[2]))
batch = engine.batch(1)
batch.add(Sequence(np.array([2], np.int32), 300, SamplingParams(seed=4)))
print(hashlib.sha256(batch.step(300)[0].ids.tobytes()).hexdigest())
print(sorted({"numba", "torch", "scipy"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of those that this machine generates with: compiled unless it is there from these very sources."""
    folder = default_folder(tmp_path_factory.mktemp("kernels"))
    assert folder is not None
    load(folder, "rnn", "float32", host_isa())
    kernel = path_of(folder, "rnn", "float32", host_isa())
    assert kernel.exists()
    return kernel


def test_a_kernel_is_compiled_once(kernel: Path) -> None:
    before = kernel.stat().st_mtime_ns
    load(kernel.parent, "rnn", "float32", host_isa())
    assert kernel.stat().st_mtime_ns == before


def test_a_kernel_that_was_compiled_ahead_of_time_is_not_compiled_again(kernel: Path, tmp_path: Path) -> None:
    load(tmp_path, "rnn", "float32", host_isa(), ahead=kernel.parent)
    assert list(tmp_path.iterdir()) == []


def test_the_digest_is_over_everything_that_the_compiler_imports() -> None:
    program = """
import sys
import charrnn.engine.cpu.compiling
print(*(name for name, module in sys.modules.items() if name.startswith("charrnn") and not hasattr(module, "__path__")))
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=Path(__file__).parents[4], capture_output=True, text=True, check=True)
    assert set(compiler_sources()) == set(done.stdout.split())


@pytest.mark.faults
def test_a_damaged_kernel_is_compiled_again(kernel: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    damaged = bytearray(kernel.read_bytes())
    damaged[-1] ^= 1
    (tmp_path / kernel.name).write_bytes(damaged)
    load(tmp_path, "rnn", "float32", host_isa())
    assert f"the kernel {kernel.name} cannot be used" in caplog.text
    assert (tmp_path / kernel.name).read_bytes() == kernel.read_bytes()


@pytest.mark.faults
def test_what_cannot_be_compiled_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "on demand"
    load(folder, "rnn", "float32", "portable")
    with pytest.raises(CompilationError, match="KeyError: 'elman'"):
        load(folder, "elman", "int8", "portable")  # type: ignore[arg-type]
    assert len(list(folder.iterdir())) == 1


def test_a_process_gets_no_kernel_from_sources_that_it_was_not_started_from(tmp_path: Path) -> None:
    copied = tmp_path / "sources"
    for name, source in {**compiler_sources(), "charrnn/__init__": b""}.items():
        (path := copied.joinpath(*name.split(".")).with_suffix(".py")).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source)
    program = """
import sys
from pathlib import Path
from charrnn.engine.cpu.code import load
from charrnn.engine.cpu import structs
Path(structs.__file__).open("a").write("# of a later release")
load(Path(sys.argv[1]), "rnn", "float32", "portable")
"""
    command = [sys.executable, "-c", program, str(tmp_path / "kernels")]
    root = Path(__file__).parents[4]  # for what is not in charrnn
    env = os.environ | {"PYTHONPATH": f"{copied}{os.pathsep}{root}"}
    done = subprocess.run(command, cwd=copied, env=env, capture_output=True, text=True, check=False)
    assert "CompilationError: the sources have changed since this process was started" in done.stderr
    assert not (tmp_path / "kernels").exists()


@pytest.mark.faults
def test_a_folder_that_cannot_be_made_costs_time_only(tmp_path: Path, make_checkpoint: Any) -> None:
    (tmp_path / "file").touch()
    engine = CpuEngine(make_checkpoint("rnn"), "float32", "portable", kernels=tmp_path / "file" / "kernels")
    batch = engine.batch(1)
    batch.add(Sequence(np.array([1], np.int32), 3))
    assert batch.step(3)[0].done


def test_another_process_generates_the_same_and_needs_no_compiler(tmp_path: Path, make_checkpoint: Any) -> None:
    model, kernels = pack(make_checkpoint("gru")), default_folder(tmp_path)
    model.save(tmp_path / "packed")
    batch = CpuEngine(model, kernels=kernels).batch(7)
    for seed in range(5):
        batch.add(Sequence(np.array([2], np.int32), 300, SamplingParams(seed=seed)))
    ids = batch.step(300)[4].ids
    command = [sys.executable, "-c", GENERATE, str(tmp_path / "packed"), str(kernels)]
    found = subprocess.run(command, cwd=Path(__file__).parents[4], capture_output=True, text=True, check=True)
    assert found.stdout.split("\n")[:2] == [hashlib.sha256(ids.tobytes()).hexdigest(), "[]"]


def test_where_kernels_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder(tmp_path / "other") == tmp_path / ".cache" / "charrnn" / "kernels"
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert default_folder(tmp_path / "other") == tmp_path / "other"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user that the system does not know")
def test_a_user_without_a_home_has_no_folder_for_kernels() -> None:
    """A user id that the system does not know, and no HOME, as in many containers."""
    program = """
import os
from pathlib import Path
from charrnn.engine.cpu.code import default_folder
os.setuid(12345)
print(default_folder(), default_folder(Path("other")))
"""
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[4], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "other"]
