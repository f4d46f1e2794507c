"""How weights are packed: what quantization keeps, and which precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import pack, precision_of
from charrnn.record import TrainingRecord


def test_a_model_keeps_its_precision(make_checkpoint: Any) -> None:
    model = pack(make_checkpoint(), "float32")
    assert CpuEngine(model).model.precision == "float32"
    with pytest.raises(ValueError, match="float32"):
        CpuEngine(model, "int8")


def test_weights_are_quantized_with_a_scale_an_output(make_checkpoint: Any) -> None:
    checkpoint = make_checkpoint("rnn", hidden=64)
    matrix = checkpoint.weights["rnn.weight_hh_l0"]
    packed = pack(checkpoint).array("weights_l0").view(np.int8)
    found = packed.reshape(16, 4, 16, 4).transpose(1, 2, 0, 3).reshape(64, 64)
    scales = np.abs(matrix).max(axis=1, keepdims=True) / 127
    np.testing.assert_allclose(found * scales, matrix, atol=float(scales.max()) * 0.5001)
    assert (np.abs(found).max(axis=1) == 127).all()


def test_weights_of_zero_are_zero(make_checkpoint: Any) -> None:
    checkpoint = make_checkpoint("lstm")
    checkpoint.weights["rnn.weight_hh_l0"][:] = 0
    assert not pack(checkpoint).array("weights_l0").any()


@pytest.mark.parametrize(
    ("record", "precision"),
    [
        ({}, "int8"),
        ({"fidelity": {"precision": "float32"}}, "float32"),
        ({"fidelity": {"precision": "int8"}}, "int8"),
        ({"fidelity": {"precision": "../x"}}, "int8"),
        ({"fidelity": 5}, "int8"),
    ],
)
def test_the_record_says_the_precision(make_checkpoint: Any, record: dict[str, object], precision: str) -> None:
    assert precision_of(make_checkpoint("rnn").with_record(TrainingRecord(record))) == precision
