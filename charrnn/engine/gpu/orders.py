"""What rows are to do in the next steps, all of it known before the first one, so that a device need not be waited for;
knows no network."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.engine.base import Logprobs, Sequence
from charrnn.engine.gpu.sampling import Choice, uniform
from charrnn.engine.members import Member, is_penalized
from charrnn.sampling import RECENT_IDS, Flags, SamplingParams
from charrnn.vocabulary import Ids

CHOOSE: Final = -1
REST: Final = -2
"""In a plan, beside ids of a prompt: the next id is chosen; the row is done, and nothing of it changes."""

PLACE: Final = np.dtype(
    [
        ("last", np.int64),  # the newest id, not yet read
        ("before", np.int64),  # the id before it, -1 where there is none
        ("unread", np.int64),  # ids of the prompt that follow
        ("left", np.int64),  # ids that are then to be chosen
        ("position", np.int64),  # of the next random number
        ("seed", np.int64),  # its lowest 64 bits
        ("temperature", np.float32),
        ("top_p", np.float32),
        ("min_p", np.float32),
        ("penalty", np.float32),
        ("presence", np.float32),
        ("frequency", np.float32),
        ("top_k", np.int64),
        ("penalized", np.bool_),  # whether the recent ids count
        ("filtered", np.bool_),  # whether they do, or any of top_p, min_p and top_k
        ("biased", np.bool_),  # whether something is added to the logits
        ("prompt_top", np.int64),  # likeliest ids to tell of at each id of the prompt, -1: nothing at all
        ("top", np.int64),  # and at each chosen one
    ]
)
"""A sequence in its place in a batch."""

_OF_CHOICE: Final = ("temperature", "top_p", "min_p", "penalty", "presence", "frequency", "top_k")
_SEED_MASK: Final = (1 << 64) - 1
_SIGN: Final = 1 << 63


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """A sequence in a batch: what is told of it, and the latest ids `before` it joined, its own first among them, with
    which of these were `generated`."""

    member: Member
    before: Ids
    generated: Flags

    def recent(self, place: Any) -> tuple[Ids, Flags]:
        """The latest ids, the newest last, and which of them were generated."""
        prompt, ids = self.member.prompt, self.member.ids
        read, chosen = prompt.size - int(place["unread"]), ids.size - int(place["left"])
        latest = (self.before, prompt[max(0, read - RECENT_IDS) : read], ids[max(0, chosen - RECENT_IDS) : chosen])
        generated = (self.generated, np.zeros(latest[1].size, np.bool_), np.ones(latest[2].size, np.bool_))
        return np.concatenate(latest)[-RECENT_IDS:].astype(np.int32), np.concatenate(generated)[-RECENT_IDS:]

    def take(self, place: Any, ids: npt.NDArray[np.int64], told: Logprobs | None) -> None:
        """Keep what the steps from the place on have made: the ids [n], those of the prompt first, and logarithms."""
        member = self.member
        read, chosen = member.prompt.size - int(place["unread"]), member.ids.size - int(place["left"])
        reads = min(ids.size, int(place["unread"]))
        member.ids[chosen : chosen + ids.size - reads] = ids[reads:]
        if told is not None and member.prompt_logprobs is not None:
            follows_nothing = len(member.prompt_logprobs.chosen) - member.prompt.size
            _write(member.prompt_logprobs, follows_nothing + read, told, 0, reads)
        if told is not None and member.logprobs is not None:
            _write(member.logprobs, chosen, told, reads, ids.size)


def _write(logprobs: Logprobs, at: int, told: Logprobs, start: int, stop: int) -> None:
    there, top = slice(at, at + stop - start), logprobs.top.shape[1]
    logprobs.chosen[there] = told.chosen[start:stop]
    logprobs.top_ids[there] = told.top_ids[start:stop, :top]
    logprobs.top[there] = told.top[start:stop, :top]


def place_of(row: Row, sequence: Sequence, vocabulary_size: int) -> tuple[Any, ...]:
    """The sequence as PLACE's fields, before its first step."""
    params, member = sequence.sampling, row.member
    top = min(params.logprobs or 0, vocabulary_size)
    top_k = params.top_k if 0 < params.top_k < vocabulary_size else vocabulary_size
    return (
        sequence.state.last_id if sequence.state else sequence.prompt[0],
        row.before[-2] if row.before.size > 1 else -1,
        member.prompt.size,
        member.ids.size,
        sequence.state.position if sequence.state else 0,
        (params.seed & _SEED_MASK) - ((params.seed & _SIGN) << 1),
        params.temperature,
        params.top_p,
        params.min_p,
        params.repetition_penalty,
        params.presence_penalty,
        params.frequency_penalty,
        top_k,
        is_penalized(params),
        _filtered(params, top_k < vocabulary_size),
        bool(params.logit_bias) or params.allowed_token_ids is not None,
        top if sequence.score else -1,
        -1 if params.logprobs is None else top,
    )


def _filtered(params: SamplingParams, some: bool) -> bool:
    filters = some or params.top_p < 1 or params.min_p > 0
    return is_penalized(params) or (params.temperature != 0 and filters)


NOBODY: Final = (0, -1, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 1, False, False, False, -1, -1)
"""PLACE's fields of a place without a sequence, which always rests."""


@dataclass(frozen=True, eq=False, slots=True)
class Orders:
    """For n rows and some steps: `last` [n] the ids to be read first, `before` [n] those before them, -1 for none,
    `plan` [steps, n], the random numbers `uniforms` [steps, n], and how the rows choose."""

    last: Tensor
    before: Tensor
    plan: Tensor
    uniforms: Tensor
    choice: Choice


def orders_for(places: npt.NDArray[Any], rows: Items[Row], steps: int, width: int, device: torch.device) -> Orders:
    """The orders for PLACEs [n], the first of which are the rows'; `width` is that of their logits."""

    def sent(numbers: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(numbers.copy()).to(device)  # a field lies between the others; a copy does not

    # Numbers are made for the steps that read the prompt too, where nobody looks at them.
    first = sent(places["position"] - places["unread"])
    positions = first + torch.arange(steps, device=device)[:, None]
    uniforms = uniform(sent(places["seed"]).expand_as(positions), positions)
    choice = Choice(*[sent(each) for each in (*(places[name] for name in _OF_CHOICE), *_recent(places, rows, width))])
    return Orders(sent(places["last"]), sent(places["before"]), sent(_plan(places, rows, steps)), uniforms, choice)


def _plan(places: npt.NDArray[Any], rows: Items[Row], steps: int) -> npt.NDArray[np.int64]:
    turns = np.arange(steps)[:, None]
    plan = np.where(turns < places["unread"] + places["left"], CHOOSE, REST)
    for i in np.flatnonzero(places["unread"]).tolist():
        prompt, unread = rows[i].member.prompt, int(places["unread"][i])
        ids = prompt[prompt.size - unread :][:steps]
        plan[: ids.size, i] = ids
    return plan


def _recent(
    places: npt.NDArray[Any], rows: Items[Row], width: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The recent ids [RECENT_IDS, n] and 1 for the generated ones, the newest at the end, so that each next id takes
    the place of the oldest from the beginning on; where no row has a penalty, none are needed."""
    recent = np.full((RECENT_IDS, len(places) if places["filtered"].any() else 0), width)
    generated = np.zeros(recent.shape, dtype=np.float32)
    for i in np.flatnonzero(places["penalized"]).tolist():
        ids, flags = rows[i].recent(places[i])
        recent[RECENT_IDS - ids.size :, i], generated[RECENT_IDS - ids.size :, i] = ids, flags
    return recent, generated
