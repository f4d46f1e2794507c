"""Compiles a kernel and writes it to standard output:

    python -m charrnn.engine.cpu.compiling CELL PRECISION ISA DIGEST

DIGEST is that of the sources that the process was started from which wants the kernel.
"""

from __future__ import annotations

import sys
from typing import Any

import llvmlite.binding as llvm
from numba.core import config as numba_config

from charrnn.config import Cell
from charrnn.engine.cpu.code import ENTRY, source_digest
from charrnn.engine.cpu.instructions import Isa, Precision, target
from charrnn.engine.cpu.kernel_files import sealed
from charrnn.engine.cpu.kernels import compiled


def code_of(cell: Cell, precision: Precision, isa: Isa) -> bytes:
    """The kernel's object code. What kernels have in common is compiled with the first one: each of the others takes
    this process a fifth of the time."""
    # numba would optimize each function separately and discard the result; all are optimized together, once.
    options = vars(numba_config)
    options["OPT"] = type(options["OPT"])(0)
    return machine_code(compiled(cell, precision, isa), isa)


def machine_code(kernel: Any, isa: Isa) -> bytes:
    """The object code of a compiled numba function and of the functions that it calls, with ENTRY as its symbol."""
    (ir,) = kernel.inspect_llvm().values()
    module = llvm.parse_assembly(ir)
    main = next(f for f in module.functions if not f.is_declaration and _is_entry(f.name))
    main.name = ENTRY
    for function in module.functions:
        if not function.is_declaration and function.name != ENTRY:
            function.linkage = "internal"
    machine = _machine(isa)
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    unused = llvm.create_new_module_pass_manager()
    unused.add_global_dead_code_eliminate_pass()
    for passes in (unused, builder.getModulePassManager()):
        passes.run(module, builder)
    return bytes(machine.emit_object(module))


def _is_entry(name: str) -> bool:
    """Whether this is the function's symbol: numba prefixes the mangled names of wrappers, and names helpers
    differently."""
    return name.startswith("_ZN7charrnn") and "7advance" in name


def _machine(isa: Isa) -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    processor, features = target(isa)
    made = llvm.Target.from_default_triple()
    return made.create_target_machine(cpu=processor, features=features, opt=3, jit=True)


def main(arguments: list[str]) -> None:
    cell, precision, isa, digest = arguments
    if source_digest() != digest:
        sys.exit("the sources have changed since this process was started: it cannot use kernels compiled from them")
    code = code_of(cell, precision, isa)  # type: ignore[arg-type]
    sys.stdout.buffer.write(sealed("-".join(arguments[:3]), code))


if __name__ == "__main__":
    main(sys.argv[1:])
