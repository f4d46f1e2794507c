from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.engine.gpu.batch import GpuEngine, gpu_available
from service.generation.engines import KEPT, build_engine, shared, torch_engines

New = Callable[..., Checkpoint]


def test_the_packed_weights_are_a_file_that_the_next_process_maps(new_checkpoint: New, tmp_path: Path) -> None:
    first = shared(new_checkpoint(), "int8", tmp_path / "packed")
    (path,) = (tmp_path / "packed").iterdir()
    before = path.stat().st_ino
    second = shared(new_checkpoint(), "int8", tmp_path / "packed")
    assert isinstance(first.buffer, np.memmap)
    assert isinstance(second.buffer, np.memmap)
    assert path.stat().st_ino == before
    assert np.array_equal(first.buffer, second.buffer)


def test_a_damaged_file_is_made_anew(new_checkpoint: New, tmp_path: Path) -> None:
    whole = np.array(shared(new_checkpoint(), "int8", tmp_path).buffer)
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert np.array_equal(shared(new_checkpoint(), "int8", tmp_path).buffer, whole)
    assert np.array_equal(PackedModel.map(path).buffer, whole)


def test_another_version_or_precision_is_another_file(new_checkpoint: New, tmp_path: Path) -> None:
    shared(new_checkpoint(), "int8", tmp_path)
    shared(new_checkpoint(), "float32", tmp_path)
    shared(new_checkpoint(loss=0.5), "int8", tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_without_a_place_for_files_the_weights_are_private(
    new_checkpoint: New, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    packed = shared(new_checkpoint(), "int8", tmp_path / "file" / "packed")
    assert packed.digest == new_checkpoint().digest
    assert "not shared" in caplog.text


def test_the_least_recently_used_files_go(new_checkpoint: New, tmp_path: Path) -> None:
    for index in range(KEPT + 3):
        shared(new_checkpoint(loss=float(index)), "int8", tmp_path)
    assert len(list(tmp_path.iterdir())) == KEPT + 3, "they are small"
    size = sum(path.stat().st_size for path in tmp_path.iterdir()) // (KEPT + 3)
    shared(new_checkpoint(loss=-1.0), "int8", tmp_path, kept_bytes=(KEPT + 1) * size)
    assert len(list(tmp_path.iterdir())) == KEPT + 1
    shared(new_checkpoint(loss=-2.0), "int8", tmp_path, kept_bytes=0)
    assert len(list(tmp_path.iterdir())) == KEPT


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


@pytest.mark.skipif(gpu_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_built_for_one(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="DEVICE is cuda, but PyTorch finds no GPU"):
        build_engine("cuda", tmp_path, tmp_path / "kernels")
