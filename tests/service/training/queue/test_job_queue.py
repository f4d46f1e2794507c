"""The queue without a server, or with one that is full; with a sound one, it is tried by the tests of the worker."""

import logging
import signal
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest

from service.data_dir import DataDir
from service.processes.embedded_redis import embedded_redis
from service.training.errors import QueueDownError
from service.training.queue.job_queue import ANSWER_SECONDS, JobConsumer, JobQueue, QuietConnections
from tests.ports import free_port
from tests.service.redis_server import running


@pytest.mark.parametrize(
    "url", ["", f"redis://127.0.0.1:{free_port()}/0", "unix:///nowhere/redis.sock"], ids=["none", "port", "path"]
)
def test_a_queue_that_is_down_says_so(url: str) -> None:
    queue = JobQueue(url)
    assert not queue.available()
    for call in (queue.waiting, lambda: queue.submit("a job")):
        with pytest.raises(QueueDownError, match="cannot be reached"):
            call()


def test_a_queue_that_does_not_answer_is_given_up_soon() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        began = time.monotonic()
        queue = JobQueue(f"redis://127.0.0.1:{deaf.getsockname()[1]}")
        with closing(queue), pytest.raises(QueueDownError):
            queue.submit("a job")
        assert time.monotonic() - began < 60, "an end, which would else not come at all"


def test_who_only_looks_does_not_wait_for_long(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    server = embedded_redis(DataDir(tmp_path), 1 << 25)
    with running(server) as (_, process), closing(JobQueue(server.url, look_seconds=0.05)) as queue:
        assert queue.available()
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        assert not queue.available()
        assert time.monotonic() - began < ANSWER_SECONDS, "whoever submits a job would wait for as long"
        process.send_signal(signal.SIGCONT)
        assert queue.available()


def test_a_queue_whose_server_is_full_takes_no_jobs(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    server = embedded_redis(DataDir(tmp_path), 1 << 25)
    with running(server) as (client, _), closing(JobQueue(server.url)) as queue:
        assert queue.available()
        assert client.dbsize() == 0, "a look writes nothing"
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        assert not queue.available()
        with pytest.raises(QueueDownError):
            queue.submit("a job")
        client.config_set("maxmemory", "0")
        assert queue.available()


def test_a_consumer_without_a_server_can_be_started_and_stopped() -> None:
    consumer = JobConsumer(f"redis://127.0.0.1:{free_port()}/0", lambda _: None)
    consumer.start()
    consumer.stop(timeout=1)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://:secret@queue:6380/0", "queue:6380"),
        ("rediss://user:secret@queue", "queue:6379"),
        ("unix:///data/run/redis.sock", "/data/run/redis.sock"),
        ("unix://user:secret@/data/run/redis.sock", "/data/run/redis.sock"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, address: str) -> None:
    assert JobQueue(url).address == address


@pytest.mark.parametrize(
    ("name", "message", "logged"),
    [
        ("dramatiq.worker.ConsumerThread(training)", "Consumer encountered a connection error: %s", False),
        ("dramatiq.worker.ConsumerThread(training)", "Consumer encountered an unexpected error.", True),
        ("service.processes.worker", "a connection error", True),
    ],
)
def test_only_repeated_words_on_the_connection_are_left_out(name: str, message: str, logged: bool) -> None:
    record = logging.LogRecord(name, logging.CRITICAL, "", 0, message, ("x",), None)
    assert QuietConnections().filter(record) is logged
