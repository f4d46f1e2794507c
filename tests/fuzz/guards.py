"""Kernels on arrays with a page beside each that cannot be accessed: no number in a network or a state, and no size,
makes one read or write outside them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random

import numpy as np

from charrnn.engine.base import Sequence, Series
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.cpu.instructions import host_features, runnable_isas
from charrnn.engine.cpu.series import CpuSeries
from tests.fuzz.cases import Case
from tests.fuzz.guarded import Guard, GuardedBatch, GuardedModel, Side
from tests.fuzz.networks import PRECISIONS, check_fits, chosen_ids, extreme, fitted, sampling, sequences, state, steered


def _guarded(random: Random) -> str:
    """Let a kernel generate on arrays with a page beside them that cannot be accessed."""
    side: Side = random.choice(("before", "after"))
    guard, checkpoint = Guard(side), extreme(random)
    engine = CpuEngine(checkpoint, random.choice(PRECISIONS), random.choice(runnable_isas(host_features())))
    if random.random() < 0.3 and not checkpoint.arrangement.writes_labels:
        return f"a series with a guard {side} each array: {_guarded_series(random, engine, guard)}"
    asked = [
        fitted(random, checkpoint.config.outputs, steered(random, checkpoint.config, each))
        for each in sequences(random, checkpoint)
    ]
    check_fits(asked, chosen_ids(GuardedBatch(engine, len(asked), guard), asked, random.choice((1, 5, 100))))
    return f"a batch with a guard {side} each array"


def _guarded_series(random: Random, engine: CpuEngine, guard: Guard) -> str:
    length, slots = random.choice((1, 2, 40)), random.choice((1, 2, 5, 16))
    params = replace(sampling(random, engine.config.outputs), logprobs=None)
    end = random.choice((None, random.randrange(engine.config.outputs)))
    first = random.choice((0, 7))
    begin, stop = state(random, engine.config), first + random.choice((1, 3, 150))
    template = Sequence(np.zeros(0, np.int32), length, params, begin, end_id=end)
    fit = fitted(random, engine.config.outputs, template).fit
    series = Series(begin, length, params, end, first, stop, fit=fit)
    batch = CpuSeries(GuardedModel.copied(engine.model, guard), engine.advance, series, slots, guard.zeros)
    while not batch.done:
        batch.step(random.choice((1, 3, 50)))
    return "ended"


@contextmanager
def guarded() -> Iterator[Case]:
    """Sound networks, hostile in their sizes and numbers; a case may end the process."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield _guarded
