"""Best-first search: the likeliest of the texts that may come next, each up to where it ends, and whether it is proven
that none is likelier; knows no network and no vocabulary, only a tree of ids and what these do to a text."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Final

from charrnn.candidates import Candidate, FinishReason, Node, Rules
from charrnn.endings import Until
from charrnn.engine.base import TREE_WIDTH, Tree
from charrnn.following import Following
from charrnn.frontier import Frontier
from charrnn.patterns.automaton import NONE, Automaton
from charrnn.sampling import Logits

MOST_NODES: Final = 1024
"""How many nodes are read to prove which completions are the likeliest."""
MOST_DIVES: Final = 3
"""How often, if these do not hold enough completions, the likeliest beginnings are followed to their ends."""

Run = Callable[[Callable[[], Logits]], Logits]
Read = Callable[[list[Node]], None]


def _at_once(step: Callable[[], Logits]) -> Logits:
    return step()


@dataclass(frozen=True, slots=True)
class Completion:
    """A text that may come next, the log-probability that it comes and then ends, and how it most likely ends."""

    text: str
    logprob: float
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True)
class Completions:
    """What was `found`, the likeliest first; `exact`: no other is likelier than the last one. So many `nodes` were
    read."""

    found: tuple[Completion, ...]
    exact: bool
    nodes: int


@dataclass(frozen=True, eq=False, slots=True)
class CompletionSearch:
    """Finds the `n` likeliest completions: texts of at most `length` tokens up to where one of the strings `until`, or
    the id `end_id`, ends them, with the probabilities of all ways to end summed up; a text of `length` tokens ends
    there. With an automaton only those that fit are completions: where a text may end, every id that the automaton does
    not take there ends it.

    The likeliest beginnings are read first, TREE_WIDTH at a time; what is at least as likely as every beginning that
    has not been read is found for certain. If MOST_NODES do not prove enough, `exact` is false. The result depends on
    nothing else: of completions that are equally likely, the first in the order of texts comes first.
    """

    n: int
    length: int
    until: Until
    end_id: int | None = None
    following: Following | None = None
    automaton: Automaton | None = None

    def __post_init__(self) -> None:
        if self.n < 1 or self.length < 1:
            raise ValueError(f"n and length must be at least 1, not {self.n} and {self.length}")

    @property
    def most_nodes(self) -> int:
        """How many nodes of a tree it may need."""
        return 2 + MOST_NODES + self._most_dived

    @property
    def _most_dived(self) -> int:
        return MOST_DIVES * TREE_WIDTH * self.length

    def search(self, tree: Tree, recent: Items[int], run: Run = _at_once) -> Completions:
        """What follows the text of the tree's node 0 and the last of the `recent` ids, of which two are enough. `run`
        does a step of the search, less than a millisecond of work for a small network, and returns its result; it may
        do so in another thread, or raise to stop the search."""
        frontier = Frontier(Rules(self.length, self.until, self.end_id, self.following, self.automaton), self.n)
        frontier.add(Node(0, int(recent[-1]), int(recent[-2]) if len(recent) > 1 else NONE))

        def read(nodes: list[Node]) -> None:
            parents, ids = [node.parent for node in nodes], [node.id for node in nodes]
            first, rows = len(tree), run(lambda: tree.grow(parents, ids))
            for number, node in enumerate(nodes, first):
                node.number = number
            frontier.extend(nodes, rows)

        proven = _best_first(frontier, read)
        if not proven:
            _dive(frontier, read, self._most_dived)
        found = tuple(_completion(each) for each in frontier.likeliest())
        return Completions(found, proven and not self.until.cuts_tokens, len(tree) - 1)


def _best_first(frontier: Frontier, read: Read) -> bool:
    """Read the likeliest beginnings until the likeliest completions are proven; returns whether they are."""
    left = MOST_NODES
    while nodes := frontier.select(TREE_WIDTH):
        if (left := left - len(nodes)) < 0:
            frontier.put_back(nodes)
            return False
        read(nodes)
    return True


def _dive(frontier: Frontier, read: Read, most: int) -> None:
    """Follow the likeliest beginnings to their ends, TREE_WIDTH side by side as in a beam search, until there are
    enough completions or `most` nodes have been read."""
    while frontier.lacks and most > 0 and (nodes := frontier.select(TREE_WIDTH)):
        aside = frontier.cleared()
        while nodes and (most := most - len(nodes)) >= 0:
            read(nodes)
            nodes = frontier.select(TREE_WIDTH)
            aside += frontier.cleared()
        frontier.put_aside(aside)


def _completion(found: Candidate) -> Completion:
    return Completion(found.text, min(found.logprob, 0.0), found.finish_reason)
