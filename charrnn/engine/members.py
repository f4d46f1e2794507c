"""A sequence while it is in a batch: its record for the compiled step, and what is told of it; knows no weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.config import ModelConfig
from charrnn.engine.base import Logprobs, Output, Sequence, State
from charrnn.engine.cpu.structs import SEQUENCE_STRUCT
from charrnn.sampling import RECENT_IDS, Flags, SamplingParams
from charrnn.vocabulary import Ids

_SEED_MASK: Final = (1 << 64) - 1
_LARGEST_FACTOR: Final = 1e30
"""Stands for 1 / temperature where that would overflow; differences of logits times it leave the likeliest alone."""

_EMPTY: Final[dict[str, Any]] = dict.fromkeys(SEQUENCE_STRUCT.names or (), 0)


@dataclass(eq=False, slots=True)
class Member:
    """A sequence in a batch: the arrays that the compiled step reads and writes, and how many ids have been told."""

    handle: int
    prompt: Ids
    ids: Ids
    logprobs: Logprobs | None
    prompt_logprobs: Logprobs | None
    told: int = 0

    @classmethod
    def of(cls, handle: int, sequence: Sequence, vocabulary_size: int) -> Member:
        first = 0 if sequence.state else 1
        prompt = np.ascontiguousarray(sequence.prompt[first:], dtype=np.int32)
        top = min(sequence.sampling.logprobs or 0, vocabulary_size)
        return cls(
            handle,
            prompt,
            np.empty(sequence.length, dtype=np.int32),
            _logprobs(sequence.length, top, 0) if sequence.sampling.logprobs is not None else None,
            _logprobs(len(sequence.prompt), top, first) if sequence.score else None,
        )

    def output(self, count: int) -> Output | None:
        """What is new since the last output, when the prompt is read and `count` ids are out."""
        first, self.told = self.told, count
        prompt_logprobs, self.prompt_logprobs = self.prompt_logprobs, None
        done = count == self.ids.size
        if first == count and not done and prompt_logprobs is None:
            return None
        if self.logprobs is None:
            return Output(self.handle, self.ids[first:count], done, None, prompt_logprobs)
        all_, new = self.logprobs, slice(first, count)
        logprobs = Logprobs(all_.chosen[new], all_.top_ids[new], all_.top[new])
        return Output(self.handle, self.ids[new], done, logprobs, prompt_logprobs)


def check(sequence: Sequence, config: ModelConfig) -> None:
    """Raises ValueError, naming the bound and the value, for a sequence that cannot run."""
    if sequence.length < 0:
        raise ValueError(f"length must be at least 0, not {sequence.length}")
    _check_ids(sequence.prompt, config.vocabulary_size)
    if sequence.state is not None:
        _check_ids(np.append(sequence.state.recent, sequence.state.last_id), config.vocabulary_size)
        if sequence.state.hidden.shape != config.state_shape:
            raise ValueError(f"the state must have shape {config.state_shape}, not {sequence.state.hidden.shape}")
    elif not len(sequence.prompt):
        raise ValueError("a sequence needs a prompt of at least one id, or a state to continue from")


def _check_ids(ids: Ids, vocabulary_size: int) -> None:
    if len(ids) and not (ids.min() >= 0 and ids.max() < vocabulary_size):
        raise ValueError(f"ids must be from 0 to {vocabulary_size - 1}, not {ids.min()} to {ids.max()}")


def record(member: Member, sequence: Sequence, bias: int) -> tuple[Any, ...]:
    """The fields of a SEQUENCE_STRUCT before the first step; `bias` is the address of what is added to the logits."""
    state = sequence.state
    recent, generated = (state.recent, state.generated) if state else (sequence.prompt[:1], np.zeros(1, np.bool_))
    slot = _sampling(sequence.sampling, state.position if state else 0, recent, generated, bias)
    slot["last"], slot["score"] = state.last_id if state else sequence.prompt[0], sequence.score
    slot["known"], slot["prompt"] = member.prompt.size, member.prompt.ctypes.data
    slot["length"], slot["ids"] = member.ids.size, member.ids.ctypes.data
    if member.logprobs is not None:
        slot |= _addresses("", member.logprobs, 0)
    if member.prompt_logprobs is not None:
        slot |= _addresses("prompt_", member.prompt_logprobs, 0 if state else 1)
    return tuple(slot.values())


def sampling_record(
    params: SamplingParams, position: int, recent: Ids, generated: Flags, bias: int
) -> npt.NDArray[np.void]:
    """One SEQUENCE_STRUCT of a sequence that chooses by `params`, with nothing to read or to write."""
    return np.array([tuple(_sampling(params, position, recent, generated, bias).values())], dtype=SEQUENCE_STRUCT)


def is_penalized(params: SamplingParams) -> bool:
    """Whether the recent ids matter."""
    return params.repetition_penalty != 1 or bool(params.presence_penalty or params.frequency_penalty)


def _sampling(params: SamplingParams, position: int, recent: Ids, generated: Flags, bias: int) -> dict[str, Any]:
    greedy = params.temperature == 0
    filtered = params.top_k > 0 or params.top_p < 1 or params.min_p > 0
    report = params.logprobs is not None
    adjusted = bool(bias) or is_penalized(params)
    return {
        **_EMPTY,
        "seed": params.seed & _SEED_MASK,
        "position": position,
        "recent": _ring(recent),
        "generated": _ring(generated),
        "recent_count": min(recent.size, RECENT_IDS),
        "adjusted": adjusted,
        "penalized": is_penalized(params),
        "greedy": greedy,
        "filtered": filtered,
        "report": report,
        "plain": not (greedy or filtered or report or adjusted),
        "factor": 0 if greedy else min(1 / (params.temperature * math.log(2)), _LARGEST_FACTOR),
        "top_k": params.top_k,
        "top_p": params.top_p,
        "min_p": params.min_p,
        "penalty": params.repetition_penalty,
        "presence": params.presence_penalty,
        "frequency": params.frequency_penalty,
        "bias": bias,
    }


def _ring(latest: Ids | Flags) -> Ids:
    """The latest RECENT_IDS as a ring that begins with the oldest."""
    ring = np.zeros(RECENT_IDS, dtype=np.int32)
    ring[: min(latest.size, RECENT_IDS)] = latest[-RECENT_IDS:]
    return ring


def _addresses(prefix: str, logprobs: Logprobs, first: int) -> dict[str, int]:
    return {
        "top": logprobs.top.shape[1],
        f"{prefix}chosen": logprobs.chosen[first:].ctypes.data,
        f"{prefix}top_ids": logprobs.top_ids[first:].ctypes.data,
        f"{prefix}tops": logprobs.top[first:].ctypes.data,
    }


def _logprobs(n: int, top: int, unknown: int) -> Logprobs:
    """Room for n positions, of which the first `unknown` follow nothing."""
    chosen = np.empty(n, dtype=np.float32)
    top_ids, tops = np.zeros((n, top), dtype=np.int32), np.empty((n, top), dtype=np.float32)
    chosen[:unknown], tops[:unknown] = np.nan, np.nan
    return Logprobs(chosen, top_ids, tops)


def state_of(slot: Any, hidden: npt.NDArray[np.float32]) -> State:
    """What a sequence remembers, from its SEQUENCE_STRUCT and its hidden state."""
    count = int(slot["recent_count"])
    recent, generated = _latest(slot["recent"], count), _latest(slot["generated"], count)
    return State(hidden, int(slot["last"]), int(slot["position"]), recent, generated.astype(np.bool_))


def _latest(ring: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """What the ring holds after `count` ids, the newest last."""
    if count < ring.size:
        return ring[:count].copy()
    oldest = count % ring.size
    return np.concatenate((ring[oldest:], ring[:oldest]))  # np.roll takes four times as long
