"""Kernels that an image is built with."""

from __future__ import annotations

import platform
import stat
from pathlib import Path
from typing import get_args

import pytest

from charrnn.config import CELLS
from charrnn.engine.cpu.ahead_of_time import compile_into, kernels
from charrnn.engine.cpu.code import load, machine_code, path_of
from charrnn.engine.cpu.instructions import Isa, Precision, host_isa


def test_an_image_has_the_kernels_of_all_networks_for_its_architecture() -> None:
    assert len(set(kernels("x86_64"))) == len(CELLS) * len(get_args(Precision)) * 2
    assert kernels("aarch64") == []


@pytest.mark.faults
def test_a_kernel_is_compiled_by_a_processor_that_cannot_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isa: Isa = host_isa()
    load(tmp_path / "folder", "rnn", "int8", isa, ahead=tmp_path / "none")
    machine_code.cache_clear()
    for name, value in (("CPU_NAME", "x86-64"), ("CPU_FEATURES", "")) if platform.machine() == "x86_64" else ():
        monkeypatch.setenv(f"NUMBA_{name}", value)
    compile_into(ahead := tmp_path / "ahead", [("rnn", "int8", isa)])
    (file,) = ahead.iterdir()
    assert file == path_of(ahead, "rnn", "int8", isa)
    assert file.read_bytes() == (tmp_path / "folder" / file.name).read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
