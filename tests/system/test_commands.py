"""The commands that ask a running service, as a person types them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.__main__ import main
from tests.system.running import ROOT, Service
from tests.texts import FOX
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.system

Capture = pytest.CaptureFixture[str]


def run(asked: Service, *arguments: str) -> int:
    """A command in this process; its status."""
    return main([*arguments, "--url", f"http://127.0.0.1:{asked.port}", "--key", "admin-key"])


def typed(
    asked: Service, *arguments: str, given: bytes | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """A command in a process of its own, which finds the service by its settings."""
    command = [sys.executable, "-m", "service", *arguments]
    environment = asked.environment | {"PYTHONIOENCODING": "utf-8"} | environment
    return subprocess.run(command, cwd=ROOT, env=environment, input=given, capture_output=True, check=False)


def test_a_text_as_it_is_made(asked: Service) -> None:
    """A HOST that is not this machine, which conda sets, is nothing that a client follows."""
    made = typed(
        asked, "generate", "ROMEO:", "--length", "60", "--seed", "3", "--top-k", "5", HOST="x86_64-conda-linux-gnu"
    )
    assert (made.returncode, made.stderr) == (0, b"")
    assert made.stdout.startswith(b"ROMEO:")
    assert len(made.stdout) == 67


def test_a_text_goes_on_where_another_ended(asked: Service, capsys: Capture) -> None:
    given = ("generate", "--no-echo", "--seed", "3")
    assert run(asked, *given, "ROMEO:", "--length", "70") == 0
    whole = capsys.readouterr().out
    assert run(asked, *given, "ROMEO:", "--length", "20", "--continuation") == 0
    first = capsys.readouterr()
    assert run(asked, "generate", "", "--continue", first.err.strip(), "--length", "50") == 0
    assert first.out.removesuffix("\n") + capsys.readouterr().out == whole
    assert run(asked, "generate", "", "--continue", first.err.strip(), "--n", "2", "--continuation") == 0
    assert [token[:2] for token in capsys.readouterr().err.split()] == ["AQ", "AQ"]


@pytest.mark.parametrize("arguments", [["-"], []])
def test_a_prompt_is_read_exactly_as_it_is_piped_in(asked: Service, arguments: list[str]) -> None:
    made = typed(asked, "generate", *arguments, "--length", "20", "--seed", "3", given=b"JULIET:\n")
    direct = typed(asked, "generate", "JULIET:\n", "--length", "20", "--seed", "3")
    assert made.stdout == direct.stdout
    assert made.stdout.startswith(b"JULIET:\n")


def test_what_is_piped_in_and_no_text(asked: Service) -> None:
    made = typed(asked, "generate", given=b"\xff")
    said = b"service: standard input must be valid UTF-8: byte 0xff at 0 is not\n"
    assert (made.returncode, made.stderr) == (1, said)
    assert typed(asked, "generate", os.fsdecode(b"\xff")).stderr == b"service: the prompt must be valid UTF-8\n"


def test_several_texts_and_the_reply_itself(asked: Service, capsys: Capture) -> None:
    assert run(asked, "generate", "ROMEO:", "--n", "2", "--length", "9", "--seed", "1") == 0
    first, second = capsys.readouterr().out.split("\n---\n")
    assert first.startswith("ROMEO:")
    assert second.startswith("ROMEO:")
    assert run(asked, "generate", "caf\u00e9", "--unknown", "skip", "--length", "9", "--json", "--logprobs", "1") == 0
    reply = json.loads(capsys.readouterr().out)
    assert reply["skipped"] == [{"position": 3, "character": "\u00e9"}]
    assert len(reply["choices"][0]["logprobs"]) == 9
    assert not reply["text"].startswith("caf")


def test_texts_that_fit_are_one_a_line(asked: Service, capsys: Capture) -> None:
    pattern = "[A-Z][a-z]{1,9}"
    given = ("--length", "10", "--seed", "5")
    assert run(asked, "generate", "", "--regex", pattern, "--n", "10", *given) == 0
    texts = capsys.readouterr().out.splitlines()
    assert len(texts) == 10
    assert all(re.fullmatch(pattern, text) for text in texts)
    assert run(asked, "generate", "", "--regex", pattern, *given[:2], "--seed", "14") == 0
    assert capsys.readouterr().out == f"{texts[9]}\n"
    assert run(asked, "generate", "", "--choice", "Ay", "--choice", "No", "--n", "2", "--separator", ";", *given) == 0
    assert set(capsys.readouterr().out.strip().split(";")) <= {"Ay", "No"}


def test_json_of_a_schema_in_a_file(asked: Service, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "flag.json").write_text('{"type": "boolean"}')
    assert run(asked, "generate", "", "--json-schema", str(tmp_path / "flag.json"), "--length", "5") == 0
    assert isinstance(json.loads(capsys.readouterr().out), bool)


def test_an_error_in_a_pattern_points_at_it(asked: Service, capsys: Capture) -> None:
    assert run(asked, "generate", "", "--regex", "RO(ME|O") == 1
    message, *shown = capsys.readouterr().err.splitlines()
    assert message.startswith("service: regex: missing ), unterminated subpattern at position 2")
    assert shown == ["  RO(ME|O", "    ^"]
    assert run(asked, "generate", "", "--regex", "(JULIET|CAPULET)!", "--length", "3") == 1
    assert "'JULIET!' fits" in capsys.readouterr().err


def test_characters_of_a_pattern_that_are_left_out_are_named(asked: Service, capsys: Capture) -> None:
    for more in ((), ("--n", "2")):
        assert run(asked, "generate", "", "--regex", "caf[e\u00e9]", *more) == 0
        said = capsys.readouterr()
        assert set(said.out.split()) == {"cafe"}
        assert said.err == 'service: left out of the pattern, since the model does not know them: "\u00e9"\n'


def test_a_refusal_is_1(asked: Service, capsys: Capture) -> None:
    for arguments, said in (
        (["generate", "\u00e9"], "service: prompt: 1 character outside the vocabulary"),
        (["generate", "x", "--temperature", "99"], "service: temperature"),
        (["jobs", "cancel", "nobody"], "service: there is no job 'nobody'"),
        (["jobs", "follow", "nobody"], "service: there is no job 'nobody'"),
        (["upload", str(ROOT)], f"service: {ROOT}: Is a directory"),
        (["upload", "/nowhere"], "service: /nowhere: No such file or directory"),
    ):
        assert run(asked, *arguments) == 1
        printed = capsys.readouterr()
        assert printed.err.startswith(said)
        assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_terminal_that_has_no_letters_but_ascii(asked: Service) -> None:
    made = typed(asked, "generate", "\u00e9", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert made.returncode == 1
    assert b"'\\xe9' at 0" in made.stderr
    assert b"Traceback" not in made.stderr


def test_jobs_from_the_upload_to_the_end(asked: Service, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "corpus.txt").write_text(FOX)
    assert run(asked, "upload", str(tmp_path / "corpus.txt"), "--json") == 0
    corpus = json.loads(capsys.readouterr().out)["id"]
    jobs = []
    for steps in (20, 100_000):
        body = {"corpus": corpus, "model": "fox", "hidden_size": 8, "layers": 1, "budget": {"steps": steps}}
        jobs.append(asked.request("/jobs", body, key="admin-key")["id"])
    assert run(asked, "jobs", "follow", jobs[0]) == 0
    told = capsys.readouterr().out
    assert "\nsucceeded: version 1, now current\n" in told
    assert "-- step 20" in told
    assert run(asked, "jobs", "cancel", jobs[1]) == 0
    assert run(asked, "jobs", "follow", jobs[1], "--json") == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "cancelled"
    assert run(asked, "jobs") == 0
    listed = capsys.readouterr().out
    assert "job" in listed.splitlines()[0]
    assert all(job in listed for job in jobs)
    assert run(asked, "jobs", jobs[0]) == 0
    shown = capsys.readouterr().out
    assert "succeeded" in shown
    assert shown.count("\n---\n") == 2


def test_models(asked: Service, capsys: Capture) -> None:
    assert run(asked, "models") == 0
    assert "shakespeare  1" in capsys.readouterr().out
    assert run(asked, "models", "--json") == 0
    assert "shakespeare" in [model["name"] for model in json.loads(capsys.readouterr().out)]


def test_control_c_ends_it_quietly(asked: Service, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service", "generate", "ROMEO:", "--length", "10000", "--no-cache"]
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=asked.environment, stdout=out, stderr=out)
        until(lambda: (tmp_path / "out").stat().st_size > 0)
        process.send_signal(signal.SIGINT)
        assert process.wait(LONGEST) in (0, 130)
    assert b"Traceback" not in (tmp_path / "out").read_bytes()
