"""The engine for CPUs: packed weights, and batches that advance in compiled code; knows no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.engine.base import Logprobs, Output, Sequence, State
from charrnn.engine.cells import LAYOUTS
from charrnn.engine.choice import room_size
from charrnn.engine.kernels import Advance, Isa, Precision, host_isa, kernel
from charrnn.engine.lanes import BYTES, LANES
from charrnn.engine.packing import PackedModel, pack, padded_size, score_blocks
from charrnn.engine.records import LAYER, PLAN, SLOT
from charrnn.sampling import RECENT_IDS, SamplingParams
from charrnn.vocabulary import Ids

_NO_IDS: Final = np.zeros(0, dtype=np.int32)
_MASK: Final = (1 << 64) - 1
_LARGEST_FACTOR: Final = 1e30
"""Stands for 1 / temperature where that would overflow; differences of scores times it leave the likeliest alone."""


class NativeEngine:
    """One version's numbers on the CPU; ids are the same with either `isa`, which is the quickest unless given.

    `precision` int8 is quick and within 0.001 nats a character of the network; float32 is as exact as the checkpoint.
    """

    def __init__(
        self, model: Checkpoint | PackedModel, precision: Precision | None = None, isa: Isa | None = None
    ) -> None:
        packed = model if isinstance(model, PackedModel) else pack(model, precision or "int8")
        if precision not in (None, packed.precision):
            raise ValueError(f"precision must be {packed.precision}, which the model is packed in, not {precision}")
        self.model = packed
        self.isa: Isa = isa or host_isa()
        self.advance: Advance = kernel(packed.config.cell, packed.precision, self.isa)

    @property
    def config(self) -> ModelConfig:
        return self.model.config

    @property
    def description(self) -> str:
        """Which kernel runs, for the log."""
        instructions = {"vnni": "AVX-512 VNNI", "portable": "portable instructions"}[self.isa]
        return f"{self.config.cell} in {self.model.precision} with {instructions}"

    def batch(self, capacity: int) -> NativeBatch:
        """An empty batch for up to `capacity` sequences. Raises ValueError when that is less than 1."""
        return NativeBatch(self, capacity)


@dataclass(eq=False, slots=True)
class _Member:
    """A sequence in the batch: its arrays, which the compiled step writes to, and how much of them has been told."""

    handle: int
    prompt: Ids
    ids: Ids
    length: int
    logprobs: Logprobs | None
    prompt_logprobs: Logprobs | None
    told: int = 0


class NativeBatch:
    """Sequences that advance together, as charrnn.engine.base.Batch says; each keeps its place until it is removed."""

    def __init__(self, engine: NativeEngine, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._engine = engine
        self._advance = engine.advance
        self._config = engine.config
        self._memory = _Memory(engine.model, capacity)
        self._plan, self._layers, self._slots = self._memory.plan, self._memory.layers, self._memory.slots
        self._active = self._memory.active
        self._free = list(range(capacity - 1, -1, -1))
        self._places: dict[int, int] = {}
        self._members: list[_Member | None] = [None] * capacity
        self._done_already: list[int] = []
        self._next_handle = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, sequence: Sequence) -> int:
        """Take a sequence in before the next step; returns its handle.

        Raises OverflowError when the batch is full, ValueError for a sequence without anything to follow, an id
        outside the vocabulary or a state of another shape.
        """
        _check(sequence, self._config)
        if not self._free:
            raise OverflowError(f"the batch is full with {len(self)} sequences")
        place, handle = self._free.pop(), self._next_handle
        self._next_handle += 1
        state = sequence.state or _fresh(sequence, self._config)
        prompt = np.ascontiguousarray(sequence.prompt if sequence.state else sequence.prompt[1:], dtype=np.int32)
        member = _member(handle, sequence, prompt, self._config.vocabulary_size)
        self._slots[place] = _slot(member, state, sequence)
        self._memory.restore(place, state)
        self._members[place], self._places[handle] = member, place
        if prompt.size or sequence.length:
            count = int(self._plan["active_count"][0])
            self._active[count] = place
            self._plan["active_count"] = count + 1
        else:
            self._slots["turn"][place] = self._plan["turn"][0]
            self._done_already.append(handle)
        return handle

    def remove(self, handle: int) -> State:
        """Let a sequence go, done or not. Raises KeyError for an unknown handle."""
        place = self._places.pop(handle)
        count = int(self._plan["active_count"][0])
        found = np.flatnonzero(self._active[:count] == place)
        if found.size:
            self._active[found[0]] = self._active[count - 1]
            self._plan["active_count"] = count - 1
            self._slots["turn"][place] = self._plan["turn"][0]
        if handle in self._done_already:
            self._done_already.remove(handle)
        slot = self._slots[place]
        state = State(
            hidden=self._memory.extract(place),
            last_id=int(slot["last"]),
            position=int(slot["position"]),
            recent=_latest(slot["recent"], int(slot["recent_count"])),
        )
        self._members[place] = None
        self._free.append(place)
        return state

    def step(self, steps: int) -> list[Output]:
        """Advance every sequence that is not done by up to `steps` ids."""
        outputs = self._tell_done_already()
        places = self._active[: int(self._plan["active_count"][0])].copy()
        if not places.size or steps < 1:
            return outputs
        self._advance(self._plan, self._layers, self._slots, steps)
        emitted = self._slots["emitted"][places].tolist()
        read = (self._slots["cursor"] == self._slots["known"])[places].tolist()
        for place, count, prompt_read in zip(places.tolist(), emitted, read, strict=True):
            member = self._members[place]
            if member is not None and prompt_read:
                output = _output(member, count)
                if output is not None:
                    outputs.append(output)
        return outputs

    def _tell_done_already(self) -> list[Output]:
        outputs = []
        for handle in self._done_already:
            member = self._members[self._places[handle]]
            if member is not None:
                outputs.append(Output(handle, _NO_IDS, True, member.logprobs, member.prompt_logprobs))
        self._done_already = []
        return outputs


class _Memory:
    """The arrays that the compiled step works on, and the records that tell it where they are."""

    def __init__(self, model: PackedModel, capacity: int) -> None:
        config, self._precision = model.config, model.precision
        self._model, self._config, self._layout = model, config, LAYOUTS[config.cell]
        size = padded_size(config)
        blocks = size // (LANES * self._layout.groups)
        self._hidden = _aligned((config.layers, 2, capacity, size), np.uint8 if self._is_int8 else np.float32)
        self._kept = _aligned((config.layers, blocks, capacity, LANES) if self._layout.memory else (0,), np.float32)
        self._scores = _aligned((capacity, score_blocks(config), LANES), np.float32)
        self._room = _aligned((room_size(score_blocks(config)),), np.float32)
        self.active, self._adds, self._wanted = (np.zeros(capacity, dtype=np.int64) for _ in range(3))
        self.slots = np.zeros(capacity, dtype=SLOT)
        self._arrays = [model.array("table"), model.array("output_weights"), model.array("output_constants")]
        self.layers = np.array([self._layer(k) for k in range(config.layers)], dtype=LAYER)
        self.plan = np.zeros(1, dtype=PLAN)
        for name, value in self._plan(blocks).items():
            self.plan[name] = value

    @property
    def _is_int8(self) -> bool:
        return self._precision == "int8"

    @property
    def _steps(self) -> int:
        return padded_size(self._config) // (4 if self._is_int8 else 1)

    def _plan(self, blocks: int) -> dict[str, int]:
        table, output_weights, output_constants = self._arrays
        groups, rest = divmod(score_blocks(self._config), 4)
        return {
            "layers": self._config.layers,
            "blocks": blocks,
            "steps": self._steps,
            "table": table.ctypes.data,
            "table_stride": table.strides[0],
            "hidden": self._hidden.ctypes.data,
            "hidden_stride": self._hidden.strides[2],
            "hidden_half": self._hidden.strides[1],
            "memory": self._kept.ctypes.data,
            "memory_stride": self._kept.strides[1] if self._layout.memory else 0,
            "memory_layer": self._kept.strides[0] if self._layout.memory else 0,
            "groups": groups,
            "rest": rest // 2,
            "output_weights": output_weights.ctypes.data,
            "output_constants": output_constants.ctypes.data,
            "score_blocks": score_blocks(self._config),
            "scores": self._scores.ctypes.data,
            "room": self._room.ctypes.data,
            "active": self.active.ctypes.data,
            "adds": self._adds.ctypes.data,
            "wanted": self._wanted.ctypes.data,
        }

    def _layer(self, k: int) -> tuple[int, int, int, int]:
        weights, constants = self._model.array(f"weights_l{k}"), self._model.array(f"constants_l{k}")
        bias = self._model.array(f"bias_l{k}").ctypes.data if k else 0
        return weights.ctypes.data, constants.ctypes.data, bias, self._steps if k else 0

    def restore(self, place: int, state: State) -> None:
        """Put a sequence's state where the next step will look for it."""
        turn, size = int(self.plan["turn"][0]), self._config.hidden_size
        h = state.hidden[:, 0]
        self._hidden[:, turn, place] = 128 if self._is_int8 else 0
        if self._is_int8:
            h = np.rint(127 * h.astype(np.float64).clip(-1, 1)) + 128
        self._hidden[:, turn, place, :size] = h
        if self._layout.memory:
            kept = np.zeros((self._config.layers, padded_size(self._config)), dtype=np.float32)
            kept[:, :size] = state.hidden[:, -1]
            self._kept[:, :, place] = kept.reshape(self._config.layers, -1, LANES)

    def extract(self, place: int) -> npt.NDArray[np.float32]:
        """A sequence's state, [layers, state_parts, hidden_size]; `restore` makes the same bits of it."""
        turn, size = int(self.slots["turn"][place]), self._config.hidden_size
        hidden = np.empty(self._config.state_shape, dtype=np.float32)
        h = self._hidden[:, turn, place, :size].astype(np.float32)
        hidden[:, 0] = (h - 128) / np.float32(127) if self._is_int8 else h
        if self._layout.memory:
            hidden[:, -1] = self._kept[:, :, place].reshape(self._config.layers, -1)[:, :size]
        return hidden


