"""The embedded server: where it listens, what it keeps, and what becomes of one that was left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.data_dir import DataDir
from service.processes.embedded_redis import LONGEST_SOCKET_PATH, embedded_redis
from tests.service.redis_server import running
from tests.waiting import LONGEST

MEMORY = 1 << 26


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def test_it_listens_on_a_private_socket_and_no_port(data_dir: Path) -> None:
    with running(embedded_redis(DataDir(data_dir), MEMORY)) as (client, _):
        assert client.config_get("port") == {"port": "0"}
        assert (data_dir / "run" / "redis.sock").stat().st_mode & 0o077 == 0


def test_what_was_written_is_there_after_a_kill(data_dir: Path) -> None:
    with running(embedded_redis(DataDir(data_dir), MEMORY)) as (client, process):
        client.rpush("queue", "job")
        client.config_set("appendfsync", "always")
        client.rpush("queue", "another")
        process.kill()
        process.wait()
    with running(embedded_redis(DataDir(data_dir), MEMORY)) as (client, _):
        assert client.lrange("queue", 0, -1) == [b"job", b"another"]


def test_short_of_memory_the_cache_goes_and_the_queue_stays(data_dir: Path) -> None:
    with running(embedded_redis(DataDir(data_dir), 4 << 20)) as (client, _):
        client.set("queue", "job")
        for number in range(200):
            client.set(f"cache:{number}", b"x" * 50_000, ex=3600)
        assert client.get("queue") == b"job"
        assert 0 < len(client.keys("cache:*")) < 200


def test_a_server_left_behind_is_ended_before_the_next_one(data_dir: Path) -> None:
    with running(embedded_redis(DataDir(data_dir), MEMORY)) as (_, left_behind):
        next_one = embedded_redis(DataDir(data_dir), MEMORY)
        assert left_behind.wait(LONGEST) == 0
        with running(next_one) as (client, process):
            assert client.info("server")["process_id"] == process.pid


@pytest.mark.parametrize("name", ["with space #1; 100% 'quoted'", "x" * LONGEST_SOCKET_PATH])
def test_any_name_of_the_directory_will_do(data_dir: Path, name: str) -> None:
    (data_dir / name / "run").mkdir(parents=True)
    server = embedded_redis(DataDir(data_dir / name), MEMORY)
    with running(server) as (client, _):
        assert client.ping()


@pytest.mark.parametrize("content", [b"", b"\0\xff", b"redis://127.0.0.1:1", b"unix:///nowhere/redis.sock"])
def test_a_damaged_address_of_an_earlier_server_is_passed_over(data_dir: Path, content: bytes) -> None:
    (data_dir / "run" / "redis.url").write_bytes(content)
    embedded_redis(DataDir(data_dir), MEMORY)
    assert (data_dir / "run" / "redis.url").read_text() == f"unix://{data_dir}/run/redis.sock"


def test_what_is_in_the_place_of_its_files_is_set_aside(data_dir: Path) -> None:
    run = data_dir / "run"
    (data_dir / "redis").write_text("no folder")
    for name in ("redis.sock", "redis.log"):
        (run / name).mkdir()
    os.mkfifo(run / "redis.url")
    with running(embedded_redis(DataDir(data_dir), MEMORY)) as (client, _):
        assert client.ping()
    assert [path.read_text() for path in data_dir.glob(".damaged-redis-*")] == ["no folder"]
