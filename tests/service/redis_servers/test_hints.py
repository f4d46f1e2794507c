"""Hints of changes, over a real server that comes and goes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.redis_servers.hints import CORPORA, MODELS, SUBJECTS, Hints
from tests.ports import free_port
from tests.service.redis_server import RedisProcess
from tests.waiting import LONGEST, until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path, free_port()) as server:
        yield server


def listening(url: str) -> Hints:
    hints = Hints(url)
    assert hints.wait(LONGEST) == SUBJECTS, "whatever changed before it listened"
    return hints


def test_all_hear_what_one_publishes(server: RedisProcess) -> None:
    with (
        closing(listening(server.url)) as one,
        closing(listening(server.url)) as other,
        closing(Hints(server.url)) as it,
    ):
        it.publish(MODELS)
        assert one.wait(LONGEST) == other.wait(LONGEST) == {MODELS}
        assert one.wait(0.01) == frozenset(), "each is heard once"
        one.publish(CORPORA)
        assert one.wait(LONGEST) == other.wait(LONGEST) == {CORPORA}


def test_after_an_interruption_everything_may_have_changed(
    server: RedisProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with closing(listening(server.url)) as hints:
        server.kill()
        until(lambda: "are not heard" in caplog.text)
        began = time.monotonic()
        for _ in range(1000):
            hints.publish(MODELS)
        assert time.monotonic() - began < 5, "nobody waits for Redis"
        server.start()
        until(lambda: hints.wait(0.1) == SUBJECTS)
        hints.publish(CORPORA)
        until(lambda: CORPORA in hints.wait(0.1))
    assert caplog.text.count("are not heard") == 1


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:9/0"])
def test_without_redis_nothing_happens(url: str) -> None:
    with closing(Hints(url)) as hints:
        hints.publish(MODELS)
        assert hints.wait(0.05) == frozenset()
        hints.wake()
        began = time.monotonic()
        assert hints.wait(LONGEST) == frozenset()
        assert time.monotonic() - began < 50


def test_there_are_no_other_subjects() -> None:
    with pytest.raises(ValueError, match="corpora, keys, models, runs, not 'others'"):
        Hints("").publish("others")


def test_who_is_closed_waits_no_longer(server: RedisProcess) -> None:
    hints = listening(server.url)
    hints.close()
    assert hints.wait(LONGEST) == frozenset()
