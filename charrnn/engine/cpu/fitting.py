"""Texts that fit, inside the compiled step: which ids a sequence may choose, what follows a chosen one, and the end of
a text: the definition in charrnn.patterns.automaton.

A text ends with an id that is not part of it, once the network has read the one before. What it was before that step
is restored: hidden states are there still, and gate states are kept where a text may end.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import carray, njit  # type: ignore[attr-defined]

from charrnn.engine.cpu.blocks import add_blocks, copy_blocks
from charrnn.engine.cpu.intrinsics import as_pointer, read_float32, read_int32, read_int64, write_float32, write_int64
from charrnn.engine.cpu.lanes import LANES, VECTOR_BYTES
from charrnn.engine.cpu.sampling import NOTHING, before_probs
from charrnn.engine.cpu.structs import AUTOMATON_STATE, AUTOMATON_STRUCT

_STATE_BYTES: Final = AUTOMATON_STATE.itemsize


@njit(error_model="numpy")
def may_end(sequence: Any) -> bool:
    """Whether the text may end here, so that its next id is drawn from all."""
    return bool(_state(_automaton(sequence), sequence.fit_state).distance == 0)


@njit(error_model="numpy")
def is_over(sequence: Any) -> bool:
    """Whether the text ends here though more ids could be chosen: it may, and nothing can follow."""
    state, left = _state(_automaton(sequence), sequence.fit_state), _left(sequence)
    return bool(state.distance == 0 and left > 0 and state.nearest > left - 1)


@njit(error_model="numpy")
def only_id(sequence: Any) -> int:
    """The only id that may be chosen where the text may not end; negative if there are several."""
    return int(_state(_automaton(sequence), sequence.fit_state).only)


@njit(error_model="numpy")
def fitting(b: Any, sequence: Any, logits: int) -> int:
    """The address of the logits with -inf for ids that may not be chosen where the text may not end."""
    target = b.scratch + before_probs(b.logit_blocks) + 3 * VECTOR_BYTES * b.logit_blocks
    restrict(b, sequence, target, logits)
    return int(target)


@njit(error_model="numpy")
def restrict(b: Any, sequence: Any, target: int, logits: int) -> None:
    """Write to the target the logits with -inf for ids that may not be chosen where the text may not end."""
    automaton = _automaton(sequence)
    state = _state(automaton, sequence.fit_state)
    if state.mask >= 0 and state.farthest <= _left(sequence) - 1:
        mask = automaton.masks + VECTOR_BYTES * b.logit_blocks * state.mask
    else:
        mask = b.scratch + before_probs(b.logit_blocks) + 4 * VECTOR_BYTES * b.logit_blocks
        _write_mask(b, automaton, sequence, mask)
    add_blocks(target, logits, mask, b.logit_blocks)


@njit(inline="never", error_model="numpy")
def _write_mask(b: Any, automaton: Any, sequence: Any, mask: int) -> None:
    """Write the mask of the ids after which the text can still fit: first of classes, of which there are few, in place
    of the probabilities, which come later."""
    left, of_classes = _left(sequence), b.scratch + before_probs(b.logit_blocks)
    following = automaton.following + 4 * sequence.fit_state * automaton.class_count
    for class_ in range(automaton.class_count):
        may = _may_follow(automaton, read_int32(following, class_), left)
        write_float32(of_classes, class_, np.float32(0) if may else NOTHING)
    for id_ in range(b.outputs):
        write_float32(mask, id_, read_float32(of_classes, read_int32(automaton.classes, id_)))
    for id_ in range(b.outputs, LANES * b.logit_blocks):
        write_float32(mask, id_, NOTHING)


@njit(error_model="numpy")
def taken(b: Any, sequence: Any, id_: int) -> int:
    """Take the chosen id into account: returns it, or -1 if it ends the text and is not part of it."""
    automaton, left = _automaton(sequence), _left(sequence)
    following = _following(automaton, sequence.fit_state, id_)
    if not _may_follow(automaton, following, left):
        if may_end(sequence):
            if id_ == sequence.end_id:
                return id_
            sequence.completed = 1
            return -1
        # The logits are not numbers. The text fits all the same, and the state is one of the automaton's.
        id_ = _first(b, automaton, sequence)
        following = _following(automaton, sequence.fit_state, id_)
    sequence.fit_state = following
    state = _state(automaton, following)
    if state.distance == 0 and left > 1 and state.nearest > left - 2:
        sequence.completed = 1
    return id_


@njit(error_model="numpy")
def keep_gates(b: Any, sequences: Any) -> None:
    """Copy the gate states of the sequences that may end with this step."""
    count = 0
    for i in range(b.active_count):
        slot = read_int64(b.active, i)
        sequence = sequences[slot]
        if sequence.automaton and sequence.computed + 1 >= sequence.prompt_size and may_end(sequence):
            write_int64(b.wanted, count, slot)
            count += 1
    for index in range(b.layers * b.blocks if count else 0):
        source, target = _gates(b, b.gate_state, index), _gates(b, b.kept_gates, index)
        for i in range(count):
            at = VECTOR_BYTES * read_int64(b.wanted, i)
            copy_blocks(target + at, source + at, 1)


@njit(inline="never", error_model="numpy")
def step_back(b: Any, sequence: Any, slot: int) -> None:
    """Let the state be the one before this step, after which the sequence is done."""
    sequence.half = 1 - b.current_half
    for index in range(b.layers * b.blocks if b.kept_gates else 0):
        at = VECTOR_BYTES * slot
        copy_blocks(_gates(b, b.gate_state, index) + at, _gates(b, b.kept_gates, index) + at, 1)


@njit(error_model="numpy")
def _gates(b: Any, gates: int, index: int) -> int:
    """The address of the gate states of all slots in block `index`, counted over all layers."""
    layer, block = index // b.blocks, index % b.blocks
    return int(gates + layer * b.gate_state_layer_stride + block * b.gate_state_block_stride)


@njit(error_model="numpy")
def _automaton(sequence: Any) -> Any:
    return carray(as_pointer(sequence.automaton), 1, AUTOMATON_STRUCT)[0]


@njit(error_model="numpy")
def _state(automaton: Any, number: int) -> Any:
    return carray(as_pointer(automaton.states + _STATE_BYTES * number), 1, AUTOMATON_STATE)[0]


@njit(error_model="numpy")
def _following(automaton: Any, state: int, id_: int) -> int:
    return int(read_int32(automaton.following, state * automaton.class_count + read_int32(automaton.classes, id_)))


@njit(error_model="numpy")
def _may_follow(automaton: Any, following: int, left: int) -> bool:
    """Whether an id may be chosen, given the state that follows it, when `left` more are to be, this one included."""
    return bool(following >= 0 and _state(automaton, following).distance <= left - 1)


@njit(error_model="numpy")
def _left(sequence: Any) -> int:
    """How many more ids are to be chosen."""
    return int(sequence.total - 1 - sequence.computed)


@njit(inline="never", error_model="numpy")
def _first(b: Any, automaton: Any, sequence: Any) -> int:
    """The first id that may be chosen; there is one where the text may not end."""
    left = _left(sequence)
    for id_ in range(b.outputs):
        if _may_follow(automaton, _following(automaton, sequence.fit_state, id_), left):
            return id_
    return 0
