"""Which kernels a processor can run, and what they are compiled for."""

from __future__ import annotations

import pytest

from charrnn.engine.cpu.instructions import Isa, host_features, runnable_isas, target

EVERYTHING = {name.removeprefix("+") for name in target("vnni")[1].split(",")}


@pytest.mark.parametrize("isa", ["vnni", "avx2"])
def test_a_kernel_is_compiled_for_the_features_without_which_it_is_not_chosen(isa: Isa) -> None:
    processor, features = target(isa)
    assert processor == "x86-64"
    for feature in features.split(","):
        assert isa not in runnable_isas(EVERYTHING - {feature.removeprefix("+")})
        assert isa in runnable_isas(EVERYTHING)


def test_a_portable_kernel_is_compiled_for_the_processor_at_hand() -> None:
    _, features = target("portable")
    assert {f"+{name}" for name in host_features()} <= set(features.split(","))
    assert runnable_isas(set()) == ("portable",)
