"""Which kernels a processor can run; compiles nothing."""

from __future__ import annotations

from collections.abc import Set
from typing import Final, Literal

import llvmlite.binding as llvm

Isa = Literal["vnni", "avx2", "portable"]
Precision = Literal["int8", "float32"]

_NEEDED: Final[dict[Isa, tuple[str, ...]]] = {
    "vnni": ("avx512f", "avx512vnni"),
    "avx2": ("avx2", "fma"),
    "portable": (),
}
"""The processor features that each kernel needs, the fastest kernel first."""


def runnable_isas(features: Set[str]) -> tuple[Isa, ...]:
    """The kernels that a processor with these features (LLVM's names) can run, the fastest first."""
    return tuple(isa for isa, needed in _NEEDED.items() if features >= set(needed))


def host_features() -> Set[str]:
    """The features of this processor."""
    return {name for name, present in llvm.get_host_cpu_features().items() if present}


def host_isa() -> Isa:
    """The fastest kernel that this processor can run."""
    return runnable_isas(host_features())[0]
