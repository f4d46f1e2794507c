"""The records that Python and the compiled step share, laid out as C structures; every address is an int64."""

from __future__ import annotations

from typing import Final

import numpy as np

from charrnn.sampling import RECENT_IDS

PLAN: Final = np.dtype(
    [
        (name, np.int64)
        for name in (
            "layers",
            "blocks",  # of units, in every layer
            "steps",  # of a product over a hidden state
            "table",  # [vocabulary, blocks, added, 16] float32: what each id adds to the first layer's sums
            "table_stride",
            "hidden",  # [layers, 2, places]: the states before and after a step, in turn
            "hidden_stride",  # bytes from place to place
            "hidden_half",  # bytes from the states before to those after
            "memory",  # [layers, blocks, places, 16] float32
            "memory_stride",  # bytes from block to block
            "memory_layer",  # bytes from layer to layer
            "groups",  # full groups of outputs
            "rest",
            "output_weights",
            "output_constants",
            "logit_blocks",
            "logits",  # [places, logit_blocks, 16] float32
            "room",  # of the choice
            "active",  # [places] int64: places of the sequences that are not done
            "active_count",
            "adds",  # [places] int64
            "wanted",  # [places] int64
            "turn",  # which half of `hidden` is the state now
            "kinds",  # of ids, [vocabulary] int32
            "rules",  # [KINDS, KINDS] int32: which mask counts after two ids of these kinds, 0: none
            "masks",  # [n, logit_blocks, 16] float32; 0 where every id may follow every other
        )
    ],
    align=True,
)

LAYER: Final = np.dtype([(name, np.int64) for name in ("weights", "constants", "bias", "input_steps")], align=True)

SLOT: Final = np.dtype(
    [
        ("seed", np.uint64),
        ("position", np.uint64),
        ("last", np.int64),  # the newest id, not yet read
        ("known", np.int64),  # ids of the prompt that follow
        ("cursor", np.int64),  # how many of them have been taken
        ("prompt", np.int64),  # address of int32
        ("length", np.int64),
        ("emitted", np.int64),
        ("ids", np.int64),  # address of int32 [length]
        ("plain", np.int64),  # a temperature and nothing else, not even logarithms
        ("adjusted", np.int64),  # a bias or a penalty
        ("penalized", np.int64),
        ("greedy", np.int64),
        ("filtered", np.int64),
        ("score", np.int64),
        ("report", np.int64),  # logarithms for chosen ids
        ("top", np.int64),  # how many of the likeliest
        ("top_k", np.int64),
        ("factor", np.float32),  # log2(e) / temperature
        ("top_p", np.float32),
        ("min_p", np.float32),
        ("penalty", np.float32),
        ("presence", np.float32),
        ("frequency", np.float32),
        ("bias", np.int64),  # address of float32 [logit_blocks, 16], what is added to the logits; 0: nothing
        ("chosen", np.int64),  # addresses of the logarithms: float32 [n], int32 [n, top], float32 [n, top]
        ("top_ids", np.int64),
        ("tops", np.int64),
        ("prompt_chosen", np.int64),
        ("prompt_top_ids", np.int64),
        ("prompt_tops", np.int64),
        ("turn", np.int64),  # which half holds the state, once done
        ("recent_count", np.int64),
        ("recent", np.int32, (RECENT_IDS,)),  # a ring
        ("generated", np.int8, (RECENT_IDS,)),  # and which of these ids were generated, not read
    ],
    align=True,
)

SUMS: Final = 64
STRETCH_SUMS: Final = 128
"""Where things lie in the room of the choice, in bytes: zeros, the sums so far of sixteen blocks, the sums before each
stretch of sixteen blocks, the weights, the counts of the recent ids, the logits of what may follow."""


def bytes_before_weights(blocks: int) -> int:
    """Where the weights lie in the room of the choice, for rows of that many blocks of sixteen."""
    return STRETCH_SUMS + 64 * (blocks // 256 + 1)


def room_size(blocks: int) -> int:
    """How many float32, zeros at first, the choice needs."""
    return bytes_before_weights(blocks) // 4 + 3 * 16 * blocks
