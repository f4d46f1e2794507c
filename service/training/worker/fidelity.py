"""Measures how accurate the int8 engine is for a network that is about to be published, for its training record."""

from __future__ import annotations

import logging
from typing import Final

import numpy as np

from charrnn.checkpoint import Checkpoint
from charrnn.engine.fidelity import measure
from charrnn.training.text import TextIds

log = logging.getLogger(__name__)

MAX_CHARACTERS: Final = 50_000
"""The difference of two losses on the same text needs far fewer characters for a good estimate than the losses
themselves."""


def with_fidelity(checkpoint: Checkpoint, held_out: TextIds) -> Checkpoint:
    """The checkpoint with `fidelity` in its record: the losses (nats per character) of the int8 and the float32 engine
    on the first MAX_CHARACTERS of a held-out text, their difference, and the precision that the version is to be
    served in."""
    sample = np.asarray(held_out[:MAX_CHARACTERS], dtype=np.int32)
    fidelity = measure(checkpoint, sample)
    if fidelity.precision == "float32":
        log.warning("int8 misses the network by %.4f nats per character: served in float32", fidelity.difference)
    measured = {
        "int8": fidelity.int8,
        "float32": fidelity.float32,
        "difference": fidelity.difference,
        "characters": len(sample),
        "precision": fidelity.precision,
    }
    return checkpoint.with_record(checkpoint.record.updated(fidelity=measured))
