"""Kernels that an image is built with."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import get_args

import pytest

from charrnn.config import CELLS
from charrnn.engine.cpu.ahead_of_time import compile_into, kernels
from charrnn.engine.cpu.code import load, path_of
from charrnn.engine.cpu.instructions import Isa, Precision, host_isa


def test_an_image_has_the_kernels_of_all_networks_for_its_architecture() -> None:
    assert len(set(kernels("x86_64"))) == len(CELLS) * len(get_args(Precision)) * 2
    assert kernels("aarch64") == []


@pytest.mark.faults
def test_what_is_compiled_ahead_of_time_is_what_a_machine_would_compile(tmp_path: Path) -> None:
    isa: Isa = host_isa()
    compile_into(ahead := tmp_path / "ahead", [("rnn", "float32", isa)])
    (file,) = ahead.iterdir()
    load(tmp_path / "folder", "rnn", "float32", isa, ahead=tmp_path / "none")
    assert file == path_of(ahead, "rnn", "float32", isa)
    assert file.read_bytes() == (tmp_path / "folder" / file.name).read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
