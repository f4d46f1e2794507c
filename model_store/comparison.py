"""Which of two training records is better; knows no files."""

from __future__ import annotations

import math

from charrnn.record import TrainingRecord


def better(record: TrainingRecord, than: TrainingRecord) -> bool:
    """Whether a version with `record` should replace one with `than`: not if its loss is not a number; losses measured
    on different tokens are not compared."""
    loss, other = record.validation_loss, than.validation_loss
    if loss is not None and not math.isfinite(loss):
        return False
    if loss is None or other is None or not math.isfinite(other):
        return True
    return loss < other or record.validated_on != than.validated_on
