from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import mmap_key

from durable import locks
from service.api.http.metrics_file import INITIAL_BYTES, ReservedDict, is_whole
from service.api.http.shared_metrics import SharedValues
from tests.disk import largest_file


def ended_process() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write(folder: Path, kind: str, pid: int, value: float, labels: tuple[str, ...] = ("GET",)) -> Path:
    path = folder / f"{kind}_{pid}.db"
    made = ReservedDict(str(path))
    for label in labels:
        key = mmap_key("asked", "asked_total", ["method"], [label], "Requests")
        made.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    made.close()  # type: ignore[no-untyped-call]
    return path


def counted(folder: Path) -> dict[str, float]:
    families = SharedValues(folder).collect()
    return {sample.labels["method"]: sample.value for family in families for sample in family.samples}


def test_the_values_of_all_processes_those_that_ended_included(tmp_path: Path) -> None:
    write(tmp_path, "counter", os.getpid(), 1)
    for value in (2, 4):
        write(tmp_path, "counter", ended_process(), value, ("GET", "POST"))
        write(tmp_path, "gauge_livesum", ended_process(), value, ("busy",))
    for _ in range(2):
        assert counted(tmp_path) == {"GET": 7, "POST": 6}
        assert {file.name for file in tmp_path.glob("*.db")} == {f"counter_{os.getpid()}.db", "counter_ended.db"}


def test_histograms_stay_what_they_were(tmp_path: Path) -> None:
    for _ in range(3):
        made = ReservedDict(str(tmp_path / f"histogram_{ended_process()}.db"))
        for name, labels, value in (
            ("took_sum", {}, 0.5),
            ("took_bucket", {"le": "1.0"}, 2.0),
            ("took_bucket", {"le": "+Inf"}, 1.0),
        ):
            key = mmap_key("took", name, list(labels), list(labels.values()), "Seconds")
            made.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
        made.close()  # type: ignore[no-untyped-call]
        SharedValues(tmp_path).fold()
    samples = {
        (each.name, each.labels.get("le")): each.value for f in SharedValues(tmp_path).collect() for each in f.samples
    }
    assert samples == {
        ("took_sum", None): 1.5,
        ("took_bucket", "1.0"): 6,
        ("took_bucket", "+Inf"): 9,
        ("took_count", None): 9,
    }


DAMAGED = [
    b"",
    b"\0",
    b"\xff" * 100,
    b"\x40\0\0\0\0\0\0\0\xff\0\0\0",
    b"\x20\0\0\0\0\0\0\0\x08\0\0\0no json " + bytes(28),
]


@pytest.mark.parametrize("data", DAMAGED, ids=len)
@pytest.mark.parametrize("name", ["counter_{alive}.db", "counter_{ended}.db", "gauge_livesum_{ended}.db", "what.db"])
def test_a_damaged_file_is_left_out_and_goes_with_its_process(
    tmp_path: Path, name: str, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "counter", os.getpid(), 1)
    damaged = tmp_path / name.format(alive=os.getppid(), ended=ended_process())
    damaged.write_bytes(data)
    shared = SharedValues(tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert [s.value for family in shared.collect() for s in family.samples] == [1]
    assert sum(damaged.name in each.message for each in caplog.records) == 1
    assert damaged.exists() == ("{alive}" in name)


@pytest.mark.parametrize("data", DAMAGED, ids=len)
def test_a_process_does_not_start_from_a_damaged_file_of_its_number(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / f"counter_{os.getpid()}.db"
    path.write_bytes(data)
    assert write(tmp_path, "counter", os.getpid(), 3) == path
    assert counted(tmp_path) == {"GET": 3}


MANY = tuple(f"{at:0200}" for at in range(1000))


def test_a_file_has_all_the_space_that_is_mapped(tmp_path: Path) -> None:
    for labels in (("GET",), MANY):
        path = write(tmp_path, "counter", os.getpid(), 3, labels)
        assert path.stat().st_blocks * 512 >= path.stat().st_size >= INITIAL_BYTES
    assert len(counted(tmp_path)) == 1001


@pytest.mark.parametrize("size", [0, INITIAL_BYTES])
def test_without_space_a_process_keeps_its_new_values_to_itself(tmp_path: Path, size: int) -> None:
    path = tmp_path / f"counter_{os.getpid()}.db"
    with largest_file(size):
        made = ReservedDict(str(path))
        for label in MANY:
            made.write_value(mmap_key("asked", "asked_total", ["method"], [label], "Requests"), 5, 0.0)  # type: ignore[no-untyped-call]
    assert not made.is_shared
    assert [value for _, value, _ in made.read_all_values()] == [5] * len(MANY)  # type: ignore[no-untyped-call]
    assert path.exists() == (size > 0)
    assert 0 <= len(counted(tmp_path)) < len(MANY)
    made.close()  # type: ignore[no-untyped-call]


def test_a_folder_that_is_not_there_has_no_values(tmp_path: Path) -> None:
    assert counted(tmp_path / "none") == {}
    assert not is_whole(tmp_path / "none" / "counter_1.db")


def test_a_process_shares_its_metrics_so(tmp_path: Path) -> None:
    program = (
        "from service.api.http.metrics import Metrics;m = Metrics(); m.request('GET', '/a', 200, 1); print(m.page())"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    for count in (1, 2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert f'charrnn_requests_total{{method="GET",route="/a",status="200"}} {count}.0' in done.stdout
        assert "charrnn_web_processes 1.0" in done.stdout
    assert all(file.stat().st_blocks * 512 >= INITIAL_BYTES for file in tmp_path.glob("*.db"))
    assert len(list(tmp_path.glob("*.db"))) == 6  # four of the last process, two of those before


def test_a_process_that_is_suspended_while_it_merges_files_holds_up_no_reader(tmp_path: Path) -> None:
    ended = write(tmp_path, "counter", ended_process(), 2)
    with locks.locked(tmp_path / "fold.lock"):
        assert counted(tmp_path) == {"GET": 2}
        assert ended.exists()
    assert counted(tmp_path) == {"GET": 2}
    assert not ended.exists()
