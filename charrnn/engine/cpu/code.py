"""Kernels as machine code in a folder, so that processes that generate need no compiler; does not import numba.

A file holds one kernel; its name contains the kernel's parameters and a digest of everything that it was compiled from.
A missing or damaged kernel is compiled in a separate process, so that the compiler's memory is freed afterwards.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import llvmlite
import llvmlite.binding as llvm

from charrnn.config import Cell
from charrnn.engine.cpu.instructions import Isa, Precision, target
from charrnn.engine.cpu.kernel_files import keep, read, unsealed

Advance = Callable[[int, int, int, int], object]
"""Addresses of a BATCH_STRUCT, of LAYER_STRUCTs and SEQUENCE_STRUCTs (charrnn.engine.cpu.structs), and the number of
steps."""

ENTRY: Final = "advance"
_ROOT: Final = Path(__file__).parents[3]
_IMPORT: Final = re.compile(r"^from (charrnn\.[\w.]+) import ", re.MULTILINE)
_COMPILER: Final = "charrnn.engine.cpu.compiling"
"""The module that is run to compile a kernel."""
AHEAD: Final = Path(__file__).parent / "ahead"
"""Where an image has kernels that were compiled with it (`charrnn.engine.cpu.ahead_of_time`)."""


class CompilationError(RuntimeError):
    """A kernel could not be compiled; the message is the compiler's."""


def load(folder: Path | None, cell: Cell, precision: Precision, isa: Isa, ahead: Path = AHEAD) -> Advance:
    """The kernel, from those that were compiled ahead of time or from the folder; if it is missing or damaged, it is
    compiled first, which takes seconds.

    Without a folder that can be written to, every process compiles for itself. Raises CompilationError.
    """
    if isa == "portable":
        _offer_library_functions()
    places = [path_of(place, cell, precision, isa) for place in (ahead, folder) if place is not None]
    if (code := next(filter(None, map(read, places)), None)) is None:
        code = machine_code(cell, precision, isa)
        if folder is not None:
            keep(places[-1], code)
    return _linked(code)


def path_of(folder: Path, cell: Cell, precision: Precision, isa: Isa) -> Path:
    """Where the folder has the kernel; elsewhere if anything has changed that it is compiled from."""
    made_of = f"{source_digest()} {llvmlite.__version__} {sys.version} {target(isa)}"
    return folder / f"{cell}-{precision}-{isa}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.o"


def default_folder(otherwise: Path | None = None) -> Path | None:
    """The default folder of kernels: in the user's cache folder, or `otherwise` if the home folder is missing or not
    writable."""
    try:
        folder = Path.home() / ".cache" / "charrnn" / "kernels"
    except RuntimeError:
        return otherwise
    return folder if _is_writable(folder) else otherwise or folder


@cache
def source_digest() -> str:
    """A digest of the sources that kernels are compiled from."""
    digest = hashlib.sha256()
    for _, source in sorted(compiler_sources().items()):
        digest.update(source)
    return digest.hexdigest()


def compiler_sources() -> dict[str, bytes]:
    """The sources of the compiler and of everything in charrnn that it imports, directly or indirectly, by module."""
    found: dict[str, bytes] = {}
    unread = [_COMPILER]
    while unread:
        name = unread.pop()
        if name not in found:
            found[name] = _ROOT.joinpath(*name.split(".")).with_suffix(".py").read_bytes()
            unread += _IMPORT.findall(found[name].decode())
    return found


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


@cache
def _offer_library_functions() -> None:
    """On a processor without fused multiply-add, LLVM calls the C library, which it does not find by itself."""
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    for name in ("fmaf", "floorf"):
        llvm.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)


@cache
def machine_code(cell: Cell, precision: Precision, isa: Isa) -> bytes:
    """The kernel, compiled in another process. Raises CompilationError."""
    kernel = [cell, precision, isa]
    command = [sys.executable, "-m", _COMPILER, *kernel, source_digest()]
    # numba makes code for itself as well, and gives up where it believes that the processor lacks instructions.
    processor, features = target(isa)
    environment = os.environ | {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features}
    found = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, check=False)
    if found.returncode:
        # The last line of a traceback is the message.
        lines = found.stderr.decode(errors="replace").splitlines()
        raise CompilationError((lines or [f"the compiler exited with {found.returncode}"])[-1])
    try:
        return unsealed("-".join(kernel), found.stdout)
    except ValueError as error:
        raise CompilationError(f"the compiler did not write a kernel: {error}") from error


@cache
def _linked(code: bytes) -> Advance:
    """The kernel's function; the code stays loaded as long as the process runs."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    # numba's calling convention: returns a status; the first two arguments point to the result and to an exception.
    signature = ctypes.CFUNCTYPE(ctypes.c_int32, *(ctypes.c_void_p,) * 2, *(ctypes.c_int64,) * 4)
    function = signature(engine.get_function_address(ENTRY))
    unused = ctypes.create_string_buffer(16)
    result, exception = ctypes.addressof(unused), ctypes.addressof(unused) + 8

    def advance(batch: int, layers: int, sequences: int, steps: int) -> None:
        # The closure keeps `unused` and `engine` alive. ctypes releases the interpreter lock during the call.
        function(result, exception, batch, layers, sequences, steps)

    advance.keep = (unused, engine)  # type: ignore[attr-defined]
    return advance


source_digest()  # before the files can change: a kernel from other sources would not know this process's structs
