"""The structs that Python fills in and the compiled step reads: C layouts in which every address is an int64.

A *slot* is the index of a sequence in a batch's arrays, a *block* sixteen numbers, one vector.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from charrnn.sampling import RECENT_IDS

BATCH_STRUCT: Final = np.dtype(
    [
        (name, np.int64)
        for name in (
            "layers",
            "blocks",  # of units, in every layer
            "depth",  # multiply-adds of a sum over a hidden state (charrnn.engine.cpu.products)
            "table",  # [vocabulary, blocks, added, 16] float32: what each id adds to the first layer's sums
            "table_stride",  # bytes from id to id
            "hidden",  # [layers, 2, slots, padded hidden size and a cache line]: before and after a step, in turn
            "hidden_stride",  # bytes from slot to slot
            "hidden_half_stride",  # bytes from one of the two halves to the other
            "gate_state",  # [layers, blocks, slots, 16] float32, what the gates keep (charrnn.engine.cpu.gates)
            "gate_state_block_stride",
            "gate_state_layer_stride",
            "output_groups",  # full groups of 64 ids
            "output_rest",  # 1 where half a group follows
            "output_weights",
            "output_constants",
            "outputs",  # ids that can be chosen; others, which are only read, have no logits
            "logit_blocks",
            "logits",  # [slots, logit_blocks, 16] float32, a row for each of the first `wanted`
            "scratch",  # for sampling, used by one sequence after the other
            "active",  # [slots] int64: the slots of the sequences that are not done
            "active_count",
            "added",  # [slots] int64: for each of `active`, the address of the vectors added to its sums in a layer
            "wanted",  # [slots] int64: the slots whose logits this step needs
            "current_half",  # which half of `hidden` is the state now, 0 or 1
            "kinds",  # of ids, [vocabulary] int32
            "rules",  # [MAX_KINDS, MAX_KINDS] int32: which mask applies after two ids of these kinds, 0: none
            "masks",  # [n, logit_blocks, 16] float32; address 0 if every id may follow every other
            "pairs",  # of the n-gram table, [n, 3] int32: key, id, bits of its odds in float32; address 0: none
            "buckets",  # [2^bits + 1] int32: the first pair whose key begins with these bits
            "bucket_shift",  # by how many bits a key is longer than its bucket's
            "pair_count",
            "longest_context",  # in tokens
            "mixing",  # [1 + 2 slots, 16] float32 or int32, for mixing counts (charrnn.engine.cpu.mixing)
            "holding",  # how many sequences hold cells; 0: none
            "kept_gates",  # as `gate_state`: where a text may end, what it was before the step; address 0: not kept
            "series",  # a SERIES_STRUCT whose candidates fill the slots; address 0: none
        )
    ],
    align=True,
)

LAYER_STRUCT: Final = np.dtype(
    [(name, np.int64) for name in ("weights", "constants", "bias", "input_depth")], align=True
)
"""Addresses of arrays of charrnn.engine.cpu.packing; `input_depth`: multiply-adds in a sum over the layer's input, 0 in
the first layer."""

SEQUENCE_STRUCT: Final = np.dtype(
    [
        ("seed", np.uint64),
        ("position", np.uint64),  # of the next random number
        ("ids", np.int64),  # address of int32 [total]: the prompt's, then the chosen ones
        ("prompt_size", np.int64),
        ("total", np.int64),
        ("end_id", np.int64),  # the sequence is done when this id is chosen; -1: none
        ("computed", np.int64),  # how many of the ids have been read; the next one is known
        ("plain", np.int64),  # a temperature and nothing else, not even log-probabilities
        ("adjusted", np.int64),  # a bias or a penalty
        ("penalized", np.int64),
        ("greedy", np.int64),
        ("filtered", np.int64),
        ("score", np.int64),  # log-probabilities for the prompt's ids
        ("report", np.int64),  # and for chosen ones
        ("top", np.int64),  # how many of the likeliest
        ("top_k", np.int64),
        ("factor", np.float32),  # log2(e) / temperature
        ("top_p", np.float32),
        ("min_p", np.float32),
        ("penalty", np.float32),
        ("presence", np.float32),
        ("frequency", np.float32),
        ("bias", np.int64),  # address of float32 [logit_blocks, 16], added to the logits; 0: none
        ("chosen", np.int64),  # addresses of the log-probabilities: float32 [total], int32 and float32 [total, top]
        ("top_ids", np.int64),
        ("tops", np.int64),
        ("half", np.int64),  # the half of `hidden` that holds the state, once done
        ("held", np.int64),  # address of HELD_STRUCT [held_count], the cells that the sequence holds
        ("held_count", np.int64),
        ("held_from", np.int64),  # from the step on that reads the id with this index
        ("automaton", np.int64),  # address of the AUTOMATON_STRUCT that the sequence has to fit; 0: none
        ("fit_state", np.int64),  # the state that it is in
        ("completed", np.int64),  # whether the pattern has ended the text
        ("recent_count", np.int64),
        ("recent", np.int32, (RECENT_IDS,)),  # a ring buffer
        ("generated", np.int8, (RECENT_IDS,)),  # and which of these ids were generated rather than read
    ],
    align=True,
)

HELD_STRUCT: Final = np.dtype(
    [
        ("layer", np.int64),
        ("hidden", np.int64),  # bytes from the beginning of the layer's hidden state in a slot; -1: it is not held
        ("hidden_size", np.int64),  # bytes of the number there: 1 in int8, or 4
        ("hidden_bits", np.int64),
        ("gate", np.int64),  # bytes from the beginning of the layer's gate state in slot 0; -1: it is not held
        ("gate_value", np.float32),
    ],
    align=True,
)
"""What a cell is held at (charrnn.engine.cpu.holding); a GRU's hidden state is in both places."""

