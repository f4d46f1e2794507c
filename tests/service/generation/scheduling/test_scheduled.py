"""A sequence that leaves its batch, or whose prompt is read in parts, has to fit its pattern from where it is."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.engine.base import Output, Sequence, State
from charrnn.patterns.automaton import Automaton, Fit
from service.generation.scheduling.scheduled import PART_TOKENS, ScheduledSequence

LENGTH = 60
ALTERNATING = Automaton(
    np.array([[1, -1], [-1, 0]], np.int32), np.arange(2, dtype=np.int32), np.arange(2, dtype=np.int32)
)
"""Id 0, then 1, then 0 and so on; a text ends after a 1."""


def scheduled(prompt: int, state: int = 0) -> ScheduledSequence:
    sequence = Sequence(np.zeros(prompt, np.int32), LENGTH, fit=Fit(ALTERNATING, state))
    return ScheduledSequence(sequence, lambda _: None, threading.Event())


def state_of() -> State:
    return State(np.zeros((1, 1, 1), np.float32), 0, 0, np.zeros(0, np.int32), np.zeros(0, np.bool_))


@given(st.lists(st.lists(st.integers(0, 5), max_size=4), max_size=4), st.integers(0, 1))
def test_it_goes_on_where_its_pattern_had_come_to(turns: list[list[int]], begun: int) -> None:
    sequence, generated = scheduled(1, begun), 0
    for outputs in turns:
        for size in outputs:
            ids = (begun + generated + np.arange(size)) % 2
            generated += size
            sequence.deliver(Output(0, ids.astype(np.int32), done=False))
        sequence.suspend(state_of())
        fit = sequence.sequence.fit
        assert fit is not None
        assert (fit.automaton, fit.state) == (ALTERNATING, (begun + generated) % 2)
        assert sequence.sequence.length == LENGTH - generated


def test_the_parts_of_a_prompt_that_only_are_read_have_nothing_to_fit() -> None:
    sequence = scheduled(2 * PART_TOKENS + 1)
    fits = []
    while sequence.has_unread_prompt:
        fits.append(sequence.sequence.fit)
        sequence.read_on(Output(0, np.zeros(0, np.int32), done=True), state_of())
    last = sequence.sequence.fit
    assert fits == [None, None] and last is not None and last.automaton is ALTERNATING
