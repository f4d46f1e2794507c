"""Asks a service at short intervals whether it generates and what it says of itself, and remembers when."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

GENERATE_SECONDS: Final = 0.1
LOOK_SECONDS: Final = 0.25
TIMEOUT: Final = 2.0
"""A connection may be that of a process that is suspended."""
STEADY: Final = 5
"""So many probes in a row that succeed mean that the service generates again."""


@dataclass(frozen=True)
class Look:
    """One request: when it began and ended (monotonic seconds), and the reply's status, 0 without one."""

    began: float
    ended: float
    status: int
    reply: dict[str, Any]


class Probe:
    """Two threads, one that generates a few characters, one that reads `/readyz`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.texts: list[Look] = []
        self.states: list[Look] = []
        self._over = threading.Event()
        for look, found, pause in (
            (self._generate, self.texts, GENERATE_SECONDS),
            (self._ready, self.states, LOOK_SECONDS),
        ):
            threading.Thread(target=self._run, args=(look, found, pause), daemon=True).start()

    def end(self) -> None:
        """End both."""
        self._over.set()

    def generating_since(self, moment: float) -> float | None:
        """When the service generates again, as far as is known by now: the end of the first of STEADY requests in a row
        that began after the moment and succeeded."""
        looks = [each for each in list(self.texts) if each.began >= moment]
        failed = max((at for at, each in enumerate(looks) if each.status != 200), default=-1)
        steady = looks[failed + 1 :]
        return steady[0].ended if len(steady) >= STEADY else None

    def longest_gap(self, begin: float, end: float) -> float:
        """The longest time between two successes, in seconds."""
        ends = [each.ended for each in list(self.texts) if each.status == 200 and begin <= each.ended <= end]
        moments = [begin, *ends, end]
        return max(b - a for a, b in pairwise(moments))

    def clear_since(self, moment: float) -> float | None:
        """When `/readyz` first said after the moment that nothing is degraded, and said nothing else since."""
        looks = [each for each in list(self.states) if each.began >= moment]
        bad = max((at for at, each in enumerate(looks) if each.status != 200 or degraded(each)), default=-1)
        good = looks[bad + 1 :]
        return good[0].ended if len(good) >= STEADY else None

    def said(self, begin: float, end: float) -> list[str]:
        """The sentences of `/readyz` in this time, each once."""
        looks = [each for each in list(self.states) if begin <= each.ended <= end]
        return list(dict.fromkeys(sentence for each in looks for sentence in degraded(each)))

    def _run(self, look: Callable[[], tuple[int, dict[str, Any]]], found: list[Look], pause: float) -> None:
        while not self._over.wait(pause):
            began = time.monotonic()
            status, reply = look()
            found.append(Look(began, time.monotonic(), status, reply))

    def _generate(self) -> tuple[int, dict[str, Any]]:
        return self._asked("POST", "/generate", {"prompt": "ROMEO:", "length": 10, "seed": 1, "cache": False})

    def _ready(self) -> tuple[int, dict[str, Any]]:
        return self._asked("GET", "/readyz")

    def _asked(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        try:
            connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()


def degraded(look: Look) -> list[str]:
    """What the reply lists, ready or not."""
    return list(look.reply.get("degraded", look.reply.get("error", {}).get("degraded", [])))