AUTOMATON_STRUCT: Final = np.dtype(
    [
        (name, np.int64)
        for name in (
            "following",  # [states, class_count] int32: the state after an id of a class, negative: there is none
            "class_count",
            "classes",  # [outputs] int32
            "states",  # [states] AUTOMATON_STATE
            "masks",  # [n, logit_blocks, 16] float32, 0 for ids that a state takes
        )
    ],
    align=True,
)
"""What texts have to fit (charrnn.patterns.automaton): addresses of its arrays."""

AUTOMATON_STATE: Final = np.dtype(
    [
        (name, np.int32)
        for name in (
            "distance",
            "nearest",
            "farthest",
            "mask",  # which of the masks is of the ids that it takes; negative: none is
            "only",  # the only id that it takes; negative: it takes several
        )
    ]
)

SERIES_STRUCT: Final = np.dtype(
    [
        (name, np.int64)
        for name in (
            "next",  # the candidate that begins next
            "stop",  # the first one that does not
            "template",  # the slot of candidate 0 as it is before it begins, and of the state to begin in
            "logits",  # [logit_blocks, 16] float32, from which all candidates choose their first ids
            "hidden_blocks",  # vectors in a slot's hidden state of a layer
            "gate_blocks",  # and in its gate state
            "candidates",  # [slots] int64: the candidate in each slot
            "free",  # [slots] int64: the slots without a candidate
            "free_count",
            "room",  # how many candidates may be written down
            "finished",  # and how many have been, in the following arrays
            "written",  # how many ids
            "ids",  # int32: theirs in a row, each candidate's without the one that ends it
            "offsets",  # [room + 1] int64: where each one's begin
            "finished_candidates",  # [room] int64
            "ended",  # [room] int32: whether the end was chosen or the pattern ended the text
        )
    ],
    align=True,
)
"""What refills the slots of a batch (charrnn.engine.cpu.refilling)."""

SUMS: Final = 64
STRETCH_SUMS: Final = 128
"""Offsets in the scratch buffer of sampling, in bytes: zeros (the sum before the first block), the cumulative sums of
sixteen blocks, the sums before each stretch; then, each as long as the logits, the probabilities, the counts of the
recent ids, the logits with a mask, those with the mask of a pattern, and this mask."""


def bytes_before_probs(blocks: int) -> int:
    """The offset of the probabilities in the scratch buffer, for this many blocks of logits."""
    return STRETCH_SUMS + 64 * (blocks // 256 + 1)


def scratch_size(blocks: int) -> int:
    """The size of the scratch buffer of sampling in float32; it must be all zeros at first."""
    return bytes_before_probs(blocks) // 4 + 5 * 16 * blocks
