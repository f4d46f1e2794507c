"""The arrays that a batch's compiled step works on, and the structs with their addresses; knows no sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.engine.cpu.automata import AutomatonTables
from charrnn.engine.cpu.gates import LAYOUTS, OUTPUT_COLUMNS
from charrnn.engine.cpu.lanes import LANES, VECTOR_BYTES
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.engine.cpu.packing import logit_blocks, padded_size
from charrnn.engine.cpu.structs import (
    BATCH_STRUCT,
    HELD_STRUCT,
    LAYER_STRUCT,
    SEQUENCE_STRUCT,
    scratch_size,
)
from charrnn.engine.steering import MOST_HELD, Held
from charrnn.ngrams import KEY_BITS
from charrnn.patterns.automaton import Automaton
from charrnn.sampling import Logits

Allocate = Callable[[tuple[int, ...], Any], npt.NDArray[Any]]
"""An array of zeros of this shape and dtype."""
Stored = npt.NDArray[Any]
"""States of several slots, in the types in which they are stored."""


def aligned_zeros(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """Zeros that start at a multiple of 64 bytes."""
    count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    memory = np.zeros(count + VECTOR_BYTES, dtype=np.uint8)
    start = -memory.ctypes.data % VECTOR_BYTES
    aligned: npt.NDArray[Any] = memory[start : start + count].view(dtype).reshape(shape)
    return aligned


class BatchMemory:
    """Arrays for `capacity` sequences. The compiled step takes the `addresses` of the structs `batch`, `layers` and
    `sequences`; the first `active_count` of `active` are the slots of the sequences that are not done."""

    def __init__(self, model: PackedModel, capacity: int, allocate: Allocate = aligned_zeros) -> None:
        config = self.config = model.config
        self._model, self._layout = model, LAYOUTS[config.cell]
        self._size, blocks = padded_size(config), padded_size(config) // (LANES * LAYOUTS[config.cell].groups)
        self._is_int8 = model.precision == "int8"
        # One cache line more than a state: rows at multiples of a power of two would compete for few cache sets.
        item = np.dtype(np.uint8 if self._is_int8 else np.float32)
        self._hidden = allocate((config.layers, 2, capacity, self._size + VECTOR_BYTES // item.itemsize), item)
        gate_blocks = blocks if self._layout.has_gate_state else 0
        self._gate_state = allocate((config.layers, gate_blocks, capacity, LANES), np.float32)
        self._kept_gates: npt.NDArray[Any] | None = None
        self._keeps_gates = False
        self._allocate = allocate
        self.logits = allocate((capacity, logit_blocks(config), LANES), np.float32)
        self._biases = allocate((capacity, logit_blocks(config) * LANES), np.float32)
        self._held = allocate((capacity, MOST_HELD), HELD_STRUCT)
        self.automata = AutomatonTables(logit_blocks(config) * LANES, allocate)
        self._mixing = allocate((1 + 2 * capacity, LANES), np.int32)
        self._scratch = allocate((scratch_size(logit_blocks(config)),), np.float32)
        self.active, self._added, self._wanted = (allocate((capacity,), np.int64) for _ in range(3))
        self.sequences = allocate((capacity,), SEQUENCE_STRUCT)
        self._read = [model.array(name) for name in ("table", "output_weights", "output_constants")]
        self.layers = allocate((config.layers,), LAYER_STRUCT)
        self.layers[:] = [self._layer(k) for k in range(config.layers)]
        self.batch = allocate((1,), BATCH_STRUCT)
        for name, value in (self._sizes(blocks) | self._addresses()).items():
            self.batch[name] = value
        # Views of single fields: creating one takes as long as using it.
        self._active_count, self._current_half = self.batch["active_count"], self.batch["current_half"]
        self._halves = self.sequences["half"]
        self.addresses = (self.batch.ctypes.data, self.layers.ctypes.data, self.sequences.ctypes.data)

    @property
    def _depth(self) -> int:
        return self._size // (4 if self._is_int8 else 1)

    def _sizes(self, blocks: int) -> dict[str, int]:
        groups, rest = divmod(logit_blocks(self.config), OUTPUT_COLUMNS)
        return {
            "layers": self.config.layers,
            "blocks": blocks,
            "depth": self._depth,
            "table_stride": self._read[0].strides[0],
            "hidden_stride": self._hidden.strides[2],
            "hidden_half_stride": self._hidden.strides[1],
            "gate_state_block_stride": self._gate_state.strides[1],
            "gate_state_layer_stride": self._gate_state.strides[0],
            "output_groups": groups,
            "output_rest": int(rest > 0),
            "outputs": self.config.outputs,
            "logit_blocks": logit_blocks(self.config),
            **self._ngram_sizes(),
        }

    def _ngram_sizes(self) -> dict[str, int]:
        if not self._model.has_ngrams:
            return {}
        buckets = self._model.array("buckets").size - 1
        return {
            "pair_count": len(self._model.array("pairs")),
            "bucket_shift": KEY_BITS - (buckets.bit_length() - 1),
            "longest_context": self._model.longest_context,
        }

    def _addresses(self) -> dict[str, int]:
        table, output_weights, output_constants = self._read
        arrays = {
            "table": table,
            "output_weights": output_weights,
            "output_constants": output_constants,
            "hidden": self._hidden,
            "gate_state": self._gate_state,
            "logits": self.logits,
            "scratch": self._scratch,
            "active": self.active,
            "added": self._added,
            "wanted": self._wanted,
            "mixing": self._mixing,
        }
        if self._model.has_masks:
            arrays |= {name: self._model.array(name) for name in ("kinds", "rules", "masks")}
        if self._model.has_ngrams:
            arrays |= {name: self._model.array(name) for name in ("pairs", "buckets")}
        return {name: array.ctypes.data for name, array in arrays.items()}

    def _layer(self, k: int) -> tuple[int, int, int, int]:
        weights, constants = self._model.array(f"weights_l{k}"), self._model.array(f"constants_l{k}")
        bias = self._model.array(f"bias_l{k}").ctypes.data if k else 0
        return weights.ctypes.data, constants.ctypes.data, bias, self._depth if k else 0

    @property
    def active_count(self) -> int:
        return int(self._active_count[0])

    def activate(self, slot: int) -> None:
        """Include the sequence in the slot in the next step."""
        count = self.active_count
        self.active[count] = slot
        self._active_count[0] = count + 1

    def activate_first(self, count: int) -> None:
        """Include the sequences in the first `count` slots in the next step, and no others."""
        self.active[:count] = np.arange(count)
        self._active_count[0] = count

    def deactivate(self, slot: int) -> None:
        """Exclude the sequence in the slot, done or not, from further steps; its state is kept."""
        count = self.active_count
        found = np.flatnonzero(self.active[:count] == slot)
        if found.size:
            self.active[found[0]] = self.active[count - 1]
            self._active_count[0] = count - 1
            self._halves[slot] = self._current_half[0]

    @property
    def hidden_blocks(self) -> int:
        """Vectors in a slot's hidden state of a layer, the last of which may reach into the space between two slots."""
        return -(-4 * self._depth // VECTOR_BYTES)

    @property
    def gate_blocks(self) -> int:
        """Vectors in a slot's gate state of a layer."""
        return int(self._gate_state.shape[1])

    def keep_in_both_halves(self, slot: int) -> None:
        """Let the state in the slot be the current one after any number of further steps of other sequences."""
        self._hidden[:, :, slot] = self._hidden[:, self._current_half, slot]

    def bias(self, slot: int, values: Logits | None) -> int:
        """Store `values` [outputs], which are added to the slot's logits; returns their address, 0 for None."""
        if values is None:
            return 0
        self._biases[slot, : values.size] = values
        return int(self._biases[slot].ctypes.data)

    def hold(self, slot: int, held: Sequence[Held]) -> int:
        """Let the sequence in the slot hold these cells until `release`; returns the address of their HELD_STRUCTs, 0
        for none."""
        if not held:
            return 0
        self._held[slot, : len(held)] = [self._held_struct(each) for each in held]
        self.batch["holding"] += 1
        return int(self._held[slot].ctypes.data)

    def release(self) -> None:
        """A sequence that held cells holds them no longer."""
        self.batch["holding"] -= 1

    def fit(self, automaton: Automaton) -> int:
        """Let a sequence fit the automaton until `unfit`, and gate states be kept where its text may end, so that its
        state can be the one before its last step; returns the address of the AUTOMATON_STRUCT."""
        if not self._keeps_gates and self._layout.has_gate_state:
            if self._kept_gates is None:
                self._kept_gates = self._allocate(self._gate_state.shape, np.float32)
            self.batch["kept_gates"] = self._kept_gates.ctypes.data
            self._keeps_gates = True
        return self.automata.take(automaton).address

    def unfit(self, automaton: Automaton) -> None:
        """A sequence that had to fit the automaton has left."""
        if self.automata.leave(automaton) and not self.automata:
            self.batch["kept_gates"], self._keeps_gates = 0, False

    def _held_struct(self, held: Held) -> tuple[float, ...]:
        """The fields of a HELD_STRUCT."""
        value, hidden, gate = np.array(held.value, dtype=np.float32), -1, -1
        if held.part == "hidden":
            hidden = held.unit * self._hidden.itemsize
        if held.part == "cell" or self.config.cell == "gru":
            block, lane = divmod(held.unit, LANES)
            gate = block * self._gate_state.strides[1] + lane * self._gate_state.itemsize
        bits = int(_as_products_read(value)) if self._is_int8 else int(value.view(np.int32))
        return held.layer, hidden, self._hidden.itemsize, bits, gate, float(value)

    def clear(self, slot: int) -> None:
        """Set the state in the slot to the initial state, all zeros."""
        self._hidden[:, int(self._current_half[0]), slot] = 128 if self._is_int8 else 0
        if self._layout.has_gate_state:
            self._gate_state[:, :, slot] = 0
        self._halves[slot] = self._current_half[0]

    def restore(self, slot: int, hidden: npt.NDArray[np.float32]) -> None:
        """Set the state in the slot to `hidden` [layers, state_parts, hidden_size]."""
        self.clear(slot)
        h, size = hidden[:, 0], self.config.hidden_size
        stored = _as_products_read(h) if self._is_int8 else h
        self._hidden[:, int(self._current_half[0]), slot, :size] = stored
        if self._layout.has_gate_state:
            gate_state = np.zeros((self.config.layers, self._size), dtype=np.float32)
            gate_state[:, :size] = hidden[:, -1]
            self._gate_state[:, :, slot] = gate_state.reshape(self.config.layers, -1, LANES)

    def store(self, hidden: Stored, gates: Stored) -> None:
        """Set the states in the first slots to what `stored` returned, bit for bit."""
        count = len(hidden)
        self._hidden[:, int(self._current_half[0]), :count] = hidden.swapaxes(0, 1)
        self._gate_state[:, :, :count] = gates.transpose(1, 2, 0, 3)

    def stored(self, count: int) -> tuple[Stored, Stored]:
        """The states in the first `count` slots as the step stores them, where all have taken part in the latest one:
        hidden states [count, layers, size] and gate states [count, layers, blocks, 16], views of the memory."""
        hidden = self._hidden[:, int(self._current_half[0]), :count]
        return hidden.swapaxes(0, 1), self._gate_state[:, :, :count].transpose(2, 0, 1, 3)

    def extract(self, slot: int) -> npt.NDArray[np.float32]:
        """The state in the slot, [layers, state_parts, hidden_size]; `restore` restores it bit for bit."""
        size = self.config.hidden_size
        hidden = np.empty(self.config.state_shape, dtype=np.float32)
        h = self._hidden[:, int(self._halves[slot]), slot, :size].astype(np.float32)
        hidden[:, 0] = (h - 128) / np.float32(127) if self._is_int8 else h
        if self._layout.has_gate_state:
            hidden[:, -1] = self._gate_state[:, :, slot].reshape(self.config.layers, -1)[:, :size]
        return hidden


def _as_products_read(h: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Hidden states as they are stored in int8, as charrnn.engine.cpu.hidden_layer does."""
    return np.asarray(np.rint(127 * h.astype(np.float64).clip(-1, 1)) + 128)
