import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import model_store
from charrnn.checkpoint import Checkpoint
from durable.opening import open_objects
from model_store import ModelStore
from model_store.__main__ import main
from model_store.shared import SharedModelStore
from tests.object_server import ObjectServer

Capture = pytest.CaptureFixture[str]
Make = Callable[..., Checkpoint]


@pytest.fixture
def data(tmp_path: Path, checkpoint: Make) -> Path:
    store = ModelStore(tmp_path / "models")
    for value in (1, 2):
        store.publish("bard", checkpoint(value, validation_loss=float(value)))
        store.set_alias("bard", "current", value)
    return tmp_path


def run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_list_shows_versions_losses_and_aliases(data: Path, capsys: Capture) -> None:
    status, out, _ = run(capsys, "--data-dir", data, "list")
    first, second = out.splitlines()
    assert status == 0
    assert first.split()[:4] == ["bard@1", "rnn", "1x3", "1.0000"]
    assert second.split()[-1] == "current"


def test_list_of_an_empty_store_says_so(tmp_path: Path, capsys: Capture) -> None:
    assert run(capsys, "--data-dir", tmp_path, "list") == (0, "", f"no models in {tmp_path}\n")


def test_show_has_the_digest_and_the_history(data: Path, capsys: Capture, checkpoint: Make) -> None:
    _, out, _ = run(capsys, "--data-dir", data, "show", "bard@1")
    assert checkpoint(1, validation_loss=1.0).digest in out
    assert len([line for line in out.splitlines() if line.startswith("@current")]) == 2


def test_roll_back_promote_delete(data: Path, capsys: Capture) -> None:
    store = ModelStore(data / "models")
    assert run(capsys, "--data-dir", data, "rollback", "bard")[1] == "bard@current is version 1\n"
    assert store.resolve("bard") == 1
    assert run(capsys, "--data-dir", data, "promote", "bard", 1, "--alias", "stable", "--reason", "kept")[0] == 0
    assert store.history("bard", "stable")[0].reason == "kept"
    assert run(capsys, "--data-dir", data, "delete", "bard", 2)[1] == "deleted version 2 of bard\n"
    assert store.versions("bard") == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "none"), "no model none"),
        (("show", "bard@9"), "no version 9"),
        (("show", "../x"), "model's name"),
        (("delete", "bard", "2"), "current points to it"),
        (("promote", "bard", "9"), "no version 9"),
        (("promote", "bard", "1", "--alias", "7"), "must not be a number"),
    ],
)
def test_refusals_are_reported_in_one_line(
    data: Path, capsys: Capture, arguments: tuple[str, ...], message: str
) -> None:
    status, out, err = run(capsys, "--data-dir", data, *arguments)
    assert (status, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_the_data_directory_comes_from_the_environment(
    data: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(data))
    assert "bard@1" in run(capsys, "list")[1]


def test_a_closed_pipe_is_not_an_error(data: Path) -> None:
    command = [sys.executable, "-m", "model_store", "--data-dir", str(data), "show", "bard@1"]
    environment = {**os.environ, "PYTHONPATH": str(Path(model_store.__file__).parents[1])}
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing) as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.system
def test_the_store_of_several_machines_is_changed_through_any_directory(
    object_server: ObjectServer, tmp_path: Path, checkpoint: Make, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, setting in object_server.environment().items():
        monkeypatch.setenv(variable, setting)
    url = object_server.url()
    store = SharedModelStore(tmp_path / "first" / "models", open_objects(url))
    for value in (1, 2):
        store.set_alias("bard", "current", store.publish("bard", checkpoint(value)))
    asked = ("--store-url", url, "--data-dir", tmp_path / "second")
    assert run(capsys, *asked, "rollback", "bard")[1] == "bard@current is version 1\n"
    store.refresh()
    assert store.resolve("bard") == 1
    assert [line.split()[0] for line in run(capsys, *asked, "list")[1].splitlines()] == ["bard@1", "bard@2"]


def test_a_url_that_names_no_store(tmp_path: Path, capsys: Capture) -> None:
    status, out, err = run(capsys, "--store-url", "http://localhost/bucket", "--data-dir", tmp_path, "list")
    assert (status, out) == (1, "") and err.startswith("error: ") and "must look like s3://bucket/prefix" in err
