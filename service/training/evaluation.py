"""How good a version is on the records that were held out from its training, measured before it is published and kept
beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.checkpoint import Checkpoint
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.packing import precision_of
from charrnn.evaluating import Check, evaluate_records
from charrnn.tasks.task import Steps
from charrnn.training.batches import RecordSteps

KIND: Final = "evaluation"
"""The kind of sidecar."""
MOST: Final = 10_000
"""How many records are measured at most."""


def evaluation(
    checkpoint: Checkpoint,
    steps: RecordSteps,
    held_out: npt.NDArray[np.bool_],
    check: Check = lambda: True,
    most: int = MOST,
) -> dict[str, Any] | None:
    """What is measured on the `held_out` records, [records], with the engine that will serve the version, as plain
    JSON: as `evaluate_records`, with `held_out`, how many there are; None if there are none. If there are more than
    `most`, or `check` ends it, some of them are measured, in a mixed order that is always the same."""
    records = np.flatnonzero(held_out)
    some = np.random.default_rng(0).permutation(records)[:most]
    engine = CpuEngine(checkpoint, precision_of(checkpoint))
    found = evaluate_records(checkpoint, engine, _steps_of(steps, some.tolist()), check)
    return None if found is None else {**found, "held_out": int(records.size)}


def _steps_of(steps: RecordSteps, records: list[int]) -> Iterator[Steps]:
    for record in records:
        part = slice(*steps.bounds[record : record + 2].tolist())
        inputs, targets = (array[part].astype(np.int32) for array in (steps.inputs, steps.targets))
        yield Steps(inputs, targets, np.array([inputs.size], dtype=np.int32))
