"""Machine code is read as it was written, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.cpu.kernel_files import keep, read, sealed, unsealed
from tests.damage import DAMAGES
from tests.disk import largest_file

CODE = bytes(range(256)) * 20
SEALED = sealed("kernel", CODE)


def test_what_was_kept_is_read_and_belongs_to_the_user(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on demand" / "kernel.o"
    keep(path, CODE)
    assert read(path) == CODE
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["kernel.o"]


def test_a_missing_kernel_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    assert read(tmp_path / "none.o") is None
    assert read(tmp_path / "file" / "none.o") is None
    assert not caplog.text


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unseen(at: int, change: int) -> None:
    data = bytearray(SEALED)
    data[at] ^= change
    with pytest.raises(ValueError, match="does not match"):
        unsealed("kernel", bytes(data))


@given(st.integers(0, len(SEALED) - 1))
def test_no_part_of_a_file_is_taken_for_it(length: int) -> None:
    with pytest.raises(ValueError, match="does not match"):
        unsealed("kernel", SEALED[:length])


@given(st.text(), st.text(), st.binary(max_size=3), st.binary(max_size=3))
def test_code_belongs_to_its_name(name: str, other: str, prefix: bytes, code: bytes) -> None:
    assert unsealed(name, sealed(name, prefix + code)) == prefix + code
    if (name, prefix) != (other, b""):
        assert sealed(name, prefix + code) != sealed(other, code)


def test_the_kernel_of_another_name_is_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep(tmp_path / "lstm.o", CODE)
    (tmp_path / "lstm.o").rename(tmp_path / "gru.o")
    assert read(tmp_path / "gru.o") is None
    assert "the kernel gru.o cannot be used" in caplog.text


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_kernel_is_named_in_the_log_and_replaced(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "kernel.o"
    keep(path, CODE)
    DAMAGES[damage](path)
    assert read(path) is None
    assert damage == "dangling" or "the kernel kernel.o cannot be used" in caplog.text
    assert str(tmp_path) not in caplog.text
    keep(path, CODE)
    assert read(path) == CODE


def test_a_full_disk_costs_time_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with largest_file(1000):
        keep(tmp_path / "kernel.o", CODE)
    assert "the kernel kernel.o is not kept" in caplog.text
    assert not list(tmp_path.iterdir())
