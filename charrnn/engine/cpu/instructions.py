"""Which kernels a processor can run, and which instructions they may use; compiles nothing."""

from __future__ import annotations

from collections.abc import Set
from typing import Final, Literal

import llvmlite.binding as llvm

Isa = Literal["vnni", "avx2", "portable"]
Precision = Literal["int8", "float32"]

_AVX2: Final = ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt")
"""LLVM's x86-64-v3, without what both levels below it have."""
_NEEDED: Final[dict[Isa, tuple[str, ...]]] = {
    "vnni": (*_AVX2, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512vnni"),
    "avx2": _AVX2,
    "portable": (),
}
"""The processor features that each kernel needs and is compiled for, the fastest kernel first."""


def runnable_isas(features: Set[str]) -> tuple[Isa, ...]:
    """The kernels that a processor with these features (LLVM's names) can run, the fastest first."""
    return tuple(isa for isa, needed in _NEEDED.items() if features >= set(needed))


def host_features() -> Set[str]:
    """The features of this processor."""
    return {name for name, present in llvm.get_host_cpu_features().items() if present}


def host_isa() -> Isa:
    """The fastest kernel that this processor can run."""
    return runnable_isas(host_features())[0]


def target(isa: Isa) -> tuple[str, str]:
    """The processor and the features, in LLVM's words, that a kernel is compiled for.

    Any processor that has the features runs the same code, wherever it was compiled. A portable kernel makes the best
    of the processor at hand: it is for those that no other kernel knows.
    """
    if needed := _NEEDED[isa]:
        return "x86-64", ",".join(f"+{name}" for name in needed)
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
