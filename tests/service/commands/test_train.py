"""The command line's training, in moments, on a network of 8 units."""

import io
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model_store.store import ModelStore
from service.__main__ import main
from service.commands.job_display import bar, duration, evaluation_line, facts, sample_text
from service.training.jobs.job import JobProgress
from service.training.jobs.store import JobStore
from tests.texts import FOX

SMALL = ("--hidden-size", "8", "--embedding-size", "0", "--batch-size", "2", "--segment-length", "8")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "fox.txt"
    path.write_text(FOX)
    return str(path)


def test_a_text_becomes_a_published_model(data: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", text, "--model", "fox", "--steps", "20", "--layers", "2", *SMALL]) == 0
    shown = capsys.readouterr().out
    store = ModelStore(data / "models")
    assert store.resolve("fox") == 1
    version = store.describe("fox", 1)
    assert (version.config.layers, version.config.hidden_size, version.record.steps) == (2, 8, 20)
    assert "1,780 characters, 28 different" in shown
    assert "-- step 0, 0 characters: validation loss" in shown
    assert [line.split(",")[0] for line in shown.splitlines() if line.startswith("-- ")] == [
        f"-- step {step}" for step in (0, 1, 4, 20)
    ]
    assert "characters: 20% of the training\n   t" in shown
    assert "\n   t" in shown
    assert "published fox@1, now current" in shown
    assert re.search(r"\ntook 0:\d\d\n", shown)
    assert f"{version.record.json['bits_per_character']:.3f} bits per character" in shown
    assert """'{"model": "fox", "prompt": "", "length": 500}'""" in shown


def test_the_cells_that_follow_something_are_shown(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "numbers.txt"
    path.write_text("".join(random.Random(7).choices(["one ", "1234 ", "two\n", "56 "], k=8000)))
    assert main(["train", str(path), "--model", "numbers", "--steps", "5", *SMALL]) == 0
    assert re.search(r"\n  a digit: (hidden|cell) of layer 0, unit \d \(auc [01]\.\d\d, by", capsys.readouterr().out)


def test_an_interrupted_job_is_saved_and_gone_on_with(data: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting(io.StringIO):
        """Ctrl-C when it shows a sample in the middle."""

        def write(self, shown: str) -> int:
            if "-- step 12," in shown:
                os.kill(os.getpid(), signal.SIGINT)
            return super().write(shown)

    jobs, out = JobStore(data / "runs"), Interrupting()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        assert main(["train", text, "--model", "fox", "--steps", "60", *SMALL]) == 130
    (job,) = jobs.list()
    assert (job.status, ModelStore(data / "models").has("fox")) == ("queued", False)
    assert re.search(rf"resume with: .* train --resume {job.id}\n", out.getvalue())
    assert main(["train", "--resume", job.id]) == 0
    assert jobs.get(job.id).status == "succeeded"
    assert main(["train", text, "--model", "whole", "--steps", "60", *SMALL]) == 0
    assert jobs.event_log(job.id).samples() == jobs.event_log(jobs.ids()[1]).samples()
    store = ModelStore(data / "models")
    assert store.describe("fox", 1).digest == store.describe("whole", 1).digest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{text}"], "train needs a FILE and a --model, or --resume JOB"),
        (["{text}.gone", "--model", "fox"], "No such file"),
        (["{text}", "--model", "../fox"], "../fox"),
        (["{text}", "--model", "fox", "--minutes", "0"], "budget.minutes must be more than 0"),
        (["{text}", "--model", "fox", "--hidden-size", "0"], "hidden_size must be an integer from 1"),
        (["{text}", "--model", "fox", "--segment-length", "4000"], "has 1780 characters; at least 4001 are needed"),
        (["{text}", "--model", "fox", "--base", "nothing"], "there is no model nothing"),
        (["--resume", "nothing"], "there is no job 'nothing'"),
    ],
)
def test_a_command_that_cannot_start_is_reported_in_one_line(
    data: Path, text: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["train", *(argument.replace("{text}", text) for argument in arguments)]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not JobStore(data / "runs").ids()


def test_a_text_that_is_too_short(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "short.txt").write_text("too short")
    assert main(["train", str(tmp_path / "short.txt"), "--model", "fox"]) == 1
    assert "corpus has 9 characters; at least 100 are needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "asleep"),
    [({}, True), pytest.param({"OMP_WAIT_POLICY": "active"}, False, marks=pytest.mark.faults)],
)
def test_its_threads_wait_asleep_as_a_workers_do(given: dict[str, str], asleep: bool) -> None:
    """How often they look before they sleep, they say themselves when they are loaded: never, unless one wants it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    environment |= {"OMP_DISPLAY_ENV": "verbose", **given}
    command = [sys.executable, "-m", "service", "train"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "train needs a FILE" in done.stderr
    if sys.platform == "linux":  # elsewhere torch's threads are another library's, which says other things
        assert ("GOMP_SPINCOUNT = '0'" in done.stderr) is asleep


def test_where_the_cursor_can_go_back_a_bar_moves(data: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["train", text, "--model", "fox", "--steps", "20", *SMALL]) == 0
    last = out.getvalue().split("\r")[-1]
    assert last.removeprefix("\x1b[K").startswith("[##########")
    assert "100%" in last


@pytest.mark.parametrize(
    ("fraction", "width", "start"), [(0.0, 60, "[...."), (0.5, 80, "[####"), (1.0, 40, "[####"), (0.3, 20, "[###.")]
)
def test_a_bar_is_never_wider_than_its_terminal(fraction: float, width: int, start: str) -> None:
    progress = JobProgress(fraction, characters_per_second=87_000, loss=1.5, validation_loss=1.6, seconds_left=61)
    line = bar(progress, width)
    assert len(line) <= width
    assert line.startswith(start)
    if width == 80:
        assert " 50%  loss 1.500  validation 1.600  87,000 characters/s  1:01 left" in line


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (65.4, "1:05"), (3600, "1:00:00"), (36_061, "10:01:01")])
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_text_cannot_write_to_the_terminal_more_than_text() -> None:
    samples = {"samples": [{"prompt": "a", "text": "\x1b[2Jb\nc"}]}
    assert sample_text(samples) == "   a [2Jb\n   c"


def test_an_evaluation_without_held_out_text_says_so() -> None:
    assert "nothing is held out" in evaluation_line({"step": 1, "characters": 2})


def test_what_is_not_known_yet_is_not_shown() -> None:
    assert facts(JobProgress(0.0)) == "  0%"
    assert facts(JobProgress(0.5, characters_per_second=87_000, loss=1.5)) == " 50%  loss 1.500  87,000 characters/s"
