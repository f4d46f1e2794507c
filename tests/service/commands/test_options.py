"""Options that are derived from the fields of a body."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from service.api.schemas.generate import GenerateBody
from service.commands.options import add_options, given, json_object

FIELDS = {"regex", "choice", "json_schema", "stop", "logprobs", "echo"}


def read(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_options(parser, GenerateBody, set(GenerateBody.model_fields) - FIELDS)
    return given(parser.parse_args(arguments), GenerateBody, set(GenerateBody.model_fields) - FIELDS)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ((), {}),
        (("--choice", "a", "--choice", ""), {"choice": ["a", ""]}),
        (("--regex", "[0-9]+"), {"regex": "[0-9]+"}),
        (("--json-schema", ' {"type": "null"}'), {"json_schema": ' {"type": "null"}'}),
        (("--stop", "x", "--logprobs", "2", "--no-echo"), {"stop": ["x"], "logprobs": 2, "echo": False}),
    ],
)
def test_values_of_fields(arguments: tuple[str, ...], values: dict[str, object]) -> None:
    assert read(*arguments) == values


def test_help_says_which_options_can_be_given_several_times() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, GenerateBody, set(GenerateBody.model_fields) - FIELDS)
    told = " ".join(parser.format_help().split())
    assert told.count("(given once for each string)") == len({"choice", "stop"})


def test_a_json_object_in_a_file_is_its_text(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_bytes('\ufeff{"const": "\u00e9"}\n'.encode())
    assert json_object(str(tmp_path / "schema.json")) == '{"const": "\u00e9"}\n'


def test_what_is_neither_an_object_nor_a_file(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xe9")
    for text, said in (("nowhere", "No such file"), (str(tmp_path), "Is a directory"), (f"{tmp_path}/latin", "UTF-8")):
        with pytest.raises(argparse.ArgumentTypeError, match=f"neither a JSON object nor a file: .*{said}"):
            json_object(text)
