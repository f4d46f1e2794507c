"""Which of two training records is the better one; knows nothing of where they are kept."""

from __future__ import annotations

import math

from charrnn.record import TrainingRecord


def better(record: TrainingRecord, than: TrainingRecord) -> bool:
    """Whether a version with one record should replace a version with the other: one whose loss is no number replaces
    nothing, and losses that were not measured on the same tokens are not compared."""
    loss, other = record.validation_loss, than.validation_loss
    if loss is not None and not math.isfinite(loss):
        return False
    if loss is None or other is None or not math.isfinite(other):
        return True
    return loss < other or record.validated_on != than.validated_on
