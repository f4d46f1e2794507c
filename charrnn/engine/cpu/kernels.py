"""The compiled step: all sequences of a batch forward by many ids in one call outside the interpreter's lock; knows
addresses and records, no Python objects."""

from __future__ import annotations

from typing import Any, Final

from numba import carray, njit, types  # type: ignore[attr-defined]

from charrnn.config import Cell
from charrnn.engine.cpu.choice import choose, choose_among, choose_weighed, report, weigh_plainly
from charrnn.engine.cpu.code import Advance
from charrnn.engine.cpu.instructions import Isa, Precision
from charrnn.engine.cpu.layers import hidden_layer, output_layer
from charrnn.engine.cpu.rows import as_pointer, read_int32, read_int64, write_float32, write_int32, write_int64
from charrnn.engine.cpu.structs import BATCH_STRUCT, LAYER_STRUCT, SEQUENCE_STRUCT
from charrnn.following import KINDS

_SIGNATURE: Final = types.void(types.int64, types.int64, types.int64, types.int64)


def compiled(cell: Cell, precision: Precision, isa: Isa) -> Advance:
    """The compiled step of a cell, which takes seconds to make."""

    def advance(plan: int, layers: int, slots: int, steps: int) -> None:
        p, layer_records = carray(as_pointer(plan), 1, BATCH_STRUCT)[0], carray(as_pointer(layers), 1, LAYER_STRUCT)
        slot_records = carray(as_pointer(slots), 1, SEQUENCE_STRUCT)
        for _ in range(steps):
            count = p.active_count
            if count == 0:
                return
            for i in range(count):
                write_int64(p.added, i, p.table + slot_records[read_int64(p.active, i)].last * p.table_stride)
            before, after = (
                p.hidden + p.current_half * p.hidden_half_stride,
                p.hidden + (1 - p.current_half) * p.hidden_half_stride,
            )
            for index in range(p.layers):
                layer = layer_records[index]
                state = 2 * index * p.hidden_half_stride
                if index > 0:
                    for i in range(count):
                        write_int64(p.added, i, layer.bias)
                hidden_layer(
                    cell,
                    precision,
                    isa,
                    (
                        count,
                        p.active,
                        p.added,
                        p.blocks,
                        layer.weights,
                        layer.input_depth,
                        p.depth,
                        layer.constants,
                        after + state - 2 * p.hidden_half_stride,
                        before + state,
                        after + state,
                        p.hidden_stride,
                        p.gate_state + index * p.gate_state_layer_stride,
                        p.gate_state_block_stride,
                    ),
                )
            p.current_half = 1 - p.current_half
            wanted = _list_wanted(p, slot_records)
            if wanted:
                output_layer(
                    precision,
                    isa,
                    (
                        wanted,
                        p.wanted,
                        p.output_groups,
                        p.output_rest,
                        p.output_weights,
                        p.depth,
                        p.output_constants,
                        after + 2 * (p.layers - 1) * p.hidden_half_stride,
                        p.hidden_stride,
                        p.logits,
                        p.logit_blocks * 64,
                    ),
                )
            _take_ids(p, slot_records, wanted)

    function: Advance = njit(_SIGNATURE, nogil=True, error_model="numpy")(advance)
    return function


@njit(error_model="numpy")
def _list_wanted(p: Any, slots: Any) -> int:
    """List the slots whose logits somebody asks for: those past their prompt, or that have it scored."""
    wanted = 0
    for i in range(p.active_count):
        place = read_int64(p.active, i)
        if slots[place].cursor == slots[place].known or slots[place].score:
            write_int64(p.wanted, wanted, place)
            wanted += 1
    return wanted


@njit(error_model="numpy")
def _take_ids(p: Any, slots: Any, wanted: int) -> None:
    """Give every sequence its next id, known or chosen, and keep those that are not done."""
    kept, row = 0, 0
    _weigh_all(p, slots, wanted)
    for i in range(p.active_count):
        place = read_int64(p.active, i)
        slot = slots[place]
        logits = p.logits + row * p.logit_blocks * 64
        if slot.cursor < slot.known:
            following, generated = read_int32(slot.prompt, slot.cursor), 0
            if slot.score:
                row += 1
                _report_prompt(p, slot, logits, following)
            slot.cursor += 1
        else:
            row, generated = row + 1, 1
            mask = _mask(p, slot)
            if mask:
                following = choose_among(slot, logits, mask, p.scratch, p.logit_blocks)
            elif slot.plain:
                following = choose_weighed(slot, logits, p.scratch, p.logit_blocks)
            else:
                following = choose(slot, logits, p.scratch, p.logit_blocks)
            if slot.report:
                _report_chosen(p, slot, logits, following)
            write_int32(slot.ids, slot.emitted, following)
            slot.emitted += 1
            slot.position += 1
        slot.last = following
        newest = slot.recent_count & (slot.recent.size - 1)
        slot.recent[newest], slot.generated[newest] = following, generated
        slot.recent_count += 1
        slot.half = p.current_half
        if slot.cursor < slot.known or slot.emitted < slot.length:
            write_int64(p.active, kept, place)
            kept += 1
    p.active_count = kept


@njit(error_model="numpy")
def _weigh_all(p: Any, slots: Any, wanted: int) -> None:
    """Weights for the plain sequences first, so that the processor has several rows under way at a time."""
    for row in range(wanted):
        slot = slots[read_int64(p.wanted, row)]
        if slot.plain and slot.cursor == slot.known and not _mask(p, slot):
            weigh_plainly(slot, p.logits + row * p.logit_blocks * 64, p.logit_blocks)


@njit(error_model="numpy")
def _mask(p: Any, slot: Any) -> int:
    """The address of what is added to the logits after the latest two ids, 0 for nothing."""
    if p.masks == 0:
        return 0
    earlier = 0
    if slot.recent_count > 1:
        earlier = read_int32(p.kinds, slot.recent[(slot.recent_count - 2) & (slot.recent.size - 1)])
    rule = read_int32(p.rules, KINDS * earlier + read_int32(p.kinds, slot.last))
    return int(p.masks + 64 * p.logit_blocks * rule) if rule else 0


@njit(error_model="numpy")
def _report_prompt(p: Any, slot: Any, logits: int, following: int) -> None:
    at = 4 * slot.top * slot.cursor
    logarithm = report(
        logits, p.scratch, p.logit_blocks, following, slot.top, slot.prompt_top_ids + at, slot.prompt_tops + at
    )
    write_float32(slot.prompt_chosen, slot.cursor, logarithm)


@njit(error_model="numpy")
def _report_chosen(p: Any, slot: Any, logits: int, following: int) -> None:
    at = 4 * slot.top * slot.emitted
    logarithm = report(logits, p.scratch, p.logit_blocks, following, slot.top, slot.top_ids + at, slot.tops + at)
    write_float32(slot.chosen, slot.emitted, logarithm)
