"""Builds the engine of a version, and stores packed weights as files that all web processes of a machine map; knows no
scheduler."""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import accumulate
from pathlib import Path
from typing import Final, Literal

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Engine
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.code import default_folder
from charrnn.engine.cpu.instructions import Precision
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.engine.cpu.packing import pack, precision_of
from durable.drafts import remove_dead_drafts
from durable.entries import drop
from durable.locks import locked

log = logging.getLogger(__name__)

Device = Literal["cpu", "cuda"]
BuildEngine = Callable[[Checkpoint], Engine]

KEPT: Final = 32
KEPT_BYTES: Final = 1 << 28
"""How many packed versions, the most recently used, stay on disk, and more of them as long as they are not larger
together; others are packed again when needed."""


def build_engine(device: Device, packed: Path, kernels: Path) -> BuildEngine:
    """A function that builds a checkpoint's engine for the device; `packed` is the folder of packed weights, `kernels`
    that of compiled kernels if the user has no cache folder.

    Raises RuntimeError if the device is a GPU and there is none.
    """
    if device == "cpu":
        return lambda checkpoint: native_engine(checkpoint, packed, kernels)
    return torch_engines(device)


def torch_engines(device: str) -> BuildEngine:
    """A function that builds a checkpoint's engine on a torch device. Raises RuntimeError if that is a GPU and there is
    none."""
    # Importing torch takes seconds and hundreds of megabytes, which a web process on a CPU avoids.
    gpu = importlib.import_module("charrnn.engine.gpu.batch")
    if device == "cuda" and not gpu.gpu_available():
        raise RuntimeError("DEVICE is cuda, but PyTorch finds no GPU")

    def build(checkpoint: Checkpoint) -> Engine:
        engine = gpu.GpuEngine(checkpoint, device)
        return _announced(engine, engine.description)

    return build


def native_engine(checkpoint: Checkpoint, folder: Path, kernels: Path) -> Engine:
    """The engine for CPUs, in the precision that the version's training record allows.

    One process at a time: at the first start kernels are compiled, which takes seconds on every core, and the next
    process then finds them on the disk.
    """
    packed = shared(checkpoint, precision_of(checkpoint), folder)
    with _one_at_a_time(folder):
        engine = CpuEngine(packed, kernels=default_folder(otherwise=kernels))
    return _announced(engine, engine.description)


def shared(checkpoint: Checkpoint, precision: Precision, folder: Path, kept_bytes: int = KEPT_BYTES) -> PackedModel:
    """The packed weights, mapped from a file shared by all processes; private ones if the file cannot be written.

    The file's name contains the SHA-256 of its content, so that a damaged file is detected and rebuilt.
    """
    stem = f"{checkpoint.digest}-{precision}-"
    for path in folder.glob(f"{stem}*"):
        if (found := _mapped(path)) is not None:
            return found
    packed = pack(checkpoint, precision)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{stem}{_digest(packed)}"
        remove_dead_drafts(folder)
        packed.save(path)
        _forget_old(folder, kept_bytes)
        return PackedModel.map(path)
    except OSError as error:
        log.warning("packed weights are not shared between processes: %s", error.strerror)
        return packed


def _one_at_a_time(folder: Path) -> AbstractContextManager[None]:
    """The lock beside the folder; none if it cannot be written there."""
    return locked(folder.with_suffix(".lock")) if os.access(folder.parent, os.W_OK) else nullcontext()


def _mapped(path: Path) -> PackedModel | None:
    try:
        packed = PackedModel.map(path)
        if _digest(packed) == path.name.rpartition("-")[2]:
            os.utime(path)
            return packed
    except (OSError, ValueError) as error:
        log.debug("%s cannot be mapped: %s", path.name, error)
    return None


def _digest(packed: PackedModel) -> str:
    return hashlib.sha256(packed.buffer.data).hexdigest()


def _forget_old(folder: Path, most: int) -> None:
    """Remove the files that were not used for longest; processes that have mapped one keep it."""
    found = [(stat.st_mtime, stat.st_size, path) for path in folder.glob("[!.]*") for stat in [path.lstat()]]
    by_use = sorted(found, reverse=True)
    sizes = accumulate(size for _, size, _ in by_use)
    for number, ((_, _, path), size) in enumerate(zip(by_use, sizes, strict=True)):
        if number >= KEPT and size > most:
            drop(path)


def _announced(engine: Engine, description: str) -> Engine:
    log.info("generating with %s", description)
    return engine
