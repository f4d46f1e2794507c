"""From logits to the next id: the sampling parameters, the random number of a position, and the definition of sampling
that every engine follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt

from charrnn.parameters import Parameter

Logits = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

RECENT_IDS: Final = 64
"""How many of the latest ids, read or generated, penalties look at; bounded so that the state of a sequence stays
small."""

DEFAULT_LENGTH: Final = 200
"""How many tokens are generated where no length is given."""

DRAWN_SEED_BITS: Final = 53
"""A drawn seed is represented exactly by every JSON parser, including those that have only doubles."""

_MASK: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How the next id is chosen; the defaults leave the model's distribution as it is.

    In the order in which they act, which is that of vLLM's Sampler: `allowed_token_ids` excludes all other ids (None:
    all are allowed); `logit_bias` adds to the logits of ids, as pairs of id and bias; `repetition_penalty` divides
    positive and multiplies negative logits of the last 64 ids; `frequency_penalty` is subtracted as often as an id was
    generated among the last 64, `presence_penalty` once if it was (OpenAI's formula); `temperature` divides all logits
    (0: the likeliest id, the lowest on a tie); `min_p` drops ids less likely than min_p times the likeliest; `top_k`
    keeps the k likeliest (0: all; ties with the k-th stay); `top_p` keeps the likeliest of the remaining ids until
    their share reaches top_p. `logprobs` asks for the log-probabilities of the chosen id and of that many likeliest ids
    at each position, in the model's own distribution, before any of the above; None: for none.
    """

    seed: Annotated[int, Parameter("the same seed gives the same text (-1 is a seed too)")] = 0
    temperature: Annotated[float, Parameter("below 1: more predictable, above 1: more random; 0: greedy", ge=0)] = 1.0
    top_k: Annotated[int, Parameter("sample from the k most likely tokens; 0 or -1: from all", ge=-1)] = 0
    top_p: Annotated[
        float, Parameter("sample from the most likely tokens whose probabilities add up to this", gt=0, le=1)
    ] = 1.0
    min_p: Annotated[
        float,
        Parameter("exclude tokens less likely than this fraction of the most likely one's probability", ge=0, le=1),
    ] = 0.0
    repetition_penalty: Annotated[
        float, Parameter(f"above 1 makes the last {RECENT_IDS} tokens less likely, below 1 more likely", gt=0)
    ] = 1.0
    presence_penalty: Annotated[
        float,
        Parameter(f"subtracted from the logits of tokens generated among the last {RECENT_IDS}", ge=-2, le=2),
    ] = 0.0
    frequency_penalty: Annotated[
        float,
        Parameter("as presence_penalty, but once per occurrence; the prompt does not count", ge=-2, le=2),
    ] = 0.0
    logit_bias: Annotated[
        tuple[tuple[int, float], ...],
        Parameter(
            "maps token ids to biases added to their logits; -100 makes a token e^100 times less likely at temperature"
            " 1, e^10 times at 10; to rule tokens out, use allowed_token_ids"
        ),
    ] = ()
    allowed_token_ids: Annotated[tuple[int, ...] | None, Parameter("generate only these tokens")] = None
    logprobs: Annotated[
        int | None,
        Parameter("return each token's log probability and those of this many most likely tokens", ge=0),
    ] = None


def is_penalized(params: SamplingParams) -> bool:
    """Whether the choice depends on the recent ids."""
    return params.repetition_penalty != 1 or bool(params.presence_penalty or params.frequency_penalty)


def choice_seed(seed: int, index: int) -> int:
    """The seed of choice `index`: seed + index, kept within signed 64 bits."""
    return (seed + index + (1 << 63)) % (1 << 64) - (1 << 63)


def uniform(seed: int, position: int) -> float:
    """The random number in [0, 1) of a position: a hash of (seed, position), without any state.

    It is output `position` of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)
    started at the seed, whose own bits are mixed first so that neighbouring seeds share no part of their streams.
    """
    z = (_mix(seed & _MASK) + (position + 1) * 0x9E3779B97F4A7C15) & _MASK
    return float(_mix(z) >> 11) * 2.0**-53


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def log_softmax(logits: Logits) -> Logits:
    """Log-probabilities [vocabulary_size] of the distribution that the logits define."""
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()), dtype=np.float32)


