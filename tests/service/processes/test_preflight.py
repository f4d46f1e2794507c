"""What is refused before anything starts, and in which words."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from service.data_dir import DataDir
from service.processes.preflight import StartError, check_address, check_device, check_store, check_torch, lock
from service.settings import Settings
from tests.object_server import ObjectServer

ROOT = Path(__file__).parents[3]


def test_a_data_directory_is_made_and_held_by_one(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    with lock(DataDir(data_dir)), pytest.raises(StartError, match=r"DATA_DIR=.*data is in use .*\(process \d+\)"):
        lock(DataDir(data_dir))
    lock(DataDir(data_dir)).close()


def test_the_lock_goes_with_a_process_that_is_killed(tmp_path: Path) -> None:
    holds = (
        "import sys, pathlib; from service.processes.preflight import DataDir, lock;"
        "f = lock(DataDir(pathlib.Path(sys.argv[1]))); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StartError, match=f"process {holder.pid}"):
            lock(DataDir(tmp_path))
        holder.kill()
        holder.wait()
    lock(DataDir(tmp_path)).close()


def test_the_folder_of_a_running_service_is_private(tmp_path: Path) -> None:
    lock(DataDir(tmp_path)).close()
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_place_of_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StartError, match=r"DATA_DIR=.*data cannot be used: "):
        lock(DataDir(tmp_path / "data"))


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


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "x86_64-conda-linux-gnu", "a..b"])
def test_a_host_that_is_not_here(host: str) -> None:
    with pytest.raises(StartError, match=f"HOST={host} is no address to listen on here: .*as in: HOST=127.0.0.1"):
        check_address(host, 8000)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("name", ["models", "admin-key"])
def test_what_belongs_to_another_user_is_named(name: str) -> None:
    program = "import encodings.ascii, os, pathlib, sys, service.processes.preflight as p; os.setuid(12345);"
    program += "p.lock(p.DataDir(pathlib.Path(sys.argv[1])))"
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folder is closed to others
        data_dir = Path(folder)
        (data_dir / name).mkdir(0o700) if name == "models" else (data_dir / name).touch(0o600)
        os.chown(data_dir, 12345, 12345)
        command = [sys.executable, "-c", program, folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"cannot be used: Permission denied ({data_dir / name}); set DATA_DIR to a folder" in done.stderr


def test_training_without_torch() -> None:
    program = "import sys; sys.modules['torch'] = None; from service.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "train", "x", "--model", "m"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = "service: training needs PyTorch, which is not installed: pip install torch\n"
    assert (done.returncode, done.stderr) == (1, said)
    check_torch("a test")


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a GPU, it seems")
def test_a_gpu_that_is_not_here() -> None:
    check_device("cpu")
    with pytest.raises(StartError, match="DEVICE=cuda, but PyTorch finds no GPU; set DEVICE=cpu"):
        check_device("cuda")


def test_secrets_that_others_could_read_are_closed_to_them(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    for path in (data.keys, data.admin_key, tmp_path / "mounted"):
        path.write_text("secret")
        path.chmod(0o644)
    data.continuation_key.symlink_to(tmp_path / "mounted")
    lock(data).close()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (data.keys, data.admin_key, tmp_path / "mounted")]
    assert modes == [0o600, 0o600, 0o644], "what a link leads to is somebody else's"


def test_a_start_waits_for_no_pipe_and_writes_through_no_link(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.make()
    os.mkfifo(data.redis_url)
    for path in (data.lock, data.run / "supervisor.conf"):
        path.symlink_to(tmp_path / "outside")
    lock(data).close()
    assert sorted(path.name for path in data.run.iterdir() if not path.name.startswith(".damaged-")) == ["lock"]
    assert not (tmp_path / "outside").exists()


def test_streams_that_were_closed_are_opened() -> None:
    opened = (
        "import os; from service.processes.preflight import open_standard_streams; open_standard_streams();"
        " raise SystemExit(0 if all(os.fstat(each) for each in range(3)) else 1)"
    )
    closed = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(opened)} <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", closed], check=False).returncode == 0


@pytest.mark.system
@pytest.mark.parametrize(
    ("user", "url", "reason"),
    [
        ("reader", "s3://bucket/start", "does not write format.json: the credentials have no right to"),
        ("unknown", "s3://bucket/start", "does not read format.json: the server does not know this access key"),
        ("admin", "s3://none-such/start", "does not read format.json: there is no such bucket"),
    ],
)
def test_a_store_that_refuses_ends_the_start_with_one_line(
    object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str, url: str, reason: str
) -> None:
    with pytest.raises(StartError, match=reason) as refused:
        check(url, object_server.environment(user), tmp_path, monkeypatch)
    assert "\n" not in str(refused.value) and user[::-1] not in str(refused.value)


@pytest.mark.system
def test_a_store_that_does_not_answer_is_waited_for(
    object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = object_server.url()
    assert check(url, object_server.environment(), tmp_path, monkeypatch) == ""
    away = check(url, object_server.environment(endpoint="http://127.0.0.1:9"), tmp_path, monkeypatch)
    assert away.startswith(f"{url} at http://127.0.0.1:9 does not") and away.endswith("; it is waited for")


def test_a_directory_that_mirrors_a_store_is_not_started_without_it(tmp_path: Path) -> None:
    DataDir(tmp_path).store.write_text('{"cluster": "a"}')
    with pytest.raises(StartError, match="STORE_URL is empty"):
        check_store(Settings(data_dir=tmp_path))


def check(url: str, environment: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in {**environment, "STORE_URL": url, "DATA_DIR": str(folder)}.items():
        monkeypatch.setenv(name, value)
    return check_store(Settings())
