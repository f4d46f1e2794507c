"""Texts of any versions are read together, and a fault anywhere is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from charrnn.engine.base import Sequence
from service.generation.cancellation import NO_CLIENT, CancelScope
from service.generation.errors import ItemError
from service.generation.reading import encoded, outputs_of
from service.generation.resident import ResidentModels
from service.generation.scheduling.scheduler import Scheduler
from tests.service.conftest import CountingEngine


def scope() -> CancelScope:
    return CancelScope(NO_CLIENT, 10)


def sequences(engine: Any, *lengths: int) -> list[tuple[Any, Sequence]]:
    return [(engine, Sequence(np.array([0], np.int32), length)) for length in lengths]


def test_outputs_come_in_the_order_of_the_sequences(scheduler: Scheduler) -> None:
    engines = CountingEngine(), CountingEngine()
    lengths = [1 + 7 * at % 30 for at in range(20)]
    asked = sequences(engines[0], *lengths) + sequences(engines[1], *lengths)
    found = outputs_of(scheduler, asked, scope())
    assert [sum(output.ids.size for output in outputs) for outputs in found] == lengths * 2
    assert all(outputs[-1].done for outputs in found)
    assert outputs_of(scheduler, [], scope()) == []


def test_the_error_of_an_engine_is_that_of_the_request(scheduler: Scheduler, engine: Any) -> None:
    def fail() -> None:
        raise MemoryError("no more")

    engine.gate = fail
    with pytest.raises(MemoryError, match="no more"):
        outputs_of(scheduler, sequences(engine, *[5] * 20), scope())


def test_texts_are_checked_before_any_is_read(models: ResidentModels) -> None:
    model = models.get("letters")
    assert [ids.tolist() for ids in encoded(model, ["ab", ""])] == [[0, 1], []]
    with pytest.raises(ItemError, match=r"records\[1\]: 1 character outside the vocabulary") as caught:
        encoded(model, ["ab", "a!"], "records")
    assert (caught.value.field, caught.value.index) == ("records", 1)
