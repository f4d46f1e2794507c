"""The inputs of the rows of tiles for several steps, all computed before the first one, so that no step waits for the
device; knows no network."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.engine.gpu.fitting import AutomatonTable, FitRows
from charrnn.engine.gpu.sampling import SamplingTensors, uniform
from charrnn.engine.sequences import Member
from charrnn.sampling import RECENT_IDS, SamplingParams, is_penalized

CHOOSE: Final = -1
REST: Final = -2
"""Used instead of a prompt's id: CHOOSE, the next id is chosen; REST, the row is done and does not change."""

ROW: Final = np.dtype(
    [
        ("seed", np.int64),  # its lowest 64 bits
        ("first_position", np.int64),  # of the random number for the first step, if there were no prompt
        ("temperature", np.float32),
        ("top_p", np.float32),
        ("min_p", np.float32),
        ("penalty", np.float32),
        ("presence", np.float32),
        ("frequency", np.float32),
        ("top_k", np.int64),
        ("penalized", np.bool_),  # whether there are penalties
        ("filtered", np.bool_),  # whether there are penalties or any of top_p, min_p and top_k
        ("biased", np.bool_),  # whether something is added to the logits
        ("holds", np.bool_),  # whether cells are held
        ("held_from", np.int64),  # from the step on that reads the id with this index
        ("end_id", np.int64),  # the row is done when this id is chosen; -1: none
        ("prompt_top", np.int64),  # likeliest ids to report at each id of the prompt, -1: no log-probabilities
        ("top", np.int64),  # and at each chosen id
        ("fits", np.bool_),  # whether there is an automaton that the text has to fit
        ("fit_state", np.int64),  # the state that it is in: of all this, the only one that changes
    ]
)
"""What steps need of a member, as one row of an array."""

NEUTRAL: Final[Mapping[str, float]] = {
    "temperature": 1,
    "top_p": 1,
    "min_p": 0,
    "penalty": 1,
    "presence": 0,
    "frequency": 0,
    "top_k": 1,
}
"""The fields of ROW that are sampling parameters in tensors, with the values that rows without a member have."""

_NONE: Final = {"end_id": -1, "prompt_top": -1, "top": -1}
_SEED_MASK: Final = (1 << 64) - 1
_SIGN: Final = 1 << 63


