"""`charrnn backup` and `charrnn restore`, as they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from charrnn.vocabulary import Vocabulary
from durable.s3_objects import S3Objects
from model_store.shared import SharedModelStore
from model_store.store import ModelStore
from service.commands.command_line import run
from service.data_dir import DataDir
from service.store_format import check_store
from tests.networks import random_network
from tests.object_server import BUCKET, ObjectServer


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataDir:
    data = DataDir(tmp_path / "data")
    data.make()
    ModelStore(data.models).publish("m", random_network(Vocabulary("ab"), "rnn", 2))
    monkeypatch.setenv("DATA_DIR", str(data.root))
    return data


def test_there_and_back(data: DataDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "backup.tar"
    file.write_text("an older one")
    assert run(["backup", str(file)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "again"))
    assert run(["restore", str(file)]) == 0
    assert ModelStore(DataDir(tmp_path / "again").models).load("m", 1)


def test_errors_in_one_line(data: DataDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "backup.tar"
    assert run(["backup", str(tmp_path / "missing" / "backup.tar")]) == 1
    assert run(["restore", str(file)]) == 1
    assert run(["backup", str(file)]) == 0
    assert run(["restore", str(file)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4 and all(line.startswith("service: ") for line in lines)
    assert "No such file" in lines[0] and "No such file" in lines[1]
    assert lines[2] == "service: 1 file backed up" and "is not empty (it has format)" in lines[3]


def test_no_half_file_is_restored(data: DataDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "backup.tar"
    assert run(["backup", str(file)]) == 0
    file.write_bytes(file.read_bytes()[:2000])
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "again"))
    assert run(["restore", str(file)]) == 1
    assert not any(path.is_file() for path in (tmp_path / "again").rglob("*"))


def test_what_cannot_be_read_is_named_and_no_success(
    data: DataDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.admin_key.mkdir()
    assert run(["backup", str(tmp_path / "backup.tar")]) == 1
    unread, done = capsys.readouterr().err.splitlines()
    assert unread.startswith("service: not in the backup: admin-key") and done == "service: 1 file backed up"


def test_a_backup_of_a_store(
    object_server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = object_server.url()
    objects = S3Objects(BUCKET, url.rpartition("/")[2], object_server.settings())
    check_store(objects, tmp_path / "store.json", [])
    SharedModelStore(tmp_path / "machine", objects).publish("m", random_network(Vocabulary("ab"), "rnn", 2))
    for name, value in object_server.environment("user").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STORE_URL", url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "again"))
    file = tmp_path / "backups" / "backup.tar"
    file.parent.mkdir()
    assert run(["backup", str(file)]) == 0
    assert list(file.parent.iterdir()) == [file]
    assert run(["restore", str(file)]) == 1
    assert "STORE_URL is set" in capsys.readouterr().err
    monkeypatch.delenv("STORE_URL")
    assert run(["restore", str(file)]) == 0
    assert ModelStore(DataDir(tmp_path / "again").models).load("m", 1)
