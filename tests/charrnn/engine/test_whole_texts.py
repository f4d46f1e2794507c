"""What is drawn under a pattern fits as a whole, by Python's `re` and by a validator of JSON schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from charrnn.engine.base import Engine, Output, Sequence
from charrnn.patterns.automaton import Automaton, Fit
from charrnn.patterns.compiling import Pattern, compile_pattern
from charrnn.patterns.errors import PatternError
from charrnn.sampling import SamplingParams
from tests.charrnn.engine.conftest import MakeCheckpoint
from tests.charrnn.engine.engines import BUILD
from tests.charrnn.patterns.json_schema.drawing import VOCABULARY, validator_of
from tests.laws import examples

ATOMS = st.sampled_from(
    ["a", "B", ".", r"\d", r"\w", r"\W", r"\s", "[^a-z]", "[A-Z]", "\n", "(?i:q)", r"\b", "$", "^", "é"]
)
REGEXES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{3,}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
    ),
    max_leaves=10,
)
NAMES = {"type": "string", "pattern": "^[A-Z][a-z]+$"}
SCHEMAS = [
    NAMES,
    {"type": "number", "minimum": -2, "maximum": 12.5},
    {"type": "string", "format": "date-time"},
    {"type": "object", "properties": {"name": NAMES, "at": {"type": "string", "format": "date"}}, "required": ["name"]},
    {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 5}]}, "minItems": 1},
]
SAMPLING = st.builds(
    SamplingParams,
    seed=st.integers(-1, 2**40),
    temperature=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    top_k=st.sampled_from([0, 1, 5]),
    top_p=st.sampled_from([0.3, 0.9, 1.0]),
    min_p=st.sampled_from([0.0, 0.2]),
    repetition_penalty=st.sampled_from([0.7, 1.0, 2.0]),
    presence_penalty=st.sampled_from([-2.0, 0.0, 2.0]),
    frequency_penalty=st.sampled_from([-1.0, 0.0, 1.0]),
    logit_bias=st.sampled_from([(), ((3, 50.0),), tuple((id_, -100.0) for id_ in range(0, 90, 2))]),
)


@cache
def _automaton(pattern: Pattern) -> Automaton:
    return compile_pattern(pattern, VOCABULARY, len(VOCABULARY)).automaton


@pytest.fixture(scope="module", params=["reference"])
def engine(request: pytest.FixtureRequest, make_checkpoint: MakeCheckpoint) -> Engine:
    return BUILD[request.param](make_checkpoint("gru", hidden=16, tokens=VOCABULARY))


def _drawn(engine: Engine, sequences: list[Sequence]) -> list[str]:
    """Their texts, all drawn in one batch."""
    batch = engine.batch(len(sequences))
    parts: dict[int, list[Output]] = {batch.add(sequence): [] for sequence in sequences}
    while not all(outputs and outputs[-1].done for outputs in parts.values()):
        for output in batch.step(7):
            parts[output.handle].append(output)
    return ["".join(VOCABULARY.decode(output.ids) for output in outputs) for outputs in parts.values()]


def _check(
    engine: Engine, pattern: Pattern, samplings: list[SamplingParams], more: int, fits: Callable[[str], bool]
) -> None:
    """Texts of the fewest characters and some more fit, with texts beside them that need not."""
    try:
        automaton = _automaton(pattern)
    except PatternError:
        assume(False)
    length, prompt = int(automaton.distances[0]) + more, VOCABULARY.encode("so")
    free = Sequence(prompt, 9, samplings[0])
    texts = _drawn(engine, [free, *(Sequence(prompt, length, each, fit=Fit(automaton)) for each in samplings), free])
    assert texts[0] == texts[-1] == _drawn(engine, [free])[0]
    for text in texts[1:-1]:
        assert len(text) <= length and fits(text), text
    assert _drawn(engine, [Sequence(prompt, length, samplings[-1], fit=Fit(automaton))]) == [texts[-2]]


@examples(20)
@given(REGEXES, st.lists(SAMPLING, min_size=1, max_size=4), st.integers(0, 12))
def test_texts_match_their_regular_expression(
    engine: Engine, source: str, samplings: list[SamplingParams], more: int
) -> None:
    _check(engine, Pattern("regex", source), samplings, more, lambda text: re.fullmatch(source, text) is not None)


@examples(12)
@given(st.integers(0, len(SCHEMAS) - 1), st.lists(SAMPLING, min_size=1, max_size=4), st.integers(0, 30))
def test_texts_are_json_of_their_schema(engine: Engine, which: int, samplings: list[SamplingParams], more: int) -> None:
    validator = validator_of(SCHEMAS[which])
    pattern = Pattern("json_schema", json.dumps(SCHEMAS[which]))
    _check(engine, pattern, samplings, more, lambda text: validator.is_valid(json.loads(text)))


@pytest.mark.parametrize("extra", [0, 1, 5])
def test_texts_that_go_on_fit_as_a_whole(engine: Engine, extra: int) -> None:
    source = r"(?:[a-z]+ ){2}\d{2}"
    automaton = _automaton(Pattern("regex", source))
    for seed in range(5):
        batch = engine.batch(2)
        first = batch.add(Sequence(VOCABULARY.encode("so"), 30, SamplingParams(seed=seed), fit=Fit(automaton)))
        (begun,) = batch.step(3)
        state = Fit(automaton, automaton.after(0, begun.ids.tolist()))
        nearest = int(automaton.distances[state.state])
        rest = Sequence(
            np.empty(0, np.int32), nearest + extra, SamplingParams(seed=seed), batch.state(first), fit=state
        )
        text = VOCABULARY.decode(begun.ids) + _drawn(engine, [rest])[0]
        assert re.fullmatch(source, text), text
