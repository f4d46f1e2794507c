"""What the service has acknowledged, and what it may have done without saying so."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from service.client import ServiceError

State = Literal["there", "gone", "either"]
"""`either`: the request that creates or deletes it was not answered, and may have been done."""


class Ledger:
    """The things of one kind by their names, which the client chose, so that a lost reply leaves no doubt which one is
    meant."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._facts: dict[str, object] = {}
        self._lock = threading.Lock()

    @contextmanager
    def creating(self, name: str) -> Iterator[None]:
        """A context in which it is created. After an error of the service's it may be there or not, but for a refusal,
        which changes nothing."""
        with self._changing(name, "there"):
            yield

    @contextmanager
    def deleting(self, name: str) -> Iterator[None]:
        """The same for deleting it."""
        with self._changing(name, "gone"):
            yield

    @contextmanager
    def _changing(self, name: str, to: State) -> Iterator[None]:
        before = self._states.get(name, "gone")
        self._set(name, "either")
        try:
            yield
        except ServiceError as error:
            if 400 <= error.status < 500:
                self._set(name, before)
            raise
        self._set(name, to)

    def learn(self, name: str, fact: object) -> None:
        """Remember what was acknowledged of it."""
        self._facts[name] = fact

    def fact(self, name: str) -> object:
        """What was acknowledged of it, None if nothing was."""
        return self._facts.get(name)

    def those(self, state: State) -> list[str]:
        """The names of those in this state."""
        with self._lock:
            return [name for name, held in self._states.items() if held == state]

    def faults(self, kind: str, listed: list[str]) -> Iterator[str]:
        """What is wrong with a list of them: something is lost, doubled, or was never sent."""
        counts = Counter(listed)
        with self._lock:
            states = dict(self._states)
        for name, state in states.items():
            if state == "there" and counts[name] == 0:
                yield f"{kind} {name} was acknowledged and is lost"
            if state == "gone" and counts[name] > 0:
                yield f"{kind} {name} was deleted and is back"
        for name, count in counts.items():
            if count > 1:
                yield f"{kind} {name} is there {count} times"
            if name not in states:
                yield f"{kind} {name} is there and nobody sent it"

    def _set(self, name: str, state: State) -> None:
        with self._lock:
            self._states[name] = state


@dataclass(frozen=True)
class Failure:
    """A request that failed, and when it began and ended (monotonic seconds)."""

    kind: str
    began: float
    ended: float
    status: int
    code: str
    message: str


@dataclass
class Memory:
    """What all clients have seen."""

    corpora: Ledger = field(default_factory=Ledger)
    jobs: Ledger = field(default_factory=Ledger)
    versions: Ledger = field(default_factory=Ledger)
    aliases: dict[str, set[int | None]] = field(default_factory=dict)
    """What each alias may point to: one version, or several after requests that were not answered; None: nothing."""
    done: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Replies that were not what they must be."""
    seedless: deque[tuple[str, int, str]] = field(default_factory=lambda: deque(maxlen=400))
    """Prompt, seed told and text of replies whose seed the service drew."""

    @contextmanager
    def asking(self, kind: str) -> Iterator[None]:
        """A context for one request: counts it, or remembers how it failed."""
        began = time.monotonic()
        try:
            yield
        except ServiceError as error:
            self.failures.append(Failure(kind, began, time.monotonic(), error.status, error.code, str(error)))
        else:
            self.done[kind] += 1
