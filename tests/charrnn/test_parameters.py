"""A parameter is declared once: its bounds in words, its check, and what holds for every one that there is."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from inspect import signature
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import ModelConfig
from charrnn.generating import SAMPLING, Options, generate
from charrnn.parameters import Declared, Parameter, check, choices, defaults, parameters
from charrnn.sampling import SamplingParams
from charrnn.training.config import Budget, TrainingConfig

OWNERS = (SamplingParams, ModelConfig, TrainingConfig, Budget)
EVERY = [
    pytest.param(each, id=f"{owner.__name__}.{name}") for owner in OWNERS for name, each in parameters(owner).items()
]


@dataclass(frozen=True)
class Oven:
    trays: Annotated[int, Parameter("trays to bake at once", ge=1, lt=5)]
    heat: Annotated[float | None, Parameter("heat inside", unit="degrees", gt=0)] = None
    fan: Annotated[Literal["on", "off"], Parameter("whether the fan turns")] = "off"
    colour: str = "white"


def test_what_is_annotated_is_a_parameter() -> None:
    assert list(parameters(Oven)) == ["trays", "heat", "fan"]
    assert (parameters(Oven)["heat"].type, parameters(Oven)["heat"].optional) == (float, True)
    assert parameters(Oven)["heat"].parameter.description == "heat inside (degrees)"
    assert defaults(Oven) == {"heat": None, "fan": "off"}
    assert list(choices(Oven)) == ["heat", "fan"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trays": 0}, "oven.trays must be an integer from 1 to 4, not 0"),
        ({"trays": True}, "oven.trays must be an integer from 1 to 4, not True"),
        ({"heat": 0}, "oven.heat must be more than 0, not 0"),
        ({"heat": "hot"}, "oven.heat must be more than 0, not 'hot'"),
        ({"fan": "slow"}, "oven.fan must be one of on, off, not 'slow'"),
    ],
)
def test_what_is_out_of_bounds_is_named_with_bound_and_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        check(Oven(**{"trays": 1, **values}), "oven.")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"ge": 0}, "at least 0"),
        ({"gt": 0}, "more than 0"),
        ({"le": 9}, "at most 9"),
        ({"ge": 0, "le": 0.5}, "from 0 to 0.5"),
        ({"gt": 0, "le": 1}, "more than 0 and at most 1"),
        ({"ge": 0, "lt": 8}, "from 0 to 7"),
    ],
)
def test_bounds_in_words(bounds: dict[str, Any], words: str) -> None:
    assert Parameter("x", **bounds).bounds == words


@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(-4, 4))
def test_what_the_bounds_hold(low: int, high: int, value: int) -> None:
    assert Parameter("x", ge=low, le=high).holds(value) == (low <= value <= high)
    assert Parameter("x", gt=low, lt=high).holds(value) == (low < value < high)
    assert not Parameter("x", ge=low).holds(float("nan"))


@pytest.mark.parametrize("declared", EVERY)
def test_every_default_is_within_its_own_bounds_and_has_a_meaning(declared: Declared) -> None:
    if declared.default is not MISSING:
        declared.check(declared.default)
    assert declared.parameter.meaning
    assert not declared.parameter.meaning.endswith("."), "a phrase, which stands in sentences and lists"


def test_the_options_of_a_text_in_one_call_are_all_that_it_takes() -> None:
    own = {name for name, each in signature(generate).parameters.items() if each.kind is each.KEYWORD_ONLY} - {"n"}
    assert Options.__optional_keys__ == own | set(SAMPLING)
