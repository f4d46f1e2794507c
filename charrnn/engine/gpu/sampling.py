"""From the logits of a tile's rows to their next ids, all in tensor operations: the definition in charrnn.sampling, up
to rounding; knows no network.

Nothing here waits for the device, as `torch.where` with a Python number would, to send it there. Rows are independent
of each other. Probabilities are summed as integers, so that the sum does not depend on the order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from charrnn.engine.gpu.network import WIDTH_MULTIPLE
from charrnn.following import Following

UNIT: Final = 2.0**36
"""The largest of a row's `probs`, 1, as an integer: the sum of MAX_VOCABULARY_SIZE of them is exact in a float64."""

_SMALLEST: Final = torch.finfo(torch.float32).tiny
"""Used for a temperature of 0: all ids but the likeliest get a probability of 0."""


@dataclass(frozen=True, eq=False, slots=True)
class SamplingTensors:
    """The sampling parameters of rows, as in SamplingParams: each [rows], except `recent` [RECENT_IDS, rows] and
    `generated` [RECENT_IDS, rows], 1 for the generated ones among them, else 0. `top_k` is never 0. Missing recent
    ids, and those without a logit, are replaced by the width of the logits, which is beyond all ids."""

    temperature: Tensor
    top_p: Tensor
    min_p: Tensor
    penalty: Tensor
    presence: Tensor
    frequency: Tensor
    top_k: Tensor
    recent: Tensor
    generated: Tensor


def uniform(seeds: Tensor, positions: Tensor) -> Tensor:
    """charrnn.sampling.uniform, the same bits, for int64 seeds (their lowest 64 bits) and positions of one shape."""
    return _shifted(_mix(_mix(seeds) + (positions + 1) * _signed(0x9E3779B97F4A7C15)), 11).double() * 2.0**-53


def _mix(z: Tensor) -> Tensor:
    z = (z ^ _shifted(z, 30)) * _signed(0xBF58476D1CE4E5B9)
    z = (z ^ _shifted(z, 27)) * _signed(0x94D049BB133111EB)
    return z ^ _shifted(z, 31)


def _shifted(z: Tensor, bits: int) -> Tensor:
    """A logical right shift by this many bits; torch's is arithmetic."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _signed(bits: int) -> int:
    """The int64 of the same 64 bits; its products are those of unsigned numbers, modulo 2^64."""
    return bits - (1 << 64)


def choose(logits: Tensor, sampling: SamplingTensors, uniforms: Tensor, *, filters: bool) -> Tensor:
    """The next ids [rows] for logits [rows, width], -inf where there is no id, and random numbers [rows] in [0, 1).

    Without `filters`, penalties, min_p, top_k and top_p are ignored; a row without these gets the same id either way.
    """
    if filters:
        logits = _penalized(logits, sampling)
    highest, likeliest = logits.max(1)
    probs = torch.exp((logits - highest[:, None]) / sampling.temperature.clamp(min=_SMALLEST)[:, None])
    integers = _filtered(probs, sampling) if filters else _integers(probs)
    return torch.where(sampling.temperature == 0, likeliest, _picked(integers, uniforms))


def _penalized(logits: Tensor, sampling: SamplingTensors) -> Tensor:
    """The logits after the three penalties; the repetition penalty acts once on each recent id."""
    rows, width = logits.shape
    penalty = sampling.penalty[:, None]
    recent = torch.zeros(rows, width + WIDTH_MULTIPLE, dtype=torch.bool, device=logits.device)
    recent.scatter_(1, sampling.recent.T, True)
    logits = torch.where(recent[:, :width], torch.where(logits > 0, logits / penalty, logits * penalty), logits)
    # Integers: their sums are exact in any order.
    counts = logits.new_zeros(rows, width + WIDTH_MULTIPLE).scatter_add_(1, sampling.recent.T, sampling.generated.T)[
        :, :width
    ]
    logits = logits - counts * sampling.frequency[:, None]
    return torch.where(counts > 0, logits - sampling.presence[:, None], logits)


def _integers(probs: Tensor) -> Tensor:
    """Numbers from 0 to 1 in units of 1 / UNIT, rounded down."""
    return (probs * UNIT).long()


def _filtered(probs: Tensor, sampling: SamplingTensors) -> Tensor:
    """The probabilities after min_p, top_k and top_p, as integers; 0 for dropped ids.

    In descending order, all three keep the first few; top_p stops where the sum of the previous ones reaches the
    share.
    """
    falling, ids = probs.sort(dim=1, descending=True, stable=True)
    kth = falling.gather(1, sampling.top_k[:, None] - 1)
    integers = _integers(falling).masked_fill(falling < torch.maximum(kth, sampling.min_p[:, None]), 0)
    sums = integers.cumsum(1)
    share = (sums[:, -1:] * sampling.top_p.double()[:, None]).ceil().clamp(min=1)
    return torch.zeros_like(integers).scatter(1, ids, integers.masked_fill(sums - integers >= share, 0))


def _picked(integers: Tensor, uniforms: Tensor) -> Tensor:
    """The ids at which the cumulative sum of the probabilities exceeds the random share of the total, never one
    of 0."""
    sums = integers.cumsum(1)
    points = (uniforms * sums[:, -1]).long()
    return (sums <= points[:, None]).sum(1)


def logarithms(logits: Tensor, ids: Tensor, top: int, outputs: int) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities in the logits' distribution: those of the ids [rows], NaN for ids from `outputs` on, which have
    no logit; the `top` likeliest ids [rows, top], best first and the lowest first among equals; and those of these
    ids."""
    all_ = torch.log_softmax(logits, 1)
    mine = all_.gather(1, ids[:, None].clamp(max=outputs - 1))[:, 0].masked_fill(ids >= outputs, torch.nan)
    if not top:
        return mine, ids.new_empty(len(ids), 0), mine.new_empty(len(ids), 0)
    best, best_ids = all_.sort(dim=1, descending=True, stable=True)
    return mine, best_ids[:, :top], best[:, :top]


Mask = Callable[[Tensor, Tensor, Tensor], Tensor]


def masking(following: Following | None, width: int, device: torch.device) -> Mask:
    """A function that sets logits [rows, width] to -inf for ids that may not follow the ids `before` [rows], -1 for
    none, and `last` [rows], like charrnn.sampling.masked."""
    if following is None:
        return lambda logits, _before, _last: logits
    # After all ids one for "none", index -1, of kind 0.
    kinds = torch.tensor([*following.kinds.tolist(), 0], device=device)
    rules = torch.tensor(following.rules.astype("int64"), device=device)
    masks = functional.pad(torch.tensor(following.masks, device=device), (0, width - following.masks.shape[1]))

    def mask(logits: Tensor, before: Tensor, last: Tensor) -> Tensor:
        left = logits + masks[rules[kinds[before], kinds[last]]]
        return torch.where(left.amax(1, keepdim=True) > -torch.inf, left, logits)

    return mask
