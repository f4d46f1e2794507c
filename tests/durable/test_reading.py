"""A file is read whole and in its shape, or is damaged, and the message says how without saying where it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from durable import files
from durable.reading import DamagedFileError, FaultCache, json_fault, read_bytes, read_json
from tests.disk import no_descriptors

SHAPE: TypeAdapter[dict[str, int]] = TypeAdapter(dict[str, int])

NOT_READ: list[tuple[Callable[[Path], Any], str]] = [
    (os.mkdir, "is a folder"),
    (os.mkfifo, "is not a regular file"),
    (lambda path: path.symlink_to("nowhere"), "is a link, which is not followed"),
    (lambda path: path.symlink_to(path), "is a link, which is not followed"),
]
NOT_IN_SHAPE = [
    (b"", "is empty"),
    (b"\0\0\n", "is empty"),
    (b"{", "is not JSON"),
    (b"\xff", "is not JSON"),
    (b"[]", "is not what it should be: Input should be an object"),
    (b'{"a": "1"}', "is not what it should be at a: Input should be a valid integer"),
]


@given(value=st.dictionaries(st.text(max_size=5), st.integers(-5, 5), max_size=3))
def test_what_was_written_is_read(value: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "written.json"
    files.put(path, SHAPE.dump_json(value), sync=False)
    assert read_json(path, SHAPE) == value
    assert json_fault(path, SHAPE) == ""


@pytest.mark.parametrize(("make", "fault"), NOT_READ)
def test_what_cannot_be_read_is_damaged(tmp_path: Path, make: Callable[[Path], Any], fault: str) -> None:
    make(tmp_path / "a.json")
    with pytest.raises(DamagedFileError) as caught:
        read_bytes(tmp_path / "a.json")
    assert str(caught.value) == json_fault(tmp_path / "a.json", SHAPE) == f"a.json {fault}"


def test_a_lack_of_descriptors_says_nothing_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    with no_descriptors():
        for read in (read_json, json_fault):
            with pytest.raises(OSError, match="Too many open files"):
                read(tmp_path / "a.json", SHAPE)
    assert read_json(tmp_path / "a.json", SHAPE) == {}


@pytest.mark.parametrize(("data", "fault"), NOT_IN_SHAPE)
def test_what_has_another_shape_is_damaged(tmp_path: Path, data: bytes, fault: str) -> None:
    (tmp_path / "a.json").write_bytes(data)
    assert read_bytes(tmp_path / "a.json") == data
    with pytest.raises(DamagedFileError) as caught:
        read_json(tmp_path / "a.json", SHAPE)
    assert str(caught.value) == json_fault(tmp_path / "a.json", SHAPE) == f"a.json {fault}"


def test_a_file_that_is_not_there_is_missing_and_not_damaged(tmp_path: Path) -> None:
    for path in (tmp_path / "a.json", tmp_path / "none" / "a.json"):
        with pytest.raises(FileNotFoundError) as caught:
            read_json(path, SHAPE)
        assert str(tmp_path) not in str(caught.value)
        assert json_fault(path, SHAPE) == ""


def test_a_file_is_looked_at_again_only_when_it_changed(tmp_path: Path) -> None:
    path, looks, seen = tmp_path / "a", FaultCache(), []

    def look(path: Path) -> str:
        seen.append(path)
        return f"fault {len(seen)}"

    assert looks.known(path) is None
    assert looks.fault(path, look) == looks.fault(path, look) == looks.known(path) == "fault 1"
    files.put(path, b"new")
    assert looks.known(path) is None
    assert looks.fault(path, look) == looks.fault(path, look) == looks.known(path) == "fault 2"
    path.unlink()
    path.symlink_to("nowhere")
    assert looks.fault(path, look) == "fault 3"
