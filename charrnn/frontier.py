"""The frontier of a search for completions: beginnings that have not been read, the likeliest first, and what is known
of the texts that end among those that have been; reads nothing itself."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from collections.abc import Sequence as Items
from itertools import count
from typing import Final

import numpy as np
import numpy.typing as npt

from charrnn.candidates import Candidate, Children, FinishReason, Node, Rules, log_sum
from charrnn.sampling import Flags, Logits

NEGLIGIBLE: Final = 17.0
"""A way to end that is less likely than another by a factor of e to this power does not change a sum in float32."""

Masses = npt.NDArray[np.float64]
Entry = tuple[float, bool, str, int, "Node | Children | Candidate"]
"""Ordered by likelihood; what has been found for certain comes before beginnings that are as likely."""


class Frontier:
    """A search for the `n` likeliest completions under `rules`: nodes are selected, read, and extended by what follows
    them, until nothing is selected."""

    def __init__(self, rules: Rules, n: int) -> None:
        self._rules, self._n = rules, n
        self._heap: list[Entry] = []
        self._serial = count()
        self._candidates: dict[str, Candidate] = {}
        self._whole: set[str] = set()
        self._found = 0
        self._proving = not rules.until.cuts_tokens
        self._one_way = self._proving and not rules.until.beginnings
        self._floor = -math.inf  # what the n likeliest have at least: less likely beginnings hold none of them

    @property
    def lacks(self) -> bool:
        """Whether fewer completions are known than wanted."""
        return sum(bool(each.ways) for each in self._candidates.values()) < self._n

    def likeliest(self) -> list[Candidate]:
        """The likeliest completions that are known, at most n."""
        known = [each for each in self._candidates.values() if each.ways]
        return sorted(known, key=lambda each: (-each.logprob, each.text))[: self._n]

    def add(self, node: Node) -> None:
        """Another beginning."""
        self._push(node.logprob, node.text, node)

    def select(self, most: int) -> list[Node]:
        """The likeliest beginnings, at most so many, which are to be read next; none if the n likeliest completions
        are known for certain, or all there are."""
        nodes: list[Node] = []
        later: list[Entry] = []
        while self._heap and len(nodes) < most and self._found < self._n:
            entry = heapq.heappop(self._heap)
            item = entry[-1]
            if isinstance(item, Candidate):
                self._consider(entry, item, nodes, later, most)
            elif -entry[0] > self._floor:
                node = item if isinstance(item, Node) else self._next(item)
                if node is not None and not node.chosen:
                    node.chosen = True
                    nodes.append(node)
        for entry in later:
            heapq.heappush(self._heap, entry)
        return nodes

    def put_back(self, nodes: Iterable[Node]) -> None:
        """These nodes have not been read after all, and nothing is proven any more."""
        self._proving = False
        for node in nodes:
            node.chosen = False
            self.add(node)

    def cleared(self) -> list[Entry]:
        """Remove all beginnings from the frontier; they can be put aside."""
        entries = [entry for entry in self._heap if not isinstance(entry[-1], Candidate)]
        self._heap = []
        return entries

    def put_aside(self, entries: Iterable[Entry]) -> None:
        """Make these beginnings the frontier."""
        self._heap = list(entries)
        heapq.heapify(self._heap)

    def extend(self, nodes: Items[Node], rows: Logits) -> None:
        """Take what follows nodes that have been read: the log-probabilities of all ids after each [n, outputs]."""
        for node, row in zip(nodes, rows, strict=True):
            self._extend(node, row.astype(np.float64) + node.logprob)
        self._raise_floor()

    def _consider(self, entry: Entry, candidate: Candidate, nodes: list[Node], later: list[Entry], most: int) -> None:
        """A candidate is the likeliest entry: find it, or choose what has to be read first."""
        bound = candidate.bound()
        if candidate.is_found or bound == -math.inf or bound < self._floor:
            return
        if bound < -entry[0]:
            self._push(bound, candidate.text, candidate)
            return
        unread = [node for node in candidate.unread if not node.chosen][: most - len(nodes)]
        for node in unread:
            node.chosen = True
        nodes += unread
        if nodes or candidate.unread or later or not self._proving:
            later.append(entry)
        else:
            candidate.is_found = True
            self._found += 1

    def _next(self, children: Children) -> Node | None:
        """The next child, as a node to be read; None if it is whole."""
        id_, logprob = children.take()
        if children.at < len(children.ids):
            self._push(children.logprobs[children.at], children.parent.text, children)
        return self._child(children.parent, id_, logprob)

    def _child(self, parent: Node, id_: int, logprob: float, begun: str = "") -> Node | None:
        rules, automaton = self._rules, self._rules.automaton
        text, tokens = parent.text + rules.until.tokens[id_], parent.tokens + 1
        state = 0 if automaton is None else automaton.after(parent.state, [id_])
        if tokens == rules.length:
            self._end(text, "length", logprob)
        elif automaton is not None and not automaton.choosable(state, rules.length - tokens).any():
            self._end(text, "stop", logprob)
        else:
            return Node(parent.number, id_, parent.id, text, logprob, tokens, begun, state)
        return None

    def _extend(self, node: Node, masses: Masses) -> None:
        """Take the log-probabilities of all texts that are an id longer than the node's, [outputs]."""
        rules, endings = self._rules, self._rules.until.after(node.begun)
        if (mask := rules.mask(node)) is not None:
            masses += mask
        takes = rules.takes(node)
        if rules.may_end(node):
            self._whole.add(node.text)
            self._end(node.text, "stop", log_sum(masses[rules.ending(endings.here, takes)].tolist()))
            if rules.end_id is not None:
                self._end(node.text, "end", float(masses[rules.end_id]))
        goes_on = endings.goes_on if takes is None else endings.goes_on & takes
        for id_, later in endings.elsewhere:
            if takes is None or takes[id_]:
                self._end_elsewhere(node.text, id_, later, float(masses[id_]))
        self._add_children(node, masses, goes_on, endings.begun)

    def _end(self, text: str, reason: FinishReason, logprob: float) -> None:
        """There is a way for the text to end."""
        if -math.inf < logprob >= self._floor - (0 if self._one_way else NEGLIGIBLE):
            candidate = self._candidates.setdefault(text, Candidate(text))
            candidate.add(reason, logprob)
            self._push(candidate.bound(), text, candidate)

    def _end_elsewhere(self, text: str, id_: int, later: int, logprob: float) -> None:
        """After the text, the id ends one that is so much longer, or shorter if `later` is less than 0."""
        text = text[:later] if later < 0 else text + self._rules.until.tokens[id_][:later]
        if self._may_be_whole(text):
            self._end(text, "stop", logprob)

    def _may_be_whole(self, text: str) -> bool:
        return self._rules.automaton is None or text in self._whole

    def _add_children(self, node: Node, masses: Masses, goes_on: Flags, begun: dict[int, str]) -> None:
        """Add the beginnings that are an id longer, of those that may hold completions that are wanted."""
        wanted = goes_on & (masses > self._floor)
        for id_, beginning in begun.items():
            wanted[id_] = False
            likely = goes_on[id_] and masses[id_] > self._floor - NEGLIGIBLE
            if likely and (child := self._child(node, id_, float(masses[id_]), beginning)) is not None:
                self._hold_back(child)
        ids = np.flatnonzero(wanted)
        if ids.size:
            ids = ids[np.argsort(-masses[ids], kind="stable")]
            self._push(float(masses[ids[0]]), node.text, Children(node, ids.tolist(), masses[ids].tolist()))

    def _hold_back(self, node: Node) -> None:
        """Add a beginning that may turn out to be a completion, and the beginning of a string that ends it."""
        self.add(node)
        for n in range(1, len(node.begun) + 1):
            text = node.text[:-n]
            if node.begun[-n:] in self._rules.until.beginnings and self._may_be_whole(text):
                candidate = self._candidates.setdefault(text, Candidate(text))
                candidate.unread.append(node)
                self._push(candidate.bound(), text, candidate)

    def _raise_floor(self) -> None:
        known = sorted((each.logprob for each in self._candidates.values() if each.ways), reverse=True)
        if len(known) >= self._n:
            self._floor = known[self._n - 1]
            likely = [each for each in self._candidates.values() if each.is_found or each.bound() >= self._floor]
            self._candidates = {each.text: each for each in likely}

    def _push(self, bound: float, text: str, item: Node | Children | Candidate) -> None:
        heapq.heappush(self._heap, (-bound, not isinstance(item, Candidate), text, next(self._serial), item))
