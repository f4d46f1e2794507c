from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.gpu.batch import GpuEngine, gpu_available
from durable.locks import locked
from service.generation.engines import KEPT, LINK, build_engine, native_engine, shared, torch_engines, without_counts
from tests.damage import DAMAGES
from tests.networks import with_counts
from tests.system.running import ROOT

New = Callable[..., Checkpoint]


def kept(folder: Path) -> list[Path]:
    """The files of packed weights."""
    return list(folder.glob("[!.]*"))


def test_the_packed_weights_are_a_file_that_is_read_once(new_checkpoint: New, tmp_path: Path) -> None:
    first = shared(new_checkpoint(), "int8", tmp_path / "packed")
    (path,) = kept(tmp_path / "packed")
    before = path.stat().st_ino
    second = shared(new_checkpoint(), "int8", tmp_path / "packed")
    assert path.stat().st_ino == before
    assert np.array_equal(first.buffer, second.buffer)
    assert first.config == new_checkpoint().config
    assert not first.buffer.flags.writeable and first.buffer.ctypes.data % 64 == 0


def test_a_process_that_is_suspended_while_it_packs_holds_up_the_others_for_a_limited_time(
    new_checkpoint: New, tmp_path: Path
) -> None:
    with locked(tmp_path / "packed.lock"):
        engine = native_engine(new_checkpoint(), tmp_path / "packed", tmp_path / "kernels", lock_seconds=0.1)
    assert isinstance(engine, CpuEngine) and len(kept(tmp_path / "packed")) == 1


def test_other_processes_share_the_memory(new_checkpoint: New, tmp_path: Path) -> None:
    here = shared(new_checkpoint(), "int8", tmp_path)
    program = """
import sys
from pathlib import Path
from service.generation.sealed_memory import found
(link,) = Path(sys.argv[1]).glob(".shared-*")
memory = found(link, link.name.rpartition("-")[2])
print(memory.size, [line.split()[4] for line in Path("/proc/self/maps").read_text().splitlines() if "memfd" in line])
"""
    (link,) = tmp_path.glob(f"{LINK}*")
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(here.buffer.size), f"['{link.stat().st_ino}']"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_made_anew(
    damage: str, new_checkpoint: New, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = np.array(shared(new_checkpoint(), "int8", tmp_path).buffer)
    (path,) = kept(tmp_path)
    for link in tmp_path.glob(f"{LINK}*"):
        link.unlink()
    DAMAGES[damage](path)
    assert np.array_equal(shared(new_checkpoint(), "int8", tmp_path).buffer, whole)
    assert "made anew" in caplog.text
    assert np.array_equal(np.fromfile(path, np.uint8), whole)


def test_a_file_that_is_damaged_while_its_weights_are_in_use_changes_nothing(
    new_checkpoint: New, tmp_path: Path
) -> None:
    packed = shared(new_checkpoint(), "int8", tmp_path)
    before = packed.buffer.tobytes()
    (path,) = kept(tmp_path)
    path.write_bytes(b"\xff" * 100)
    os.truncate(path, 0)
    assert packed.buffer.tobytes() == before
    assert np.array_equal(shared(new_checkpoint(), "int8", tmp_path).buffer, packed.buffer)


def test_another_version_or_precision_is_another_file(new_checkpoint: New, tmp_path: Path) -> None:
    shared(new_checkpoint(), "int8", tmp_path)
    shared(new_checkpoint(), "float32", tmp_path)
    shared(new_checkpoint(loss=0.5), "int8", tmp_path)
    assert len(kept(tmp_path)) == 3


def test_without_a_place_for_files_the_weights_are_not_kept(
    new_checkpoint: New, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    packed = shared(new_checkpoint(), "int8", tmp_path / "file" / "packed")
    assert packed.digest == new_checkpoint().digest
    assert "not kept" in caplog.text


def test_the_least_recently_used_files_go(new_checkpoint: New, tmp_path: Path) -> None:
    for index in range(KEPT + 3):
        shared(new_checkpoint(loss=float(index)), "int8", tmp_path)
    assert len(kept(tmp_path)) == KEPT + 3, "they are small"
    size = sum(path.stat().st_size for path in kept(tmp_path)) // (KEPT + 3)
    shared(new_checkpoint(loss=-1.0), "int8", tmp_path, kept_bytes=(KEPT + 1) * size)
    assert len(kept(tmp_path)) == KEPT + 1
    shared(new_checkpoint(loss=-2.0), "int8", tmp_path, kept_bytes=0)
    assert len(kept(tmp_path)) == KEPT


def test_the_engine_says_which_kernel_runs(
    new_checkpoint: New, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        engine = build_engine("cpu", tmp_path, tmp_path / "kernels")(new_checkpoint())
    assert isinstance(engine, CpuEngine)
    assert f"generating with {engine.description}" in caplog.text
    batch = engine.batch(1)
    batch.add(Sequence(np.array([0], np.int32), length=3))
    assert batch.step(3)[0].ids.size == 3


def test_a_torch_device_gets_the_engine_for_gpus(new_checkpoint: New, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        engine = torch_engines("cpu")(new_checkpoint())
    assert isinstance(engine, GpuEngine)
    assert f"generating with {engine.description}" in caplog.text
    batch = engine.batch(1)
    batch.add(Sequence(np.array([0], np.int32), length=3))
    assert batch.step(3)[0].ids.size == 3


def test_a_version_with_counts_gets_the_engine_for_cpus(new_checkpoint: New, tmp_path: Path) -> None:
    build = without_counts(torch_engines("cpu"), build_engine("cpu", tmp_path, tmp_path / "kernels"))
    assert isinstance(build(new_checkpoint()), GpuEngine)
    counted = with_counts(new_checkpoint())
    assert isinstance(build(counted), CpuEngine)
    with pytest.raises(ValueError, match="ngrams must be None"):
        GpuEngine(counted, "cpu")


@pytest.mark.skipif(gpu_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_built_for_one(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="DEVICE is cuda, but PyTorch finds no GPU"):
        build_engine("cuda", tmp_path, tmp_path / "kernels")
