"""The compiled step: advances all sequences of a batch by many ids in one call without the interpreter lock; works on
addresses and structs, not on Python objects."""

from __future__ import annotations

from typing import Any, Final

from numba import carray, njit, types  # type: ignore[attr-defined]

from charrnn.config import Cell
from charrnn.engine.cpu.code import Advance
from charrnn.engine.cpu.fitting import keep_gates, step_back
from charrnn.engine.cpu.hidden_layer import HiddenLayerArguments, hidden_layer
from charrnn.engine.cpu.holding import hold
from charrnn.engine.cpu.instructions import Isa, Precision
from charrnn.engine.cpu.intrinsics import as_pointer, read_int32, read_int64, write_float32, write_int64
from charrnn.engine.cpu.lanes import VECTOR_BYTES
from charrnn.engine.cpu.logprobs import report
from charrnn.engine.cpu.mixing import mix_counts
from charrnn.engine.cpu.next_id import is_done, next_id, prepare, remember
from charrnn.engine.cpu.output_layer import OutputLayerArguments, output_layer
from charrnn.engine.cpu.refilling import begin, finish
from charrnn.engine.cpu.structs import BATCH_STRUCT, LAYER_STRUCT, SEQUENCE_STRUCT

_SIGNATURE: Final = types.void(types.int64, types.int64, types.int64, types.int64)


def compiled(cell: Cell, precision: Precision, isa: Isa) -> Advance:
    """The compiled step of a cell; compiling takes seconds."""

    def advance(batch: int, layers: int, sequences: int, steps: int) -> None:
        b = carray(as_pointer(batch), 1, BATCH_STRUCT)[0]
        layer_structs = carray(as_pointer(layers), 1, LAYER_STRUCT)
        sequence_structs = carray(as_pointer(sequences), 1, SEQUENCE_STRUCT)
        for _ in range(steps):
            if b.series:
                begin(b, sequence_structs)
            count = b.active_count
            if count == 0:
                return
            for i in range(count):
                # The first layer's product with a one-hot input is a row of a table.
                sequence = sequence_structs[read_int64(b.active, i)]
                write_int64(b.added, i, b.table + read_int32(sequence.ids, sequence.computed) * b.table_stride)
            if b.kept_gates:
                keep_gates(b, sequence_structs)
            before = b.hidden + b.current_half * b.hidden_half_stride
            after = b.hidden + (1 - b.current_half) * b.hidden_half_stride
            for index in range(b.layers):
                layer = layer_structs[index]
                state = 2 * index * b.hidden_half_stride
                if index > 0:
                    for i in range(count):
                        write_int64(b.added, i, layer.bias)
                hidden_layer(
                    cell,
                    precision,
                    isa,
                    HiddenLayerArguments(
                        row_count=count,
                        slots=b.active,
                        added=b.added,
                        blocks=b.blocks,
                        weights=layer.weights,
                        input_depth=layer.input_depth,
                        hidden_depth=b.depth,
                        constants=layer.constants,
                        input=after + state - 2 * b.hidden_half_stride,
                        before=before + state,
                        after=after + state,
                        hidden_stride=b.hidden_stride,
                        gate_state=b.gate_state + index * b.gate_state_layer_stride,
                        gate_state_block_stride=b.gate_state_block_stride,
                    ),
                )
                if b.holding:
                    hold(b, sequence_structs, index, after + state)
            b.current_half = 1 - b.current_half
            wanted = _list_wanted(b, sequence_structs)
            if wanted:
                output_layer(
                    precision,
                    isa,
                    OutputLayerArguments(
                        row_count=wanted,
                        slots=b.wanted,
                        groups=b.output_groups,
                        rest=b.output_rest,
                        weights=b.output_weights,
                        depth=b.depth,
                        constants=b.output_constants,
                        hidden=after + 2 * (b.layers - 1) * b.hidden_half_stride,
                        hidden_stride=b.hidden_stride,
                        logits=b.logits,
                        logits_stride=b.logit_blocks * VECTOR_BYTES,
                    ),
                )
            _take_ids(b, sequence_structs, wanted)

    function: Advance = njit(_SIGNATURE, nogil=True, error_model="numpy")(advance)
    return function


@njit(error_model="numpy")
def _list_wanted(b: Any, sequences: Any) -> int:
    """List the slots whose logits are needed: those that have read their prompt, and those whose prompt is scored."""
    wanted = 0
    for i in range(b.active_count):
        slot = read_int64(b.active, i)
        if sequences[slot].computed + 1 >= sequences[slot].prompt_size or sequences[slot].score:
            write_int64(b.wanted, wanted, slot)
            wanted += 1
    return wanted


@njit(error_model="numpy")
def _take_ids(b: Any, sequences: Any, wanted: int) -> None:
    """Give every sequence its next id, from the prompt or chosen, or end its text, and deactivate those that are
    done."""
    kept, row = 0, 0
    if b.pairs:
        mix_counts(b, sequences, wanted)
    _exponentiate_all(b, sequences, wanted)
    for i in range(b.active_count):
        slot = read_int64(b.active, i)
        sequence = sequences[slot]
        logits = b.logits + row * b.logit_blocks * VECTOR_BYTES
        index = sequence.computed + 1
        if index < sequence.prompt_size:
            following, generated, reported = read_int32(sequence.ids, index), 0, sequence.score
            row += 1 if sequence.score else 0
        else:
            row, generated = row + 1, 1
            following, reported = next_id(b, sequence, logits), sequence.report
        if following >= 0:
            if reported:
                _report(b, sequence, logits, index, following)
            remember(b, sequence, following, generated)
        else:
            step_back(b, sequence, slot)
        if not is_done(sequence):
            write_int64(b.active, kept, slot)
            kept += 1
        elif b.series:
            finish(b, sequences, slot)
    b.active_count = kept


@njit(error_model="numpy")
def _exponentiate_all(b: Any, sequences: Any, wanted: int) -> None:
    """Compute the probabilities of the plain sequences first, so that the processor overlaps the work on several
    rows."""
    for row in range(wanted):
        sequence = sequences[read_int64(b.wanted, row)]
        if sequence.plain and sequence.computed + 1 >= sequence.prompt_size:
            prepare(b, sequence, b.logits + row * b.logit_blocks * VECTOR_BYTES)


@njit(error_model="numpy")
def _report(b: Any, sequence: Any, logits: int, index: int, id_: int) -> None:
    """Write down the logarithms of the id at the index and of the likeliest in its place."""
    at = 4 * sequence.top * index
    top_ids, tops = sequence.top_ids + at, sequence.tops + at
    chosen = id_ if id_ < b.outputs else -1
    logarithm = report(logits, b.scratch, b.logit_blocks, chosen, sequence.top, top_ids, tops)
    write_float32(sequence.chosen, index, logarithm)
