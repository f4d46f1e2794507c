"""Builds the engine of a version, on packed weights that are kept in files and in memory that all web processes of a
machine share; knows no scheduler."""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from typing import Final, Literal

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Engine
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.code import default_folder
from charrnn.engine.cpu.instructions import Precision
from charrnn.engine.cpu.packed_model import PackedModel
from charrnn.engine.cpu.packing import pack, precision_of
from durable import files
from durable.drafts import remove_dead_drafts
from durable.entries import drop
from durable.locks import locked
from service.generation.sealed_memory import Memory, found, sealed

log = logging.getLogger(__name__)

Device = Literal["cpu", "cuda"]
BuildEngine = Callable[[Checkpoint], Engine]

LINK: Final = ".shared-"
"""What the names of links to shared memory begin with."""
LOCK_SECONDS: Final = 20.0
"""How long a process waits while another one, which may be suspended, packs weights or compiles kernels."""
KEPT: Final = 32
KEPT_BYTES: Final = 1 << 28
"""How many packed versions, the most recently used, stay on disk, and more of them as long as they are not larger
together; others are packed again when needed."""


def build_engine(device: Device, packed: Path, kernels: Path) -> BuildEngine:
    """A function that builds a checkpoint's engine for the device; `packed` is the folder of packed weights, `kernels`
    that of compiled kernels if the user has no cache folder. A checkpoint with an n-gram table always gets the engine
    for CPUs.

    Raises RuntimeError if the device is a GPU and there is none.
    """

    def native(checkpoint: Checkpoint) -> Engine:
        return native_engine(checkpoint, packed, kernels)

    return native if device == "cpu" else without_counts(torch_engines(device), native)


def without_counts(build: BuildEngine, otherwise: BuildEngine) -> BuildEngine:
    """`build` for checkpoints without an n-gram table, and `otherwise` for others."""
    return lambda checkpoint: (build if checkpoint.ngrams is None else otherwise)(checkpoint)


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


def native_engine(checkpoint: Checkpoint, folder: Path, kernels: Path, lock_seconds: float = LOCK_SECONDS) -> Engine:
    """The engine for CPUs, in the precision that the version's training record allows.

    One process at a time: the next one then finds the packed weights in memory and, at the first start, the kernels,
    which are compiled for seconds on every core, on the disk.
    """
    with _one_at_a_time(folder, lock_seconds):
        packed = shared(checkpoint, precision_of(checkpoint), folder)
        engine = CpuEngine(packed, kernels=default_folder(otherwise=kernels))
    return _announced(engine, engine.description)


def shared(checkpoint: Checkpoint, precision: Precision, folder: Path, kept_bytes: int = KEPT_BYTES) -> PackedModel:
    """The packed weights, in memory that all processes share and nothing can change. They are kept in a file, too.

    The file's name contains the SHA-256 of its content, so that a damaged file is detected and rebuilt.
    """
    stem = f"{checkpoint.digest}-{precision}-"
    for link in folder.glob(f"{LINK}{stem}*"):
        if (memory := found(link, link.name.rpartition("-")[2])) is not None:
            with suppress(OSError):
                os.utime(folder / link.name.removeprefix(LINK))
            return PackedModel(memory)
    data = next((data for path in folder.glob(f"{stem}*") if (data := _read(path)) is not None), None)
    if data is None:
        data = _kept(pack(checkpoint, precision), folder, kept_bytes)
    return PackedModel(sealed(data, folder / f"{LINK}{stem}{_digest(data)}"))


def _kept(packed: PackedModel, folder: Path, kept_bytes: int) -> Memory:
    """The model's buffer, which is written to the folder if that is possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_dead_drafts(folder)
        packed.save(folder / f"{packed.digest}-{packed.precision}-{_digest(packed.buffer)}")
        _forget_old(folder, kept_bytes)
    except OSError as error:
        log.warning("packed weights are not kept: %s", error.strerror)
    return packed.buffer


@contextmanager
def _one_at_a_time(folder: Path, seconds: float) -> Iterator[None]:
    """Hold the lock beside the folder; go on without it if it cannot be written there, or is not free in time."""
    with ExitStack() as stack:
        if os.access(folder.parent, os.W_OK):
            with suppress(TimeoutError):
                stack.enter_context(locked(folder.with_suffix(".lock"), seconds))
        yield


def _read(path: Path) -> Memory | None:
    """The content of the file, if it is what its name says."""
    try:
        data = np.frombuffer(files.read(path), dtype=np.uint8)
    except OSError as error:
        log.warning("the packed weights %s cannot be read and are made anew: %s", path.name, error.strerror)
        return None
    if _digest(data) != path.name.rpartition("-")[2]:
        log.warning("the packed weights %s are damaged and made anew", path.name)
        return None
    with suppress(OSError):
        os.utime(path)
    return data


def _digest(data: Memory) -> str:
    return hashlib.sha256(data.data).hexdigest()


def _forget_old(folder: Path, most: int) -> None:
    """Remove the files that were not used for longest, and links that lead nowhere any more."""
    found = [(stat.st_mtime, stat.st_size, path) for path in folder.glob("[!.]*") for stat in [path.lstat()]]
    by_use = sorted(found, reverse=True)
    sizes = accumulate(size for _, size, _ in by_use)
    for number, ((_, _, path), size) in enumerate(zip(by_use, sizes, strict=True)):
        if number >= KEPT and size > most:
            drop(path)
    for link in folder.glob(f"{LINK}*"):
        if not link.exists():
            drop(link)


def _announced(engine: Engine, description: str) -> Engine:
    log.info("generating with %s", description)
    return engine
