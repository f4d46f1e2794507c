"""Waits for a disk that is full or read-only, or for descriptors, so that no job is lost to it; knows no training."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final, TypeVar

from durable import space
from service.training.jobs import stalls
from service.training.worker.measuring import StoppedError

T = TypeVar("T")

RETRY_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


class Patience:
    """Does what needs space in the directory of a run, and says in the run that it is waited for. `stop` ends the
    wait."""

    def __init__(self, folder: Path, stop: Event, seconds: float = RETRY_SECONDS) -> None:
        self._folder = folder
        self._stop = stop
        self._seconds = seconds

    def until_done(self, write: Callable[[], T], is_given_up: Callable[[], bool] = lambda: False) -> T:
        """The result of `write`, which is called again as long as the disk is full or read-only, or no
        descriptors or memory are left.

        Raises StoppedError when `stop` is set meanwhile or `is_given_up` holds, and what else `write` raises.
        """
        waits = False
        while True:
            try:
                result = write()
            except OSError as error:
                if not space.passes(error):
                    raise
                if space.is_short(error):
                    stalls.begin(self._folder)
                if not waits:
                    log.warning("job %s waits: %s", self._folder.name, space.reason_of(error))
                waits = True
                if self._stop.wait(self._seconds) or is_given_up():
                    raise StoppedError from error
            else:
                if waits:
                    log.info("job %s goes on", self._folder.name)
                stalls.end(self._folder)
                return result
