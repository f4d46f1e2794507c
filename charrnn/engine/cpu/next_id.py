"""A sequence's next id inside the compiled step: the masks that apply, the choice, and what the sequence remembers of
it."""

from __future__ import annotations

from typing import Any

from numba import njit

from charrnn.engine.cpu.fitting import fitting, is_over, may_end, only_id, restrict, taken
from charrnn.engine.cpu.intrinsics import read_int32, write_int32
from charrnn.engine.cpu.lanes import VECTOR_BYTES
from charrnn.engine.cpu.sampling import choose, choose_among, draw, exponentiate_logits
from charrnn.following import MAX_KINDS


@njit(error_model="numpy")
def next_id(b: Any, sequence: Any, logits: int) -> int:
    """The id that the sequence chooses, given its logits; for a plain sequence without a mask, given its
    probabilities (`prepare`). It is one of the outputs whatever these are, NaN included: an address is computed from
    it; or -1 if the text ends without another id."""
    if sequence.automaton == 0:
        return int(max(0, min(_choice(b, sequence, logits), b.outputs - 1)))
    if is_over(sequence):
        sequence.completed = 1
        return -1
    return int(taken(b, sequence, max(0, min(_fitting_choice(b, sequence, logits), b.outputs - 1))))


@njit(error_model="numpy")
def prepare(b: Any, sequence: Any, logits: int) -> None:
    """Turn the logits of a plain sequence into probabilities, unless there is a mask or only one id may be chosen."""
    if mask_for(b, sequence):
        return
    if sequence.automaton and not may_end(sequence):
        if only_id(sequence) >= 0:
            return
        restrict(b, sequence, logits, logits)
    exponentiate_logits(sequence, logits, b.logit_blocks)


@njit(error_model="numpy")
def _choice(b: Any, sequence: Any, logits: int) -> int:
    mask = mask_for(b, sequence)
    if mask:
        return int(choose_among(sequence, logits, mask, b.scratch, b.logit_blocks))
    if sequence.plain:
        return int(draw(sequence, logits, b.scratch, b.logit_blocks))
    return int(choose(sequence, logits, b.scratch, b.logit_blocks))


@njit(error_model="numpy")
def _fitting_choice(b: Any, sequence: Any, logits: int) -> int:
    """The same for a sequence that has to fit."""
    if may_end(sequence):
        return int(_choice(b, sequence, logits))
    if only_id(sequence) >= 0:
        return int(only_id(sequence))
    if mask_for(b, sequence) or not sequence.plain:
        logits = fitting(b, sequence, logits)
    return int(_choice(b, sequence, logits))


@njit(error_model="numpy")
def mask_for(b: Any, sequence: Any) -> int:
    """The address of the mask that applies after the latest two ids, 0 for none."""
    if b.masks == 0:
        return 0
    earlier = 0
    if sequence.recent_count > 1:
        earlier = read_int32(b.kinds, sequence.recent[(sequence.recent_count - 2) & (sequence.recent.size - 1)])
    last = read_int32(b.kinds, read_int32(sequence.ids, sequence.computed))
    rule = read_int32(b.rules, MAX_KINDS * earlier + last)
    return int(b.masks + VECTOR_BYTES * b.logit_blocks * rule) if rule else 0


@njit(error_model="numpy")
def remember(b: Any, sequence: Any, following: int, generated: int) -> None:
    """Count the newest id, which was read (0) or generated (1)."""
    index = sequence.computed + 1
    if generated:
        write_int32(sequence.ids, index, following)
        sequence.position += 1
    newest = sequence.recent_count & (sequence.recent.size - 1)
    sequence.recent[newest], sequence.generated[newest] = following, generated
    sequence.recent_count += 1
    sequence.computed = index
    sequence.half = b.current_half


@njit(error_model="numpy")
def is_done(sequence: Any) -> bool:
    """Whether no more ids follow the newest."""
    return bool(sequence.computed + 1 == sequence.total or sequence.completed or has_ended(sequence))


@njit(error_model="numpy")
def has_ended(sequence: Any) -> bool:
    """Whether the newest id was chosen and is the one that ends the sequence."""
    index = sequence.computed
    return bool(index >= sequence.prompt_size and read_int32(sequence.ids, index) == sequence.end_id)
