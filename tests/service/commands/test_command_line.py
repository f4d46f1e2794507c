"""The command line without a service: what it knows, and how it ends."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import charrnn
from service.__main__ import main
from service.api.schemas.generate import GenerateBody
from service.api.schemas.neutral import NeutralBody
from service.api.schemas.patterns import OTHER_NAMES
from service.commands.asking import _own_key
from service.commands.command_line import _parser, program_name
from service.data_dir import DataDir
from service.keys.key_file import KeyFile
from service.settings import Settings
from tests.ports import free_port

ROOT = Path(__file__).parents[3]


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from commands(each)


@pytest.mark.parametrize("parser", list(commands(_parser())), ids=lambda parser: parser.prog.partition(" ")[2])
def test_every_option_has_its_help(parser: argparse.ArgumentParser) -> None:
    options = (each for each in parser._actions if not isinstance(each, argparse._SubParsersAction))
    assert [each.dest for each in options if not each.help] == []
    assert parser.description
    parser.format_help()


def test_every_field_of_a_generation_is_an_option() -> None:
    (generate,) = (each for each in commands(_parser()) if each.prog.endswith(" generate"))
    own = {"help", "url", "key", "json", "separator"}
    others = {"seed_text", "stream", "stream_options", "trace", *NeutralBody.model_fields, *OTHER_NAMES}
    fields = set(GenerateBody.model_fields) - others
    assert {action.dest for action in generate._actions} - own == fields


def test_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"charrnn {charrnn.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["generate", "--length", "many"],
        ["generate", "--temprature", "1"],
        ["generate", "--unknown", "drop"],
        ["generate", "--json-schema", "nowhere.json"],
        ["records", "names", "--json-schema", "."],
        ["records"],
        ["records", "names", "--count", "many"],
        ["jobs", "cancel"],
        ["jobs", "one", "two"],
        ["jobs", "follow", "one", "two"],
        ["keys"],
        ["upload"],
        ["models", "--url", "ftp://127.0.0.1"],
        ["models", "--key", "schl\u00fcssel"],
    ],
)
def test_wrong_use_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        sys.exit(main(arguments))
    assert ended.value.code == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize("command", [["generate", "x"], ["models"], ["jobs"], ["jobs", "follow", "x"]])
def test_no_service_is_3(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--url", f"http://127.0.0.1:{free_port()}"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("service: the service cannot be reached at http://127.0.0.1:")
    assert "start it" in said
    assert said.count("\n") == 1


def test_it_is_called_as_it_was_called() -> None:
    assert program_name().endswith(Path(sys.argv[0]).name) or program_name() == "python -m service"
    command = [sys.executable, "-m", "service", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("usage: python -m service [-h] [--version] COMMAND ...")
    assert "3 the service cannot be reached" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("http://127.0.0.1:8000", "kept"),
        ("localhost:9000", "kept"),
        ("http://[::1]:8000", "kept"),
        ("https://example.org", None),
        ("http://127.0.0.1.example.org", None),
        ("http://127.example.org", None),
    ],
)
def test_the_own_key_is_for_this_machine_alone(tmp_path: Path, address: str, key: str | None) -> None:
    (tmp_path / "admin-key").write_text("kept\n")
    assert _own_key(Settings(data_dir=tmp_path), address) == key


def test_a_list_of_keys_into_a_closed_pipe_is_not_a_fault(tmp_path: Path) -> None:
    KeyFile(DataDir(tmp_path)).add("app", "Nina")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "service", "keys", "list"]
    environment = os.environ | {"DATA_DIR": str(tmp_path)}
    with os.fdopen(writing, "wb") as closed:
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (0, "")
