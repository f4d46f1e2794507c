"""Packed models and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config import CELLS, Cell
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.engine.cpu.packing import pack


@pytest.mark.parametrize("cell", CELLS)
def test_a_model_from_a_file_generates_the_same(cell: Cell, tmp_path: Path, make_checkpoint: Any) -> None:
    model = pack(make_checkpoint(cell, layers=2))
    model.save(tmp_path / "packed")
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("packed", 0o600)]
    found = PackedModel(np.fromfile(tmp_path / "packed", np.uint8))
    assert (found.digest, found.precision, found.config) == (model.digest, "int8", model.config)
    ids = []
    for each in (model, found):
        batch = CpuEngine(each).batch(1)
        batch.add(Sequence(np.array([3], np.int32), 50))
        ids.append(batch.step(50)[0].ids)
    assert np.array_equal(ids[0], ids[1])


def test_arrays_are_aligned_and_read_only(make_checkpoint: Any) -> None:
    model = pack(make_checkpoint("gru", layers=2))
    for name in ("table", "weights_l1", "constants_l0", "bias_l1", "output_weights", "output_constants"):
        array = model.array(name)
        assert array.ctypes.data % 64 == 0
        assert not array.flags.writeable


@pytest.mark.parametrize("damage", [b"", b"x", b"charrnnp", b"otherfile" * 10])
def test_other_files_are_refused(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(damage)
    with pytest.raises(ValueError, match="packed model"):
        _ = PackedModel(np.fromfile(path, np.uint8)).config


def test_a_file_cut_short_is_refused(tmp_path: Path, make_checkpoint: Any) -> None:
    path = tmp_path / "packed"
    pack(make_checkpoint()).save(path)
    path.write_bytes(path.read_bytes()[:-64])
    with pytest.raises(ValueError, match="not a whole"):
        _ = PackedModel(np.fromfile(path, np.uint8)).config
