"""The command line: what an operator asks, and what is wrong with it."""

from __future__ import annotations

import pytest

from benchmarks.capacity.__main__ import main


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", "--requests", "2000", "--jobs-an-hour", "30", "--machines", "10"])
    found = dict(rows(capsys.readouterr().out))
    assert found["web processes, each with a core"] == "5"
    assert found["workers, for jobs to wait 1 minutes on average"] == "4"
    assert found["LISTs an hour"] == "16,043"
    assert found["an active or waiting text"] == "2.0 kB"


def test_a_larger_network_needs_more(capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", "--network", "2x512", "--requests", "2000"])
    assert int(dict(rows(capsys.readouterr().out))["web processes, each with a core"]) > 10


def test_replicas(capsys: pytest.CaptureFixture[str]) -> None:
    main(["simulate", "--replicas", "2", "3", "--load", "0.5", "--seconds", "1", "--event", "kill"])
    head, _, two, three = rows(capsys.readouterr().out)
    assert (two[0], three[0]) == ("2", "3")
    assert dict(zip(head, three, strict=True))["failed"] == "0.00%"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["plan", "--network", "huge"], "--network must look like 1x256"),
        (["plan", "--network", "1x9999"], "hidden_size must be an integer from 1 to 4096, not 9999"),
        (["plan", "--kernels", "missing.json"], "missing.json"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(arguments: list[str], wrong: str) -> None:
    with pytest.raises(SystemExit, match=f"^benchmarks.capacity: .*{wrong}"):
        main(arguments)
