"""What is refused before anything starts, and in which words."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.preflight import StartError, check_address, lock


def test_a_data_directory_is_made_and_held_by_one(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    with lock(data_dir), pytest.raises(StartError, match=r"DATA_DIR=.*data is in use .*\(process \d+\)"):
        lock(data_dir)
    lock(data_dir).close()


def test_the_lock_goes_with_a_process_that_is_killed(tmp_path: Path) -> None:
    holds = (
        "import sys, pathlib, service.preflight as p; f = p.lock(pathlib.Path(sys.argv[1])); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StartError, match=f"process {holder.pid}"):
            lock(tmp_path)
        holder.kill()
        holder.wait()
    lock(tmp_path).close()


def test_what_runs_is_nobody_elses_business(tmp_path: Path) -> None:
    lock(tmp_path).close()
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_place_of_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StartError, match=r"DATA_DIR=.*data cannot be used: "):
        lock(tmp_path / "data")


def test_a_free_port_is_left_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    check_address("127.0.0.1", port)
    check_address("127.0.0.1", port)


def test_a_port_in_use_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StartError, match=f"PORT={port} is in use on 127.0.0.1"):
            check_address("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_here(host: str) -> None:
    with pytest.raises(StartError, match=f"HOST={host} is no address to listen on here"):
        check_address(host, 8000)
