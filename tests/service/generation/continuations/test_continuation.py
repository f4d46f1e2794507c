"""A continuation gives its state only to the version that it is of, in the numbers that it is in."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest

from charrnn.config import ModelConfig
from charrnn.engine.base import State
from charrnn.engine.state_bytes import packed
from charrnn.sampling import SamplingParams
from service.generation.continuations.continuation import Continuation
from service.generation.errors import InvalidContinuationError

CONFIG: Final = ModelConfig(9, "rnn", 4)
IDS: Final = np.array([1, 8], dtype=np.int32)
STATE: Final = State(np.full(CONFIG.state_shape, 0.5, dtype=np.float32), 8, 2, IDS, IDS > 1)
CONTINUATION: Final = Continuation("m", 2, "abc", "float32", packed(STATE), SamplingParams())


def test_the_state_is_that_of_the_version() -> None:
    assert CONTINUATION.reference == "m@2"
    assert CONTINUATION.state_for("abc", "float32", CONFIG).hidden.tobytes() == STATE.hidden.tobytes()


@pytest.mark.parametrize(
    ("digest", "precision", "config", "reason"),
    [
        ("abd", "float32", CONFIG, r"^continue: m version 2 has other weights"),
        ("abc", "int8", CONFIG, "in int8 now, and the state is in float32"),
        ("abc", "float32", ModelConfig(9, "lstm", 4), "shape"),
        ("abc", "float32", ModelConfig(8, "rnn", 4), "ids must be from 0 to 7"),
    ],
)
def test_a_state_of_another_network_is_refused(digest: str, precision: str, config: ModelConfig, reason: str) -> None:
    with pytest.raises(InvalidContinuationError, match=reason):
        CONTINUATION.state_for(digest, precision, config)
