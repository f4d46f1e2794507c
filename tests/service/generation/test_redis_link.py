"""The link to Redis, against a real server: other clients find what is written, and errors are reported."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from service.data_dir import DataDir
from service.generation.redis_link import RedisLink, link_to
from service.processes.embedded_redis import EmbeddedRedis, embedded_redis
from tests.service.redis_server import running


@pytest.fixture
def server(tmp_path: Path) -> EmbeddedRedis:
    (tmp_path / "run").mkdir()
    return embedded_redis(DataDir(tmp_path), 1 << 26)


@contextlib.contextmanager
def linked(server: EmbeddedRedis, timeout: float = 5) -> Iterator[RedisLink]:
    with contextlib.closing(link_to(server.url, timeout)) as link:
        yield link


def test_a_value_is_found_by_everybody_as_soon_as_it_is_written(server: EmbeddedRedis) -> None:
    with running(server) as (client, _), linked(server) as ours, linked(server) as others:
        assert ours.get("0") is None
        for number in range(200):
            ours.set(str(number), f"value {number}", ex=60)
            reader = others if number % 2 else ours
            assert reader.get(str(number)) == f"value {number}".encode()
        assert 0 < client.ttl("199") <= 60


def test_many_values_are_written_and_read_at_once(server: EmbeddedRedis) -> None:
    with running(server) as (client, _), linked(server) as link:
        values = {str(number): bytes([number]) * 5000 for number in range(100)}
        link.set_all(values, ex=60)
        assert link.mget([*values, "no such"]) == [*values.values(), None]
        link.set_all({}, ex=60)
        assert link.get("7") == values["7"]
        assert 0 < client.ttl("7") <= 60


def test_answers_are_never_mistaken_for_one_another(server: EmbeddedRedis) -> None:
    wrong: list[bytes | None] = []

    def write_and_read(link: RedisLink, thread: int) -> None:
        for number in range(100):
            name = f"{thread}:{number}"
            link.set(name, name, ex=60)
            if number % 3 == 0:
                found = link.get(name)
                wrong.extend([found] if found != name.encode() else [])

    with running(server), linked(server) as link:
        threads = [threading.Thread(target=write_and_read, args=(link, n)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_connections_that_ended_with_their_server_are_replaced_at_once(server: EmbeddedRedis) -> None:
    with linked(server) as link:
        with running(server) as (client, _):
            link.set("kept", "value", ex=60)
            client.config_set("appendfsync", "always")
            link.set("kept", "value", ex=60)
            client.ping()
        with pytest.raises((redis.RedisError, OSError)):
            link.get("kept")
        with running(server):
            assert link.get("kept") == b"value"


def test_an_idle_connection_whose_server_was_restarted_costs_nothing(server: EmbeddedRedis) -> None:
    with linked(server) as link:
        with running(server):
            link.set("before", "value", ex=60)
        with running(server):
            assert link.get("other") is None
            link.set("after", "value", ex=60)
            assert link.get("after") == b"value"


def test_a_value_that_redis_refuses_is_logged_and_disturbs_nothing(
    server: EmbeddedRedis, caplog: pytest.LogCaptureFixture
) -> None:
    with running(server) as (client, _), linked(server) as link:
        client.set("there", "value")
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                link.set("refused", "value", ex=60)
                assert link.get("there") == b"value"
            assert not link.keeps()
        assert link.get("refused") is None
        client.config_set("maxmemory", "0")
        link.set("kept", "value", ex=60)
        assert link.get("kept") == b"value"
        assert link.keeps()
    assert caplog.text.count("did not keep") == 1
    assert "maxmemory" in caplog.text


def test_after_a_silence_no_late_answer_is_taken_for_another(server: EmbeddedRedis) -> None:
    with running(server) as (client, process), linked(server, timeout=2.0) as link:
        client.set("first", "1")
        client.set("second", "2")
        assert link.get("first") == b"1"
        process.send_signal(signal.SIGSTOP)
        with pytest.raises((redis.RedisError, OSError)):
            link.get("first")
        process.send_signal(signal.SIGCONT)
        assert link.get("second") == b"2"


def test_however_many_connections_have_ended_there_are_more(server: EmbeddedRedis) -> None:
    with running(server), linked(server) as link:
        for _ in range(150):
            assert link.get("anything") is None
            link.close()