def _row(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """These fields in the order of ROW."""
    return tuple(fields[name] for name in ROW.names or ())


EMPTY_ROW: Final = _row({**dict.fromkeys(ROW.names or (), 0), **NEUTRAL, **_NONE})
"""ROW's fields if there is no member."""


def row_of(member: Member, outputs: int) -> tuple[Any, ...]:
    """The member as ROW's fields, before its first step; `outputs` is how many ids can be chosen."""
    params, end_id, fit = member.sequence.sampling, member.sequence.end_id, member.sequence.fit
    top = min(params.logprobs or 0, outputs)
    top_k = params.top_k if 0 < params.top_k < outputs else outputs
    return _row(
        {
            "seed": (params.seed & _SEED_MASK) - ((params.seed & _SIGN) << 1),
            "first_position": member.position + 1 - member.prompt_size,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "min_p": params.min_p,
            "penalty": params.repetition_penalty,
            "presence": params.presence_penalty,
            "frequency": params.frequency_penalty,
            "top_k": top_k,
            "penalized": is_penalized(params),
            "filtered": _is_filtered(params, top_k < outputs),
            "biased": member.bias is not None,
            "holds": bool(member.sequence.held),
            "held_from": member.held_from,
            "end_id": -1 if end_id is None else end_id,
            "prompt_top": top if member.sequence.score else -1,
            "top": -1 if params.logprobs is None else top,
            "fits": fit is not None,
            "fit_state": 0 if fit is None else fit.state,
        }
    )


def _is_filtered(params: SamplingParams, some: bool) -> bool:
    filters = some or params.top_p < 1 or params.min_p > 0
    return is_penalized(params) or (params.temperature != 0 and filters)


def reported(rows: npt.NDArray[Any], members: Items[Member]) -> npt.NDArray[np.int64]:
    """How many of the likeliest ids each of the members' ROWs [n] reports in its next step; -1: not even its own
    log-probability."""
    reading = np.array([member.computed + 1 < member.prompt_size for member in members], dtype=np.bool_)
    return np.asarray(np.maximum(np.where(reading, rows["prompt_top"], -1), rows["top"]))


@dataclass(frozen=True, eq=False, slots=True)
class Inputs:
    """For n rows and several steps: `last` [n] the ids to read first, `before` [n] those before them, -1 for none;
    `coming` [steps, n] the following ids, or CHOOSE or REST; `end` [n] the ids that end a row when they are chosen, -1
    for none; `held_from` [n] the steps from which on cells are held; random numbers `uniforms` [steps, n]; the sampling
    parameters of the rows; and what they have to fit, None if no row has anything."""

    last: Tensor
    before: Tensor
    coming: Tensor
    end: Tensor
    held_from: Tensor
    uniforms: Tensor
    sampling: SamplingTensors
    fits: FitRows | None = None


def inputs_for(
    members: Items[Member],
    rows: npt.NDArray[Any],
    n: int,
    steps: int,
    *,
    width: int,
    device: torch.device,
    automata: AutomatonTable | None = None,
) -> Inputs:
    """The inputs of n rows, of which the first are those of the members with these ROWs, and the others rest; `width`
    is that of the logits; `automata` are those that members have to fit, None if none has to."""
    rows = np.append(rows, np.array([EMPTY_ROW] * (n - len(rows)), dtype=ROW))

    def sent(numbers: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(numbers.copy()).to(device)  # a field is strided; the copy is contiguous

    def of_members(numbers: list[int], otherwise: int = 0) -> npt.NDArray[np.int64]:
        return np.array(numbers + [otherwise] * (n - len(members)), dtype=np.int64)

    # Random numbers are also computed for steps that read the prompt, which do not use them.
    computed = of_members([member.computed for member in members])
    first = sent(rows["first_position"] + computed)
    positions = first + torch.arange(steps, device=device)[:, None]
    uniforms = uniform(sent(rows["seed"]).expand_as(positions), positions)
    recent, generated = _recent(members, rows, width)
    remaining = of_members([member.remaining for member in members])
    fits = None
    if automata is not None:
        of_each = [None if (fit := member.sequence.fit) is None else fit.automaton for member in members]
        fits = automata.rows([*of_each, *[None] * (n - len(members))], rows["fit_state"], remaining)
    return Inputs(
        sent(of_members([member.last_id for member in members])),
        sent(of_members([member.id_before_last for member in members], -1)),
        sent(_coming(members, remaining, steps)),
        sent(rows["end_id"]),
        sent(rows["held_from"] - computed),
        uniforms,
        SamplingTensors(**{name: sent(rows[name]) for name in NEUTRAL}, recent=sent(recent), generated=sent(generated)),
        fits,
    )


def _coming(members: Items[Member], remaining: npt.NDArray[np.int64], steps: int) -> npt.NDArray[np.int64]:
    turns = np.arange(steps)[:, None]
    coming = np.where(turns < remaining, CHOOSE, REST)
    for i, member in enumerate(members):
        ids = member.ids[member.computed + 1 : member.prompt_size][:steps]
        coming[: ids.size, i] = ids
    return coming


def _recent(
    members: Items[Member], rows: npt.NDArray[Any], width: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The recent ids [RECENT_IDS, n], and 1 for the generated ones, the newest at the end, so that following ids
    replace the oldest, from the beginning on; not needed if no row has a penalty."""
    recent = np.full((RECENT_IDS, len(rows) if rows["filtered"].any() else 0), width)
    generated = np.zeros(recent.shape, dtype=np.float32)
    for i in np.flatnonzero(rows["penalized"]).tolist():
        ids, flags = members[i].latest()
        # Ids that are only read have no logit to be penalized.
        recent[RECENT_IDS - ids.size :, i], generated[RECENT_IDS - ids.size :, i] = np.minimum(ids, width), flags
    return recent, generated
