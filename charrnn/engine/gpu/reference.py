"""The reference engine, to which the others are compared: the network in torch, and `charrnn.sampling` for every
choice; simple rather than fast."""

from __future__ import annotations

import numpy as np
import torch

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import TREE_WIDTH, Output, Sequence, Series, State
from charrnn.engine.gpu.holding import during
from charrnn.engine.gpu.network import TILE, Network
from charrnn.engine.gpu.states import DeviceBatch
from charrnn.engine.refilled import RefilledBatch
from charrnn.engine.sequences import Member, outputs_of
from charrnn.engine.tree import BatchTree
from charrnn.patterns.automaton import Fit
from charrnn.sampling import Logits, choose, log_softmax
from charrnn.torch_threads import one_thread


class ReferenceEngine:
    """A checkpoint's network on a torch device; implements `charrnn.engine.base.Engine`."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        self.network = Network(checkpoint, device)
        self.config = checkpoint.config

    @property
    def precision(self) -> str:
        """The numbers of torch, one sequence at a time."""
        return "float32-reference"

    def batch(self, capacity: int) -> ReferenceBatch:
        """An empty batch. Raises ValueError when the capacity is less than 1."""
        return ReferenceBatch(self.network, capacity)

    def series(self, series: Series, slots: int) -> RefilledBatch:
        """A batch that generates the series, `slots` candidates at a time. Raises ValueError for a series that cannot
        be generated, and for less than one slot."""
        return RefilledBatch(self.batch(slots), slots, self.config, series)

    def tree(self, state: State, nodes: int) -> BatchTree:
        """The tree of texts that begin with the state's, for at most `nodes` nodes. Raises ValueError for a state of
        another shape, once it grows."""
        return BatchTree(self.batch(TREE_WIDTH), self.config, state, nodes)


class ReferenceBatch(DeviceBatch):
    """Sequences of one network that advance together; implements `charrnn.engine.base.Batch`.

    A step reads one id of every sequence, and chooses the next one after the prompt. A prompt of n ids and `length` m
    therefore take n + m - 1 steps.
    """

    def __init__(self, network: Network, capacity: int) -> None:
        super().__init__(network, capacity)
        self._fits: dict[int, Fit] = {}  # by handle: what each has to fit from here on

    def add(self, sequence: Sequence) -> int:
        """Add a sequence before the next step; returns its handle. Raises as `DeviceBatch.add` does."""
        handle = super().add(sequence)
        if sequence.fit is not None:
            self._fits[handle] = sequence.fit
        return handle

    def remove(self, handle: int) -> None:
        """Remove a sequence, done or not. Raises KeyError for an unknown handle."""
        super().remove(handle)
        self._fits.pop(handle, None)

    def step(self, steps: int) -> list[Output]:
        """Advance every sequence that is not done by up to `steps` ids, read or chosen."""
        stepped = self._members.done_at_once() + self._members.active()
        with torch.inference_mode(), one_thread():
            for _ in range(steps):
                active = [member for member in stepped if member.remaining]
                for start in range(0, len(active), TILE):
                    self._step_tile(active[start : start + TILE])
        return outputs_of(stepped)

    def _step_tile(self, members: list[Member]) -> None:
        empty = TILE - len(members)
        device = self._network.device
        slots = torch.tensor([member.slot for member in members] + [self._states.spare] * empty, device=device)
        ids = torch.tensor([member.last_id for member in members] + [0] * empty, device=device)
        held = self._held.tensor
        if held is not None:
            holding = [member.computed >= member.held_from for member in members] + [False] * empty
            held = during(held[slots], torch.tensor(holding, device=device))
        before = self._states.tensor[slots]
        logits, after = self._network.advance(ids, before, held)
        known = logits[:, : self._network.config.outputs].cpu().numpy()
        for row, (member, of_member) in enumerate(zip(members, known, strict=False)):
            if not self._take(member, of_member):
                after[row] = before[row]
        self._states.tensor[slots] = after

    def _take(self, member: Member, logits: Logits) -> bool:
        """Advance the member after its last id was read: the next id comes from the prompt, or is chosen with `logits`
        [outputs]. Returns whether there is one: otherwise the text has ended, and nothing has been read."""
        index, completed = member.computed + 1, False
        if (ngrams := self._network.ngrams) is not None:
            logits = ngrams.mix(logits, member.latest()[0])
        if index >= member.prompt_size:
            fit, left = self._fits.get(member.handle), member.remaining
            id_ = self._chosen(member, logits, None if fit is None else fit.mask(left))
            if fit is not None and id_ != member.sequence.end_id:
                if (then := fit.after(id_, left)) is None:
                    member.advance_to(member.computed, completed=True)
                    return False
                self._fits[member.handle], completed = then, then.is_over(left - 1)
            member.ids[index] = id_
        if member.logprobs is not None and index in member.reported_ids:
            logarithms = log_softmax(logits)
            best = np.argsort(-logarithms, kind="stable")[: member.logprobs.top.shape[1]]
            id_ = member.ids[index]
            member.logprobs.chosen[index] = logarithms[id_] if id_ < logarithms.size else np.nan
            member.logprobs.top_ids[index], member.logprobs.top[index] = best, logarithms[best]
        member.advance_to(index, completed=completed)
        return True

    def _chosen(self, member: Member, logits: Logits, fitting: Logits | None) -> int:
        recent, generated = member.latest()
        following = self._network.following
        mask = None if following is None else following.mask(recent)
        logits = logits if fitting is None else logits + fitting
        return choose(logits, member.sequence.sampling, recent, generated, member.position, mask)
