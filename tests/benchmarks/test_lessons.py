"""The samples of trainings that the page Learn shows: what they are made of, and that they are whole."""

from __future__ import annotations

import json

import pytest

from benchmarks.lessons import BRIEF, LENGTH, SAMPLES, SHOWN, SOURCES, STEPS, UNITS, without_code

TRAININGS = json.loads(SAMPLES.read_text(encoding="utf-8"))


def test_a_paper_without_the_code_in_it() -> None:
    assert without_code("\\section{A}\r\n<<echo=FALSE>>=\nx <- 1\n@\ntext <<x>>= here\n") == (
        "\\section{A}\ntext <<x>>= here\n"
    )


def test_there_is_one_of_each_text() -> None:
    assert TRAININGS.keys() == SOURCES.keys()


@pytest.mark.parametrize("name", SOURCES)
def test_samples_go_from_a_hundredth_to_the_whole_and_get_better(name: str) -> None:
    training = TRAININGS[name]
    stages = training["samples"]
    shares = [stage["fraction"] for stage in stages]
    assert (training["steps"], training["hidden_size"]) == (STEPS[name], UNITS[name])
    assert len(stages) == len(SHOWN) and shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.01, 1.0)
    assert [len(stage["text"]) for stage in stages] == [BRIEF] * (len(SHOWN) - 1) + [LENGTH]
    losses = [stage["loss"] for stage in stages]
    assert losses == sorted(losses, reverse=True) and stages[-1]["held_out"]


def test_the_last_samples_have_the_marks_of_their_texts() -> None:
    last = {name: training["samples"][-1]["text"] for name, training in TRAININGS.items()}
    assert ":\n" in last["plays"]
    assert "\\begin{" in last["latex"] and "\\end{" in last["latex"] and "$" in last["latex"]
    assert all(mark in last["c"] for mark in ("\n    ", ";", "{", "}", "//", "*/"))
