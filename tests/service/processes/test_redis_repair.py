"""What becomes of the embedded server's files when it cannot start on them; with real servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.data_dir import DataDir
from service.processes.embedded_redis import EmbeddedRedis, embedded_redis
from service.processes.redis_repair import set_damaged_aside
from tests.service.redis_server import running


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    data = DataDir(tmp_path)
    data.run.mkdir()
    return data


@pytest.fixture
def server(data: DataDir) -> EmbeddedRedis:
    """A server, whose files have a key."""
    server = embedded_redis(data, 1 << 26)
    with running(server) as (client, _):
        client.set("key", "x" * 1000)
        client.shutdown()
    return server


def damage_commands(folder: Path) -> None:
    (file,) = folder.glob("*.incr.aof")
    file.write_bytes(b"garbage" + file.read_bytes())


def damage_manifest(folder: Path) -> None:
    (folder / "appendonly.aof.manifest").write_bytes(b"\0garbage")


@pytest.mark.parametrize("damage", [damage_commands, damage_manifest])
def test_damaged_files_are_kept_and_the_server_starts_empty(
    data: DataDir, server: EmbeddedRedis, damage: Callable[[Path], None]
) -> None:
    damage(data.redis / "appendonlydir")
    said = set_damaged_aside(server, data)
    (aside,) = data.root.glob(".damaged-redis-*")
    assert f"are kept as {aside.name}" in said
    assert (aside / "appendonlydir").is_dir()
    with running(server) as (client, _):
        assert client.keys() == []


def test_sound_files_stay_where_they_are(data: DataDir, server: EmbeddedRedis) -> None:
    assert set_damaged_aside(server, data) == ""
    with running(server) as (client, _):
        assert client.exists("key")


def test_files_stay_where_they_are_when_something_else_is_wrong(data: DataDir, server: EmbeddedRedis) -> None:
    wrong = EmbeddedRedis((*server.command, "--no-such-option", "1"), server.url)
    assert set_damaged_aside(wrong, data) == ""
    assert sorted(path.name for path in data.root.iterdir()) == ["redis", "run"]
