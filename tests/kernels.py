"""Compiles the kernels that tests generate with, as far as the folder of kernels lacks them: `python -m tests.kernels`.

In one process, which takes each one but the first a fifth of the time that it takes a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from charrnn.config import CELLS, Cell
from charrnn.engine.cpu.code import default_folder, path_of
from charrnn.engine.cpu.compiling import code_of
from charrnn.engine.cpu.instructions import Isa, Precision, host_features, host_isa, runnable_isas
from charrnn.engine.cpu.kernel_files import keep, read


def wanted() -> Iterator[tuple[Cell, Precision, Isa]]:
    """What this processor can run, but in float32 few of those that it is not the fastest with: a test that wants
    another one compiles it."""
    for isa in runnable_isas(host_features()):
        yield from ((cell, "int8", isa) for cell in CELLS)
        yield from ((cell, "float32", isa) for cell in (CELLS if isa == host_isa() else ("lstm",)))


def main() -> None:
    if (folder := default_folder()) is None:
        return  # there is no home folder: every process compiles for itself
    for kernel in wanted():
        path = path_of(folder, *kernel)
        if read(path) is None:
            keep(path, code_of(*kernel))


if __name__ == "__main__":
    main()
