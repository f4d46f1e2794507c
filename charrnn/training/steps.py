"""One step of truncated backpropagation through time: reads a segment, updates the weights and carries the state; knows
no schedule and no evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from charrnn.checkpoint import Weights
from charrnn.config import ModelConfig
from charrnn.model import CharRNN, Masks
from charrnn.sampling import uniform
from charrnn.tasks.task import IGNORED
from charrnn.torch_threads import one_thread
from charrnn.training.average import Average
from charrnn.training.config import TrainingConfig
from charrnn.training.optimizer import AdamW
from charrnn.training.parallel import ALONE, Team
from charrnn.training.precision import autocast
from charrnn.training.reading import read
from charrnn.training.shards import Shards
from charrnn.training.state import Tensors
from charrnn.training.text import Segment

NEXT_TOKEN_WEIGHT: Final = 1.0
"""How much the loss of next tokens counts beside that of labels at the highest learning rate; it fades with it. A label
alone says too little of a record to learn from it what its letters mean (cf. Rei: Semi-supervised Multitask Learning
for Sequence Labeling, 2017), but at the end the label alone counts: sentences of eight languages, 256 units, 6 epochs,
were classified at 97.1% with a constant weight of 1 or 0.5, at 97.3% with one that fades from 1 to 0; names of ten
countries, 384 units, at 97.2% without it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step's mean loss (nats per token) and the norm of all gradients together, before clipping."""

    loss: float
    gradient_norm: float

    @property
    def finite(self) -> bool:
        """Whether both are finite; if not, nothing was changed."""
        return math.isfinite(self.loss) and math.isfinite(self.gradient_norm)


