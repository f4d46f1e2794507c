"""Shared memory is what it was made of, for as long as anybody has it, whatever is tried with it."""

from __future__ import annotations

import fcntl
import gc
import hashlib
import mmap
import os
from pathlib import Path

import numpy as np
import pytest

from service.generation.sealed_memory import Memory, found, sealed
from tests.damage import DAMAGES

DATA = np.arange(10_000, dtype=np.uint8)
DIGEST = hashlib.sha256(DATA.data).hexdigest()


def test_the_link_leads_to_what_was_sealed(tmp_path: Path) -> None:
    memory = sealed(DATA, tmp_path / "link")
    theirs = found(tmp_path / "link", DIGEST)
    for each in (memory, theirs):
        assert each is not None and np.array_equal(each, DATA)
        assert not each.flags.writeable and each.ctypes.data % mmap.PAGESIZE == 0
    assert found(tmp_path / "link", "0" * 64) is None
    assert found(tmp_path / "none", DIGEST) is None


def test_nobody_can_change_it(tmp_path: Path) -> None:
    memory = sealed(DATA, tmp_path / "link")
    descriptor = os.open(tmp_path / "link", os.O_RDWR)
    with pytest.raises(PermissionError):
        os.write(descriptor, b"x")
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    with pytest.raises(PermissionError):
        mmap.mmap(descriptor, 0)
    with pytest.raises(PermissionError):
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, 0)
    os.close(descriptor)
    assert np.array_equal(memory, DATA)


def test_who_has_found_it_keeps_it_when_its_maker_lets_go(tmp_path: Path) -> None:
    memory: Memory | None = sealed(DATA, tmp_path / "link")
    theirs = found(tmp_path / "link", DIGEST)
    del memory
    gc.collect()
    assert not (tmp_path / "link").exists()
    assert theirs is not None and np.array_equal(theirs, DATA)
    again = sealed(DATA, tmp_path / "link")
    assert found(tmp_path / "link", DIGEST) is not None and again.size


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_sealed_memory_is_not_believed(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "link"
    path.write_bytes(DATA.tobytes())
    assert found(path, DIGEST) is None, "a file can be changed"
    DAMAGES[damage](path)
    assert found(path, DIGEST) is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "link")
    assert found(tmp_path / "link", DIGEST) is None


def test_without_a_place_for_a_link_there_is_still_a_copy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert np.array_equal(sealed(DATA, tmp_path / "file" / "link"), DATA)
