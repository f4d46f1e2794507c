"""Which of two training records is the better one; knows nothing of where they are kept."""

from __future__ import annotations

import math
from typing import Any


def better(record: dict[str, Any], than: dict[str, Any]) -> bool:
    """Whether one training record should replace another: `validation_loss` in nats per token, `corpus` with the
    `sha256` of the text, `characters` with how many were held out for `validation`, `training` with how they were
    chosen (`validation_split`), `level` with what a token is. One whose loss is no number replaces nothing."""
    loss, other = _loss(record), _loss(than)
    if loss is not None and not math.isfinite(loss):
        return False
    if loss is None or other is None or not math.isfinite(other):
        return True
    return loss < other or _validated_on(record) != _validated_on(than)


def _validated_on(record: dict[str, Any]) -> tuple[object, ...]:
    """What says which tokens a loss was measured on: losses are compared where this is the same."""
    return (
        record.get("corpus", {}).get("sha256"),
        record.get("characters", {}).get("validation"),
        record.get("training", {}).get("validation_split", "end"),  # all that there was before records said so
        record.get("level", "char"),
    )


def _loss(record: dict[str, Any]) -> float | None:
    """The validation loss; None when the record has none."""
    loss = record.get("validation_loss")
    return float(loss) if isinstance(loss, int | float) else None