def _aligned(shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """Zeros that start at a multiple of 64 bytes."""
    count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    memory = np.zeros(count + BYTES, dtype=np.uint8)
    start = -memory.ctypes.data % BYTES
    aligned: npt.NDArray[Any] = memory[start : start + count].view(dtype).reshape(shape)
    return aligned


def _check(sequence: Sequence, config: ModelConfig) -> None:
    if sequence.state is None and not len(sequence.prompt):
        raise ValueError("a sequence needs a prompt of at least one id, or a state to go on from")
    if sequence.length < 0:
        raise ValueError(f"length must be at least 0, not {sequence.length}")
    if sequence.state is not None and sequence.state.hidden.shape != config.state_shape:
        raise ValueError(f"the state must have shape {config.state_shape}, not {sequence.state.hidden.shape}")
    known = np.asarray(sequence.prompt)
    if sequence.state is not None:
        known = np.concatenate([known, [sequence.state.last_id], sequence.state.recent])
    if known.size and not 0 <= known.min() <= known.max() < config.vocabulary_size:
        raise ValueError(f"ids must be from 0 to {config.vocabulary_size - 1}, not {known.min()} to {known.max()}")


def _fresh(sequence: Sequence, config: ModelConfig) -> State:
    first = np.asarray(sequence.prompt[:1], dtype=np.int32)
    return State(np.zeros(config.state_shape, dtype=np.float32), int(first[0]), 0, first)


def _member(handle: int, sequence: Sequence, prompt: Ids, vocabulary_size: int) -> _Member:
    top = min(sequence.sampling.logprobs or 0, vocabulary_size)
    before = 0 if sequence.state else 1
    return _Member(
        handle=handle,
        prompt=prompt,
        ids=np.empty(sequence.length, dtype=np.int32),
        length=sequence.length,
        logprobs=_logprobs(sequence.length, top) if sequence.sampling.logprobs is not None else None,
        prompt_logprobs=_logprobs(before + prompt.size, top, before) if sequence.score else None,
    )


def _logprobs(n: int, top: int, unknown: int = 0) -> Logprobs:
    """Room for n positions, of which the first `unknown` follow nothing."""
    chosen = np.empty(n, dtype=np.float32)
    top_ids, tops = np.zeros((n, top), dtype=np.int32), np.empty((n, top), dtype=np.float32)
    chosen[:unknown], tops[:unknown] = np.nan, np.nan
    return Logprobs(chosen, top_ids, tops)


def slot_for(params: SamplingParams, position: int, recent: Ids) -> npt.NDArray[np.void]:
    """The record of a sequence that chooses by `params`, with nothing to read or write yet; a scalar of SLOT."""
    slot = np.zeros((), dtype=SLOT)
    greedy = params.temperature == 0
    filtered = params.top_k > 0 or params.top_p < 1 or params.min_p > 0
    latest = recent[-RECENT_IDS:]
    slot["seed"], slot["position"] = params.seed & _MASK, position
    slot["recent"][: latest.size], slot["recent_count"] = latest, latest.size
    slot["greedy"], slot["filtered"] = greedy, filtered
    unusual = greedy or filtered or params.repetition_penalty != 1 or params.logprobs is not None
    slot["plain"] = not unusual
    slot["factor"] = 0 if greedy else min(1 / (params.temperature * math.log(2)), _LARGEST_FACTOR)
    slot["top_k"], slot["top_p"], slot["min_p"] = params.top_k, params.top_p, params.min_p
    slot["penalty"], slot["report"] = params.repetition_penalty, params.logprobs is not None
    return slot


def _slot(member: _Member, state: State, sequence: Sequence) -> npt.NDArray[np.void]:
    slot = slot_for(sequence.sampling, state.position, state.recent)
    slot["last"], slot["score"] = state.last_id, sequence.score
    slot["known"], slot["prompt"] = member.prompt.size, member.prompt.ctypes.data
    slot["length"], slot["ids"] = member.length, member.ids.ctypes.data
    for prefix, logprobs, first in (
        ("", member.logprobs, 0),
        ("prompt_", member.prompt_logprobs, 0 if sequence.state else 1),
    ):
        if logprobs is not None:
            slot["top"] = logprobs.top.shape[1]
            slot[f"{prefix}chosen"] = logprobs.chosen[first:].ctypes.data
            slot[f"{prefix}top_ids"] = logprobs.top_ids[first:].ctypes.data
            slot[f"{prefix}tops"] = logprobs.top[first:].ctypes.data
    return slot


def _latest(ring: npt.NDArray[np.int32], count: int) -> Ids:
    """What the ring holds after `count` ids, the newest last."""
    return ring[:count].copy() if count < ring.size else np.roll(ring, -(count % ring.size))


def _output(member: _Member, count: int) -> Output | None:
    """What is new since the last output, when the prompt is read and `count` ids are out."""
    first, member.told = member.told, count
    prompt_logprobs, member.prompt_logprobs = member.prompt_logprobs, None
    done = count == member.length
    if first == count and not done and prompt_logprobs is None:
        return None
    new = slice(first, count)
    all_ = member.logprobs
    logprobs = None if all_ is None else Logprobs(all_.chosen[new], all_.top_ids[new], all_.top[new])
    return Output(member.handle, member.ids[new], done, logprobs, prompt_logprobs)
