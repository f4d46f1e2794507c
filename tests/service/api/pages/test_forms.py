"""A form's controls say what the schema of its body says."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from charrnn.parameters import KINDS, parameters
from charrnn.sampling import SamplingParams
from service.api.pages.forms import controls
from service.api.schemas.generate import GenerateBody
from service.api.schemas.jobs import JobBody
from service.settings import Settings


def test_every_field_of_a_job_that_a_control_can_ask_for_has_one(settings: Settings) -> None:
    left = set(JobBody.model_fields) - set(controls(JobBody, settings))
    assert left <= {"budget", "fields"}, "what is left is an object"


def test_bounds_options_and_words_are_the_schemas(settings: Settings) -> None:
    found = controls(JobBody, settings)
    assert (found["layers"].low, found["layers"].high, found["layers"].whole) == (1, 16, True)
    assert (found["dropout"].low, found["dropout"].high, found["dropout"].whole) == (0, 0.95, False)
    assert set(found["cell"].options) == {"lstm", "gru", "rnn"}
    assert found["cell"].choices[0] == ("", "automatic")
    assert found["promote"].choices[0] == ("if_better", "if better")
    assert (found["hidden_size"].label, found["hidden_size"].hint) == ("Hidden size", "Units per layer.")
    assert found["seed"].high == 2**53 - 1, "more is not exact in a browser"


def test_what_is_open_and_what_a_setting_bounds(settings: Settings) -> None:
    found = controls(GenerateBody, settings)
    assert (found["length"].low, found["length"].high) == (1, settings.max_length)
    assert (found["top_k"].low, found["top_k"].high) == (-1, 2**31 - 1)
    assert (found["top_p"].low, found["top_p"].high, found["top_p"].default) == (0, 1, 1.0)


@pytest.mark.parametrize(
    ("name", "slider"),
    [
        ("temperature", (0, 2, 0.05)),
        ("length", (1, 1000, 1)),
        ("min_p", (0, 1, 0.01)),
        ("presence_penalty", (-2, 2, 0.01)),
        ("n", None),
        ("timeout", None),
    ],
)
def test_a_slider_is_within_what_may_be_typed(settings: Settings, name: str, slider: object) -> None:
    assert controls(GenerateBody, settings)[name].slider == slider


def test_the_page_asks_for_every_number_that_says_how_a_token_is_chosen(client: FlaskClient) -> None:
    page = client.get("/").text
    defaults = dict(re.findall(r'name="(\w+)" type="number"[^>]* data-default="([^"]*)"', page))
    sampling = {name: each.default for name, each in parameters(SamplingParams).items() if each.type in KINDS}
    shown = {name: f"{default:g}" for name, default in sampling.items() if default is not None and name != "seed"}
    assert defaults == {"length": "200", "n": "1", "beams": "1", **shown}
