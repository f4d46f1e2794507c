"""Converts a member of a batch to the struct that the compiled step reads and writes: addresses of arrays, and flags
for its sampling."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.engine.cpu.structs import SEQUENCE_STRUCT
from charrnn.engine.sequences import Member
from charrnn.sampling import RECENT_IDS, Flags, SamplingParams, is_penalized
from charrnn.vocabulary import Ids

_SEED_MASK: Final = (1 << 64) - 1
_LARGEST_FACTOR: Final = 1e30
"""Used for 1 / temperature if that would overflow: all ids but the likeliest get a probability of 0."""

_EMPTY: Final[dict[str, Any]] = dict.fromkeys(SEQUENCE_STRUCT.names or (), 0)


def member_struct(member: Member, bias: int, held: int = 0, automaton: int = 0) -> tuple[Any, ...]:
    """The fields of the member's SEQUENCE_STRUCT; `bias` is the address of its logit bias, `held` that of the cells
    that it holds, and `automaton` that of the struct of what it has to fit, 0 for none. The addresses are valid for as
    long as the member exists."""
    fields = _choice_fields(member.sequence.sampling, member.position, *member.latest(), bias)
    fields["score"], fields["computed"] = member.sequence.score, member.computed
    fields["prompt_size"], fields["total"] = member.prompt_size, member.ids.size
    fields["end_id"] = -1 if member.sequence.end_id is None else member.sequence.end_id
    fields["ids"] = member.ids.ctypes.data
    fields["held"], fields["held_count"], fields["held_from"] = held, len(member.sequence.held), member.held_from
    if (fit := member.sequence.fit) is not None:
        fields["automaton"], fields["fit_state"] = automaton, fit.state
    if (logprobs := member.logprobs) is not None:
        fields["top"] = logprobs.top.shape[1]
        fields["chosen"], fields["top_ids"] = logprobs.chosen.ctypes.data, logprobs.top_ids.ctypes.data
        fields["tops"] = logprobs.top.ctypes.data
    return tuple(fields.values())


def choice_struct(
    params: SamplingParams, position: int, recent: Ids, generated: Flags, bias: int
) -> npt.NDArray[np.void]:
    """One SEQUENCE_STRUCT [1] with these sampling parameters, without ids and log-probabilities: `recent` [n] are the
    latest ids, the newest last, and `generated` [n] says which of them were generated."""
    return np.array([tuple(_choice_fields(params, position, recent, generated, bias).values())], dtype=SEQUENCE_STRUCT)


def _choice_fields(params: SamplingParams, position: int, recent: Ids, generated: Flags, bias: int) -> dict[str, Any]:
    greedy = params.temperature == 0
    filtered = params.top_k > 0 or params.top_p < 1 or params.min_p > 0
    report = params.logprobs is not None
    penalized = is_penalized(params)
    adjusted = bool(bias) or penalized
    return {
        **_EMPTY,
        "seed": params.seed & _SEED_MASK,
        "position": position,
        "recent": _ring(recent),
        "generated": _ring(generated),
        "recent_count": min(recent.size, RECENT_IDS),
        "adjusted": adjusted,
        "penalized": penalized,
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
    """The latest RECENT_IDS as a ring buffer that begins with the oldest."""
    ring = np.zeros(RECENT_IDS, dtype=np.int32)
    ring[: min(latest.size, RECENT_IDS)] = latest[-RECENT_IDS:]
    return ring
