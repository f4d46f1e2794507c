"""How a web process begins that takes the place of one that has ended."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from gunicorn.config import Config

from service.processes.web_server.worker import GunicornWorker


class Application:
    """One that cannot be loaded, and says when this was tried."""

    def __init__(self) -> None:
        self.tried = 0.0

    def wsgi(self) -> Any:
        self.tried = time.monotonic()
        raise ValueError("it cannot start")


Make = Callable[..., GunicornWorker]


@pytest.fixture
def worker() -> Iterator[Make]:
    with ExitStack() as stack:

        def worker(age: int, application: Application | None = None, parent: int | None = None) -> GunicornWorker:
            log = logging.getLogger(__name__)
            made = GunicornWorker(age, parent or os.getppid(), [], application or Application(), 30, Config(), log)
            stack.callback(made.tmp.close)
            return made

        yield worker


def test_the_first_one_that_cannot_start_tells_gunicorn(worker: Make) -> None:
    with pytest.raises(ValueError, match="it cannot start"):
        worker(1).load_wsgi()


def test_a_later_one_that_cannot_start_ends_alone(worker: Make) -> None:
    with pytest.raises(SystemExit) as ended:
        worker(2).load_wsgi()
    assert ended.value.code == 1, "gunicorn would end the others at 3 and 4"


def test_it_waits_for_its_turn(worker: Make) -> None:
    application = Application()
    waiting = worker(2, application)
    waiting.not_before = time.monotonic() + 0.2
    with pytest.raises(SystemExit):
        waiting.load_wsgi()
    assert application.tried >= waiting.not_before


@pytest.mark.parametrize("ends", ["at a signal", "with its parent"])
def test_one_that_waits_for_its_turn_can_be_ended(worker: Make, ends: str) -> None:
    application = Application()
    waiting = worker(2, application, os.getpid() if ends == "with its parent" else None)
    waiting.not_before = time.monotonic() + 1000
    if ends == "at a signal":
        waiting.handle_exit(15, None)
    with pytest.raises(SystemExit) as ended:
        waiting.load_wsgi()
    assert (ended.value.code, application.tried) == (0, 0.0)
