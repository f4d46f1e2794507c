"""What a sequence has to fit: what is checked before it is generated, so that there is always a text that does, and
what is made of an automaton once for all sequences of a batch that share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np

from charrnn.engine.base import Sequence
from charrnn.patterns.automaton import Automaton

MOST_SPARE_BYTES: Final = 1 << 20
"""Of an automaton without users."""

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Use(Generic[T]):
    """An automaton, what is made of it, and how many use it."""

    automaton: Automaton  # kept, so that no other one has the same identity
    made: T
    users: int = 0


class Shared(Generic[T]):
    """What is made of each automaton when the first user comes, and freed when the last one leaves; of a small one only
    when another comes or is left, since short texts often leave all at once, before the next ones come. An automaton is
    the same as itself only."""

    def __init__(self, make: Callable[[Automaton], T]) -> None:
        self._make = make
        self._uses: dict[int, _Use[T]] = {}
        self._spare: int | None = None

    def __len__(self) -> int:
        """How many automata have users."""
        return len(self._uses) - (self._spare is not None)

    def take(self, automaton: Automaton) -> T:
        """What is made of it; until `leave` has been called as often."""
        key = id(automaton)
        if key == self._spare:
            self._spare = None
        if (use := self._uses.get(key)) is None:
            self._drop_spare()
            use = self._uses[key] = _Use(automaton, self._make(automaton))
        use.users += 1
        return use.made

    def leave(self, automaton: Automaton) -> bool:
        """One user less; returns whether that was the last."""
        key = id(automaton)
        use = self._uses[key]
        use.users -= 1
        if use.users:
            return False
        self._drop_spare()
        self._spare = key
        if automaton.nbytes > MOST_SPARE_BYTES:
            self._drop_spare()
        return True

    def items(self) -> Iterator[tuple[Automaton, T]]:
        """The automata that are kept, in the order in which they came."""
        return ((use.automaton, use.made) for use in self._uses.values())

    def _drop_spare(self) -> None:
        if self._spare is not None:
            del self._uses[self._spare]
            self._spare = None


def check_fit(sequence: Sequence, outputs: int) -> None:
    """Raises ValueError, naming the bound and the value, if the sequence has a pattern of another number of ids than
    can be chosen, in a state that there is not, that takes `end_id` or an id that is not allowed, or that needs more
    ids than `length`."""
    if (fit := sequence.fit) is None:
        return
    automaton, end, allowed = fit.automaton, sequence.end_id, sequence.sampling.allowed_token_ids
    if automaton.classes.size != outputs:
        raise ValueError(f"the pattern must be of {outputs} ids, not {automaton.classes.size}")
    if not 0 <= fit.state < automaton.distances.size:
        raise ValueError(f"the pattern's state must be from 0 to {len(automaton) - 1}, not {fit.state}")
    if end is not None and automaton.taken[end]:
        raise ValueError(f"the pattern must not take end_id, {end}")
    if allowed is not None and (others := np.setdiff1d(np.flatnonzero(automaton.taken), allowed)).size:
        raise ValueError(f"the pattern must take allowed_token_ids only, not {others[0]}")
    if sequence.length < (distance := fit.distance):
        raise ValueError(f"length must be at least {distance}, which the pattern needs, not {sequence.length}")
