"""One law: every parameter of the three dataclasses can be asked for in each way there is, and means the same there."""

from __future__ import annotations

import argparse
import re
from html import unescape
from typing import Any

from flask.testing import FlaskClient

from charrnn.config import ModelConfig
from charrnn.parameters import KINDS, Declared, choices, parameters
from charrnn.sampling import SamplingParams
from charrnn.training.config import Budget, TrainingConfig
from service.api.schemas.generation import LIMITS
from service.commands.command_line import _parser
from service.training.jobs.requests import JobRequest
from service.training.records.format import RecordFormat

ASKED = {
    SamplingParams: ("GenerateBody", "CompletionBody"),
    ModelConfig: ("JobBody",),
    TrainingConfig: ("JobBody",),
    Budget: ("BudgetBody",),
}
COMMANDS = {"GenerateBody": "generate", "JobBody": "train", "BudgetBody": "train"}
BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
EVERY = [
    (body, each) for owner, bodies in ASKED.items() for body in bodies for each in choices(owner).values()
]  # fmt: skip
SETTINGS = [each for body, each in EVERY if body == "JobBody"]


def limits_of(declared: Declared) -> dict[str, Any]:
    """The bounds that hold in the service."""
    limits = declared.parameter.limits | dict(LIMITS.get(declared.name, {}))
    return {name: bound for name, bound in limits.items() if bound is not None}


def options_of(command: str) -> dict[str, argparse.Action]:
    (commands,) = (each for each in _parser()._actions if isinstance(each, argparse._SubParsersAction))
    return {each.dest: each for each in commands.choices[command]._actions}


def test_the_document_has_its_bounds_default_and_meaning(client: FlaskClient) -> None:
    document: Any = client.get("/openapi.json").json
    for body, declared in EVERY:
        schema = document["components"]["schemas"][body]["properties"][declared.name]
        assert schema["description"].startswith(declared.parameter.description)
        kind = next(each for each in schema["anyOf"] if each.get("type") != "null")
        assert tuple(kind.get("enum", ())) == declared.options
        if declared.type in KINDS:
            expected = {BOUNDS[name]: bound for name, bound in limits_of(declared).items()}
            assert expected.items() <= kind.items(), declared.name
        if body in ("JobBody", "BudgetBody") or declared.name == "seed":
            assert schema["default"] is None, "chosen by the trainer, or drawn"
        elif declared.type in KINDS:
            assert schema["default"] == declared.default


def test_the_command_line_has_it_with_its_type_and_meaning() -> None:
    for body, declared in EVERY:
        if body not in COMMANDS:
            continue
        option = options_of(COMMANDS[body])[declared.name]
        assert (option.help or "").startswith(declared.parameter.description)
        assert tuple(option.choices or ()) == declared.options
        if declared.type in KINDS:
            assert option.type is declared.type


def test_what_a_job_is_about_means_the_same_in_the_document_and_on_the_command_line(client: FlaskClient) -> None:
    document: Any = client.get("/openapi.json").json
    fields, options = document["components"]["schemas"]["JobBody"]["properties"], options_of("train")
    for declared in (*parameters(JobRequest).values(), *parameters(RecordFormat).values()):
        assert fields[declared.name]["description"].startswith(declared.parameter.description), declared.name
        if declared.name not in ("corpus", "budget"):  # a file, and its own options
            option = options[declared.name]
            assert (option.help or "").startswith(declared.parameter.description)
            assert tuple(option.choices or ()) == declared.options


def test_a_job_keeps_it_and_gives_it_back() -> None:
    for declared in SETTINGS:
        value = declared.options[-1] if declared.options else declared.type(limits_of(declared)["ge"])
        request = JobRequest("0" * 16, "m", {declared.name: value})
        assert request.as_dict()[declared.name] == value
        assert JobRequest.from_dict(request.as_dict()) == request
        assert JobRequest("0" * 16, "m").as_dict()[declared.name] is None


def test_the_form_for_training_asks_for_it(client: FlaskClient) -> None:
    page = re.sub("</?code>", "`", unescape(client.get("/ui/train").text))
    for declared in SETTINGS:
        control = page.partition(f'name="{declared.name}"')[2].partition("</div>")[0]
        assert declared.parameter.description[1:] in control
        assert all(f'<option value="{option}">' in control for option in declared.options)
        if declared.type in KINDS:
            limits = limits_of(declared)
            assert f'min="{limits["ge"]}" max="{limits.get("le", (1 << 53) - 1)}"' in control


def test_the_services_limits_are_within_the_librarys() -> None:
    known = choices(SamplingParams)
    for name, limits in LIMITS.items():
        assert all(known[name].parameter.holds(bound) for bound in limits.values() if bound is not None)
