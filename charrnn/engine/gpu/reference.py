"""The reference engine, to which the others are compared: the network in torch, and `charrnn.sampling` for every
choice; simple rather than fast."""

from __future__ import annotations

import numpy as np
import torch

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Output, Series
from charrnn.engine.gpu.holding import during
from charrnn.engine.gpu.network import TILE, Network
from charrnn.engine.gpu.states import DeviceBatch
from charrnn.engine.refilled import RefilledBatch
from charrnn.engine.sequences import Member, outputs_of
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


class ReferenceBatch(DeviceBatch):
    """Sequences of one network that advance together; implements `charrnn.engine.base.Batch`.

    A step reads one id of every sequence, and chooses the next one after the prompt. A prompt of n ids and `length` m
    therefore take n + m - 1 steps.
    """

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
        logits, self._states.tensor[slots] = self._network.advance(ids, self._states.tensor[slots], held)
        known = logits[:, : self._network.config.outputs].cpu().numpy()
        for member, of_member in zip(members, known, strict=False):
            self._take(member, of_member)

    def _take(self, member: Member, logits: Logits) -> None:
        """Advance the member after its last id was read: the next id comes from the prompt, or is chosen with `logits`
        [outputs]."""
        index = member.computed + 1
        if (ngrams := self._network.ngrams) is not None:
            logits = ngrams.mix(logits, member.latest()[0])
        if index >= member.prompt_size:
            member.ids[index] = self._chosen(member, logits)
        if member.logprobs is not None and index in member.reported_ids:
            logarithms = log_softmax(logits)
            best = np.argsort(-logarithms, kind="stable")[: member.logprobs.top.shape[1]]
            id_ = member.ids[index]
            member.logprobs.chosen[index] = logarithms[id_] if id_ < logarithms.size else np.nan
            member.logprobs.top_ids[index], member.logprobs.top[index] = best, logarithms[best]
        member.advance_to(index)

    def _chosen(self, member: Member, logits: Logits) -> int:
        recent, generated = member.latest()
        following = self._network.following
        mask = None if following is None else following.mask(recent)
        return choose(logits, member.sequence.sampling, recent, generated, member.position, mask)
