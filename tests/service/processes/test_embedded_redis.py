"""The embedded server: where it listens, what it keeps, and what becomes of one that was left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.data_dir import DataDir
from service.processes.embedded_redis import LONGEST_SOCKET_PATH, embedded_redis
from tests.service.redis_server import running


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def test_it_listens_on_a_private_socket_and_no_port(data_dir: Path) -> None:
    with running(embedded_redis(DataDir(data_dir))) as (client, _):
        assert client.config_get("port") == {"port": "0"}
        assert (data_dir / "run" / "redis.sock").stat().st_mode & 0o077 == 0


def test_what_was_written_is_there_after_a_kill(data_dir: Path) -> None:
    with running(embedded_redis(DataDir(data_dir))) as (client, process):
        client.rpush("queue", "job")
        client.config_set("appendfsync", "always")
        client.rpush("queue", "another")
        process.kill()
        process.wait()
    with running(embedded_redis(DataDir(data_dir))) as (client, _):
        assert client.lrange("queue", 0, -1) == [b"job", b"another"]


def test_short_of_memory_the_cache_goes_and_the_queue_stays(data_dir: Path) -> None:
    with running(embedded_redis(DataDir(data_dir))) as (client, _):
        client.set("queue", "job")
        client.config_set("maxmemory", "4mb")
        for number in range(200):
            client.set(f"cache:{number}", b"x" * 50_000, ex=3600)
        assert client.get("queue") == b"job"
        assert 0 < len(client.keys("cache:*")) < 200


def test_a_server_left_behind_is_ended_before_the_next_one(data_dir: Path) -> None:
    with running(embedded_redis(DataDir(data_dir))) as (_, left_behind):
        next_one = embedded_redis(DataDir(data_dir))
        assert left_behind.wait(5) == 0
        with running(next_one) as (client, process):
            assert client.info("server")["process_id"] == process.pid


@pytest.mark.parametrize("name", ["with space #1; 100% 'quoted'", "x" * LONGEST_SOCKET_PATH])
def test_any_name_of_the_directory_will_do(data_dir: Path, name: str) -> None:
    (data_dir / name / "run").mkdir(parents=True)
    server = embedded_redis(DataDir(data_dir / name))
    with running(server) as (client, _):
        assert client.ping()