def choose(  # noqa: PLR0917
    logits: Logits,
    params: SamplingParams,
    recent: npt.NDArray[np.int32],
    generated: Flags,
    position: int,
    mask: Logits | None = None,
) -> int:
    """The next id for the logits [vocabulary_size] of a sequence at `position`, whose latest ids are `recent` [n], of
    which those marked in `generated` [n] were generated and the others read; `mask` has -inf for ids that may not
    follow, and is ignored if it would exclude every allowed id."""
    logits = masked(adjusted(logits, params, recent, generated), mask)
    if params.temperature == 0:
        return int(logits.argmax())
    probs = unnormalized_probs(logits, params)
    cumulated = np.cumsum(probs, dtype=np.float32)
    point = np.float32(uniform(params.seed, position)) * cumulated[-1]
    return min(int(np.searchsorted(cumulated, point, side="right")), int(np.flatnonzero(probs)[-1]))


def adjusted(logits: Logits, params: SamplingParams, recent: npt.NDArray[np.int32], generated: Flags) -> Logits:
    """The logits after everything that acts before the temperature: the bias of each id, then the three penalties."""
    bias = bias_of(params, logits.size)
    logits = penalized(logits if bias is None else logits + bias, recent, params.repetition_penalty)
    if not (params.presence_penalty or params.frequency_penalty):
        return logits
    counts = np.bincount(recent[generated], minlength=logits.size).astype(np.float32)
    result: Logits = logits - counts * np.float32(params.frequency_penalty)
    result[counts > 0] -= np.float32(params.presence_penalty)
    return result


def masked(logits: Logits, mask: Logits | None) -> Logits:
    """The logits with the mask, unless it would exclude every id."""
    if mask is None:
        return logits
    left: Logits = logits + mask
    return left if left.max() > -np.inf else logits


def bias_of(params: SamplingParams, vocabulary_size: int) -> Logits | None:
    """What is added to the logits, [vocabulary_size]: the `logit_bias`, -inf for ids that are not allowed; None if
    there is nothing to add. Raises ValueError, naming bound and value, for an id outside the vocabulary, a bias that is
    not finite, and when no id is allowed."""
    allowed = params.allowed_token_ids
    if not params.logit_bias and allowed is None:
        return None
    for id_ in (*(id_ for id_, _ in params.logit_bias), *(allowed or ())):
        if not 0 <= id_ < vocabulary_size:
            raise ValueError(f"ids must be from 0 to {vocabulary_size - 1}, not {id_}")
    if allowed is not None and not allowed:
        raise ValueError("allowed_token_ids must have at least one id")
    bias = np.full(vocabulary_size, 0 if allowed is None else -np.inf, dtype=np.float32)
    bias[list(allowed or ())] = 0
    for id_, value in params.logit_bias:
        if not math.isfinite(value):
            raise ValueError(f"logit_bias must be of finite numbers, not {value} for id {id_}")
        bias[id_] += np.float32(value)
    return bias


def penalized(logits: Logits, recent: npt.NDArray[np.int32], penalty: float) -> Logits:
    """The logits after the repetition penalty of Keskar et al. (CTRL, 2019) on the recent ids."""
    if penalty == 1 or not recent.size:
        return logits
    result = logits.copy()
    ids = np.unique(recent)
    result[ids] = np.where(result[ids] > 0, result[ids] / np.float32(penalty), result[ids] * np.float32(penalty))
    return result


def unnormalized_probs(logits: Logits, params: SamplingParams) -> Logits:
    """Unnormalized probabilities at a temperature above 0; 0 for ids that min_p, top_k or top_p drop."""
    scaled = logits / logits.dtype.type(params.temperature)
    probs: Logits = np.exp(scaled - scaled.max())
    probs[~_kept(probs, params)] = 0
    return probs


def _kept(probs: Logits, params: SamplingParams) -> Flags:
    """Which ids survive min_p, top_k and top_p; the largest of `probs` is 1."""
    kept = probs >= np.float32(params.min_p)
    if 0 < params.top_k < probs.size:
        kept &= probs >= np.partition(probs, -params.top_k)[-params.top_k]
    if params.top_p < 1:
        order = np.argsort(-probs, kind="stable")
        order = order[kept[order]]
        share = np.cumsum(probs[order], dtype=probs.dtype)
        last = int(np.searchsorted(share, np.float32(params.top_p) * share[-1], side="left"))
        kept[:] = False
        kept[order[: last + 1]] = True
    return kept
