"""What a search for completions knows of texts: beginnings of completions, and candidates, which may be whole ones."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from charrnn.endings import Until
from charrnn.following import Following
from charrnn.patterns.automaton import NONE, Automaton
from charrnn.sampling import Flags, Logits
from charrnn.vocabulary import Ids

FinishReason = Literal["stop", "end", "length"]


@dataclass(frozen=True, eq=False, slots=True)
class Rules:
    """Which texts are completions: the fields of `charrnn.completing.CompletionSearch`."""

    length: int
    until: Until
    end_id: int | None = None
    following: Following | None = None
    automaton: Automaton | None = None

    def takes(self, node: Node) -> Flags | None:
        """Which ids the automaton takes after a node's text, [outputs]; None without one."""
        return None if self.automaton is None else self.automaton.choosable(node.state, self.length - node.tokens)

    def ending(self, here: Ids, takes: Flags | None) -> Ids | Flags:
        """The ids that end a text without being part of it, but for `end_id`: those that end it `here`, and those that
        the automaton does not take."""
        if takes is None:
            return here
        ends = ~takes
        ends[here] = True
        if self.end_id is not None:
            ends[self.end_id] = False
        return ends

    def may_end(self, node: Node) -> bool:
        """Whether the automaton lets the node's text end."""
        return self.automaton is None or self.automaton.may_end(node.state)

    def mask(self, node: Node) -> Logits | None:
        """What is added to the logits after a node's text; None: every id may follow."""
        latest = [node.id] if node.before == NONE else [node.before, node.id]
        return None if self.following is None else self.following.mask(np.array(latest, dtype=np.int32))


@dataclass(eq=False, slots=True)
class Node:
    """A beginning: the `text` of a path in a tree from `parent` on by the newest `id`, `before` which there was
    another; it has `begun` a string of `until`, and the automaton is in `state`. It has a `number` in the tree once it
    has been read."""

    parent: int
    id: int
    before: int
    text: str = ""
    logprob: float = 0.0
    tokens: int = 0
    begun: str = ""
    state: int = 0
    number: int = -1
    chosen: bool = False  # to be read


@dataclass(eq=False, slots=True)
class Children:
    """What follows a parent by `ids`, the likeliest first; each becomes a node when it is its turn."""

    parent: Node
    ids: list[int]
    logprobs: list[float]
    at: int = 0

    def take(self) -> tuple[int, float]:
        """The next one, which is not counted among them any more."""
        self.at += 1
        return self.ids[self.at - 1], self.logprobs[self.at - 1]


@dataclass(eq=False, slots=True)
class Candidate:
    """A text that may be a completion: the log-probabilities of the known ways in which it ends, by reason, and nodes
    that may hold more of them but have not been read."""

    text: str
    ways: dict[FinishReason, float] = field(default_factory=dict)
    unread: list[Node] = field(default_factory=list)
    is_found: bool = False

    @property
    def logprob(self) -> float:
        """That of all known ways together."""
        return log_sum(self.ways.values())

    @property
    def finish_reason(self) -> FinishReason:
        """That of the likeliest way."""
        return max(self.ways, key=lambda reason: self.ways[reason])

    def add(self, reason: FinishReason, logprob: float) -> None:
        """There is another way to end."""
        self.ways[reason] = log_sum((self.ways.get(reason, -math.inf), logprob))

    def bound(self) -> float:
        """It is not likelier than this."""
        if self.unread:
            self.unread = [node for node in self.unread if node.number < 0]
        return log_sum([*self.ways.values(), *(node.logprob for node in self.unread)])


def log_sum(logprobs: Iterable[float]) -> float:
    """ln of the sum of e to the power of each; -inf for none."""
    values = sorted(logprobs, reverse=True)  # the same sum in whatever order they come
    if not values or values[0] == -math.inf:
        return -math.inf
    return values[0] + math.log(math.fsum(math.exp(each - values[0]) for each in values)) if values[1:] else values[0]
