"""`set` in `POST /generate`, with an engine that has real cells behind it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from charrnn.checkpoint import Checkpoint
from charrnn.engine.base import Sequence
from charrnn.engine.cpu.batch import CpuEngine
from charrnn.engine.steering import Held
from charrnn.sampling import SamplingParams
from charrnn.vocabulary import Vocabulary
from service.api.schemas.generate import GenerateBody
from service.commands.generate import OWN, add_generate
from service.commands.options import given
from service.generation.continuations.tokens import Continuations
from service.settings import Settings
from tests.networks import random_network

LETTERS = "\n abcdefghijklmnopqrstuvwxyz<"
ASK = {"prompt": "to be", "length": 30, "seed": 3}
FIRST = {"layer": 0, "unit": 5, "part": "cell", "value": 2.5}
SECOND = {"layer": 1, "unit": 2, "value": -1}
HELD = (Held(0, 5, "cell", 2.5), Held(1, 2, "hidden", -1.0))


def network() -> Checkpoint:
    return random_network(Vocabulary.of([LETTERS]), "lstm", 16, layers=2, validation_loss=1.0)


@pytest.fixture(scope="module")
def engine() -> CpuEngine:
    return CpuEngine(network())


@pytest.fixture
def new_checkpoint() -> Callable[..., Checkpoint]:
    return network


def ask(client: FlaskClient, status: int = 200, **fields: Any) -> Any:
    reply = client.post("/generate", json={**ASK, **fields})
    assert reply.status_code == status, reply.text
    return reply.json


def test_the_text_is_what_the_engine_generates_while_it_holds_the_cells(client: FlaskClient, engine: CpuEngine) -> None:
    vocabulary, batch = network().vocabulary, engine.batch(1)
    batch.add(Sequence(vocabulary.encode("to be"), 30, SamplingParams(seed=3), held=HELD))
    (output,) = batch.step(100)
    steered, free = ask(client, set=[FIRST, SECOND]), ask(client)
    assert steered["text"] == vocabulary.decode(output.ids) != free["text"]
    streamed = client.post("/generate", json={**ASK, "set": [FIRST, SECOND], "stream": True, "cache": False})
    assert vocabulary.decode(output.ids) == "".join(streamed_texts(streamed.text))


def streamed_texts(events: str) -> list[str]:
    lines = [line.removeprefix("data: ") for line in events.splitlines() if line.startswith("data: {")]
    return [json.loads(line)["text"] for line in lines]


def test_the_cache_knows_what_was_held_whatever_the_order(client: FlaskClient) -> None:
    def cached(**fields: Any) -> bool:
        return bool(ask(client, **fields)["cached"])

    assert not cached()
    assert not cached(set=[FIRST, SECOND])
    assert cached(set=[SECOND, FIRST]) and cached(set=[{**SECOND, "part": "hidden", "value": -1.0}, FIRST])
    assert not cached(set=[FIRST, {**SECOND, "value": -0.5}]) and not cached(set=[FIRST])
    assert cached(set=[]) and cached(set=None)


def test_a_trace_shows_what_was_held(client: FlaskClient) -> None:
    cells = [{"layer": 0, "unit": 5, "part": "cell"}, {"layer": 1, "unit": 2}, {"layer": 0, "unit": 5}]
    for echo in (False, True):
        choice = ask(client, set=[FIRST, SECOND], trace={"cells": cells}, echo=echo)["choices"][0]
        traced = choice["trace"]
        first, second, free = (np.array(each["values"]) for each in traced["cells"])
        assert first.tolist() == [2.5] * 30 and np.allclose(second, -1) and len(set(free)) > 5
        own = ask(client, set=[FIRST, SECOND], logprobs=0)["choices"][0]["logprobs"]
        bits = [each["logprob"] / -np.log(2) for each in own]
        np.testing.assert_allclose(traced["surprisal"], bits, atol=1e-3)
        assert "".join(traced["tokens"]) == choice["text"].removeprefix("to be" if echo else "")


def test_what_is_held_stays_held_where_a_text_goes_on_unless_it_is_given_anew(client: FlaskClient) -> None:
    whole = ask(client, set=[FIRST, SECOND], length=30)["text"]
    first = ask(client, set=[FIRST, SECOND], length=12, continuation=True)["choices"][0]
    token = first["continuation"]
    rest = client.post("/generate", json={"continue": token, "length": 18}).get_json()
    assert first["text"] + rest["text"] == whole
    free, other = (
        client.post("/generate", json={"continue": token, "length": 18, "set": held}).get_json()["text"]
        for held in ([], [{**SECOND, "value": 1}])
    )
    assert len({rest["text"], free, other}) == 3


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({}, "set: input should be a valid array"),
        ([FIRST] * 17, "set: list should have at most 16 items, not 17"),
        ([FIRST, SECOND, FIRST], "set must have each cell at most once, not twice: layer 0, unit 5, cell"),
        ([{**FIRST, "value": 1000.1}], "set[0].value: input should be less than or equal to 1000, not 1000.1"),
        ([{**FIRST, "value": -1e300}], "set[0].value: input should be greater than or equal to -1000, not -1000000"),
        ([{**FIRST, "value": "1"}], "set[0].value: input should be a valid number"),
        ([{**FIRST, "value": True}], "set[0].value: input should be a valid number"),
        ([{**FIRST, "value": None}], "set[0].value is required"),
        ([FIRST, {**SECOND, "value": 1.5}], "set[1].value must be from -1 to 1 for a hidden state, not 1.5"),
        ([{**FIRST, "part": "gate"}], "set[0].part: input should be 'hidden' or 'cell', not 'gate'"),
        ([{**FIRST, "layer": -1}], "set[0].layer: input should be greater than or equal to 0, not -1"),
        ([{**FIRST, "unit": 2**31}], "set[0].unit: input should be less than 2147483648, not 2147483648"),
        ([{**FIRST, "unit": 0.5}], "set[0].unit: input should be a valid integer, not 0.5"),
        ([{"layer": 0, "value": 1}], "set[0].unit is required"),
        ([{**FIRST, "until": 3}], "'set[0].until' is not a field of this request"),
    ],
)
def test_what_cannot_be_held(client: FlaskClient, held: Any, message: str) -> None:
    error = ask(client, 422, set=held)["error"]
    assert error["param"] == "set" and error["message"].startswith(message)


def test_a_value_must_be_finite(client: FlaskClient) -> None:
    body = '{"prompt": "a", "set": [{"layer": 0, "unit": 0, "part": "cell", "value": %s}]}'
    for value in ("NaN", "Infinity", "1e999"):
        reply = client.post("/generate", data=body % value, content_type="application/json")
        assert reply.status_code in {400, 422}, reply.text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("held", "message"),
    [
        ([FIRST, {**SECOND, "layer": 2}], "set[1].layer must be from 0 to 1, not 2"),
        ([{**FIRST, "unit": 16}], "set[0].unit must be from 0 to 15, not 16"),
    ],
)
def test_a_cell_that_the_network_does_not_have(client: FlaskClient, held: Any, message: str, stream: bool) -> None:
    error = ask(client, 422, set=held, stream=stream)["error"]
    assert (error["code"], error["param"], error["message"]) == ("unknown_cell", "set", message)


def test_it_is_an_option_of_the_command_line(settings: Settings) -> None:
    option = '[{"layer": 0, "unit": 5, "part": "cell", "value": 2.5}]'
    parser = argparse.ArgumentParser()
    add_generate(parser.add_subparsers())
    asked = given(parser.parse_args(["generate", "x", "--set", option]), GenerateBody, OWN)
    body = GenerateBody.model_validate(asked, context={"settings": settings})
    assert body.request(settings, Continuations(lambda: ("key",))).held == HELD[:1]
