"""Compiles all kernels beforehand, while an image is built, so that no machine that runs it has to:

    python -m charrnn.engine.cpu.ahead_of_time

Portable kernels are compiled where they run: they are for the processor at hand.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, get_args

import llvmlite.binding as llvm

from charrnn.config import CELLS, Cell
from charrnn.engine.cpu.code import AHEAD, machine_code, path_of
from charrnn.engine.cpu.instructions import Isa, Precision
from charrnn.engine.cpu.kernel_files import sealed
from durable import files

Kernel = tuple[Cell, Precision, Isa]
ISAS: Final[tuple[Isa, ...]] = ("vnni", "avx2")


def kernels(architecture: str) -> list[Kernel]:
    """Those that machines with processors of the architecture (as the target triple names it) use."""
    return list(itertools.product(CELLS, get_args(Precision), ISAS)) if architecture == "x86_64" else []


def compile_into(folder: Path, wanted: Sequence[Kernel]) -> None:
    """Compile the kernels into files that any user can read, each in a process, as many at once as there are cores.
    Raises CompilationError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for kernel, code in zip(wanted, pool.map(lambda each: machine_code(*each), wanted), strict=True):
            path = path_of(folder, *kernel)
            files.put(path, sealed(path.name, code), 0o644)


def main() -> None:
    compile_into(AHEAD, kernels(llvm.get_default_triple().partition("-")[0]))


if __name__ == "__main__":
    main()