class Learner:
    """A network with its optimizer, the average of its weights, and the hidden state [state_parts, layers, streams,
    hidden_size] carried from segment to segment. `precision` as in `charrnn.training.precision`. Each process of a team
    reads its shard of the streams, divided into `shards`, and all processes have the whole state."""

    def __init__(
        self,
        config: ModelConfig,
        training: TrainingConfig,
        streams: int,
        *,
        device: torch.device,
        precision: str,
        predicts_next: bool = False,
        tied: bool = False,
        shards: Shards,
        team: Team = ALONE,
    ) -> None:
        self._training = training
        self._device = device
        self._precision = precision
        self._shards = shards
        self._team = team
        with _randomness(training.seed, 0, device):
            self.model = CharRNN(config, training.dropout, predicts_next=predicts_next, tied=tied).to(device)
        self.average = Average(self.model)
        self._optimizer = AdamW(self.model, training.weight_decay)
        self._hidden = self.model.initial_state(streams)

    def step(self, segment: Segment, number: int, learning_rate: float) -> Step:
        """Read a segment, backpropagate, and update the weights once; dropout is a function of the seed and
        `number`."""
        self.model.train()
        with one_thread():  # small products, which are not worth dividing among threads
            if not segment.teaches:
                self._hidden = self._forward(segment)
                return Step(0.0, 0.0)
            with _randomness(self._training.seed, 1 + number, self._device):
                faded = NEXT_TOKEN_WEIGHT * learning_rate / self._training.learning_rate
                loss, hidden = self._forward_backward(segment, faded)
            loss, hidden = self._summed(loss, hidden)
            norm = clip_grad_norm_(self.model.parameters(), self._training.clip or math.inf)
            step = Step(loss.item(), norm.item())
            if step.finite:
                self._optimizer.step(learning_rate)
                self.average.update(self.model)
                self._hidden = hidden  # carried, but no gradient flows back through it
        return step

    def _forward_backward(self, segment: Segment, next_token_weight: float) -> tuple[Tensor, Tensor]:
        """The contribution of this process's streams to the mean cross entropy over a segment (nats per token), and
        their state after it, [state_parts, layers, its streams, hidden_size]; leaves the gradients in the weights.

        Shards share the weights, so each keeps its gradients to itself (`grad` instead of `backward`), and they are
        summed in the order of the shards: the same sum however many cores compute them.
        """
        weights = list(self.model.parameters())
        masks = self.model.masks(segment.inputs.shape[0])  # for all streams: every process draws the same masks
        shards = self._shards.of(self._team.shard(segment.inputs.shape[0]))

        # [(what is minimized, the loss, the state after it)]
        forward = self._shards.each(partial(self._loss, segment, next_token_weight, masks), shards)
        gradients = self._shards.each(lambda found: torch.autograd.grad(found[0], weights), forward)

        for weight, first, *others in zip(weights, *gradients, strict=True):
            weight.grad = sum(others, first)
        losses = [loss.detach() for _, loss, _ in forward]
        states = [state.detach().float() for _, _, state in forward]
        return sum(losses[1:], losses[0]), torch.cat(states, 2)

    @torch.no_grad()
    def _forward(self, segment: Segment) -> Tensor:
        """The state of all streams after the segment, which every process reads whole."""
        rows = self._shards.of(slice(0, segment.inputs.shape[0]))
        read_by_shard = self._shards.each(lambda shard: self._read(segment, None, shard)[1].float(), rows)
        return torch.cat(read_by_shard, 2)

    def _read(self, segment: Segment, masks: Masks | None, shard: slice) -> tuple[Tensor, Tensor]:
        with autocast(self._precision, self._device):
            state = self._hidden[:, :, shard].contiguous()  # [state_parts, layers, rows, hidden_size]
            return read(self.model, segment, shard, state, masks and masks.of(shard))

    def _loss(
        self, segment: Segment, next_token_weight: float, masks: Masks | None, shard: slice
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The contribution of a shard to what is minimized, and to its part that is the mean cross entropy over the
        segment; and its state afterwards."""
        targets = torch.from_numpy(segment.targets[shard]).to(self._device)  # [rows, t]
        logits, hidden = self._read(segment, masks, shard)
        logits = logits.flatten(0, 1).float()  # [rows * t, outputs]
        if segment.next_tokens is None:
            loss = _cross_entropy(logits, targets) / max(1, segment.tokens)  # none if all that is read begins a passage
            return loss, loss, hidden
        outputs = self.model.config.outputs
        loss = _cross_entropy(logits[:, :outputs], targets) / max(1, segment.tokens)
        next_tokens = torch.from_numpy(segment.next_tokens[shard]).to(self._device)
        following = _cross_entropy(logits[:, outputs:], next_tokens)
        count = max(1, int((segment.next_tokens != IGNORED).sum()))
        return loss + next_token_weight * following / count, loss, hidden

    def _summed(self, loss: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The loss and state of the whole team; also sums the gradients over the team."""
        if self._team.size == 1:
            return loss, hidden
        whole = torch.zeros_like(self._hidden)
        whole[:, :, self._team.shard(whole.shape[2])] = hidden
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        self._team.sum([*gradients, loss, whole])
        return loss, whole

    def begin_epoch(self) -> None:
        """Give each stream the state with which the previous stream ended, since that text precedes its own; if a
        passage begins there, its first segment says so."""
        self._hidden = self._hidden.roll(1, dims=2)
        self._hidden[:, :, 0] = 0

    def start_again(self, weights: Weights) -> None:
        """Restart from these weights, without optimizer state and hidden state."""
        self.model.load_weights(weights)
        self.average.restore(weights, 0)
        self._optimizer = AdamW(self.model, self._training.weight_decay)
        self._hidden = torch.zeros_like(self._hidden)

    def tensors(self) -> dict[str, Tensors]:
        """A copy of everything that the next step depends on, by kind."""
        return {
            "model": self.model.weights(),
            "average": self.average.model.weights(),
            **self._optimizer.moments(),
            "hidden": {"": self._hidden.cpu().numpy().copy()},
        }

    def restore(self, tensors: dict[str, Tensors], steps: int) -> None:
        """Restore the result of `tensors` after `steps` optimizer steps."""
        self.model.load_weights(tensors["model"])
        self.average.restore(tensors["average"], steps)
        self._optimizer.restore(tensors, steps)
        self._hidden = torch.tensor(tensors["hidden"][""], device=self._device)


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """The sum over targets that count, in nats: `logits` [n, outputs], as many `targets` in any shape."""
    return functional.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="sum")


@contextmanager
def _randomness(seed: int, position: int, device: torch.device) -> Iterator[None]:
    """A context in which torch's random numbers are a function of (seed, position), so that there is nothing to save;
    the caller's random state is restored."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        number = int(uniform(seed, position) * 2.0**53)
        torch.default_generator.manual_seed(number)  # torch.manual_seed takes a millisecond, for devices not there
        if device.type == "cuda":
            torch.cuda.manual_seed(number)
        yield
