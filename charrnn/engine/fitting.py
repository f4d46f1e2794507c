"""What a sequence has to fit: what is checked before it is generated, so that there is always a text that does, and
what is made of an automaton once for all sequences of a batch that share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import numpy as np

from charrnn.engine.base import Sequence
from charrnn.patterns.automaton import Automaton

T = TypeVar("T")


class Shared(Generic[T]):
    """What is made of each automaton when the first user comes, and freed when the last one leaves. An automaton is the
    same as itself only."""

    def __init__(self, make: Callable[[Automaton], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}
        self._users: dict[int, list[Automaton]] = {}  # kept, so that no other one has the same identity

    def __len__(self) -> int:
        return len(self._made)

    def take(self, automaton: Automaton) -> T:
        """What is made of it; until `leave` has been called as often."""
        if id(automaton) not in self._made:
            self._made[id(automaton)] = self._make(automaton)
        self._users.setdefault(id(automaton), []).append(automaton)
        return self._made[id(automaton)]

    def leave(self, automaton: Automaton) -> None:
        """One user less."""
        users = self._users[id(automaton)]
        users.pop()
        if not users:
            del self._users[id(automaton)], self._made[id(automaton)]

    def items(self) -> Iterator[tuple[Automaton, T]]:
        """The automata that are used, in the order in which they came."""
        return ((users[0], self._made[key]) for key, users in self._users.items())


def check_fit(sequence: Sequence, outputs: int) -> None:
    """Raises ValueError, naming the bound and the value, if the sequence has a pattern of another number of ids than
    can be chosen, in a state that there is not, that takes `end_id` or an id that is not allowed, or that needs more
    ids than `length`."""
    if (fit := sequence.fit) is None:
        return
    automaton, end, allowed = fit.automaton, sequence.end_id, sequence.sampling.allowed_token_ids
    if automaton.classes.size != outputs:
        raise ValueError(f"the pattern must be of {outputs} ids, not {automaton.classes.size}")
    if not 0 <= fit.state < len(automaton):
        raise ValueError(f"the pattern's state must be from 0 to {len(automaton) - 1}, not {fit.state}")
    if end is not None and automaton.taken[end]:
        raise ValueError(f"the pattern must not take end_id, {end}")
    if allowed is not None and (others := np.setdiff1d(np.flatnonzero(automaton.taken), allowed)).size:
        raise ValueError(f"the pattern must take allowed_token_ids only, not {others[0]}")
    if sequence.length < fit.distance:
        raise ValueError(f"length must be at least {fit.distance}, which the pattern needs, not {sequence.length}")
