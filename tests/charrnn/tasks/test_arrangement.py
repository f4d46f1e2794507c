"""The steps of every task, and which arrangements there can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from charrnn.tasks.arrangement import TEXT, Arrangement
from charrnn.tasks.record import Record, TaskName
from charrnn.tasks.task import IGNORED
from charrnn.vocabulary import Vocabulary

AB = Vocabulary("ab")
_ = IGNORED


def line(task: TaskName, labels: tuple[str, ...] = (), delay: int = 0) -> Arrangement:
    return Arrangement(task, "line", "\n", labels, delay)


@pytest.mark.parametrize(
    ("arrangement", "record", "inputs", "targets"),
    [
        (line("generate"), Record("ab"), [2, 0, 1], [0, 1, 2]),
        (line("generate"), Record(""), [2], [2]),
        (line("generate", ("x", "y")), Record("ab", "y"), [4, 0, 1], [0, 1, 2]),
        (line("generate", ("x", "y")), Record("ab"), [2, 0, 1], [0, 1, 2]),
        (line("classify", ("x", "y")), Record("ab", "y"), [0, 1], [_, 1]),
        (line("classify", ("x", "y")), Record("b", "x"), [1], [0]),
        (line("tag", ("x", "y")), Record("aba", tags=("x", "y", "y")), [0, 1, 0], [0, 1, 1]),
        (line("tag", ("x", "y"), 2), Record("ab", tags=("x", "y")), [0, 1, 2, 2], [_, _, 0, 1]),
        (line("transduce"), Record("ab", target="b"), [0, 1, 3, 1], [_, _, 1, 2]),
        (line("transduce"), Record("a", target=""), [0, 3], [_, 2]),
    ],
)
def test_the_steps_of_a_record(arrangement: Arrangement, record: Record, inputs: list[int], targets: list[int]) -> None:
    task = arrangement.bound(arrangement.vocabulary(AB))
    steps = task.steps([record])
    assert (steps.inputs.tolist(), steps.targets.tolist(), steps.sizes.tolist()) == (inputs, targets, [len(inputs)])
    twice = task.steps([record, record])
    assert (twice.inputs.tolist(), twice.targets.tolist()) == (2 * inputs, 2 * targets)
    assert task.vocabulary.decode(task.text_of(steps.inputs)) == record.text


@pytest.mark.parametrize(
    ("arrangement", "marks", "output_size"),
    [
        (TEXT, 0, 0),
        (line("generate"), 1, 3),
        (line("generate", ("x", "y")), 3, 3),
        (line("classify", ("x", "y")), 1, 1),
        (line("classify", ("x", "y", "z")), 1, 3),
        (line("tag", ("x", "y", "z"), 1), 1, 3),
        (line("transduce"), 2, 3),
    ],
)
def test_what_can_be_written_has_a_row_and_nothing_else(arrangement: Arrangement, marks: int, output_size: int) -> None:
    vocabulary = arrangement.vocabulary(AB)
    assert len(vocabulary) == 2 + marks
    assert arrangement.output_size(vocabulary) == output_size


def test_what_is_read_before_the_output() -> None:
    ids = AB.encode("ab")

    def read(arrangement: Arrangement, label: str | None = None) -> Any:
        return arrangement.read(ids, arrangement.vocabulary(AB), label).tolist()

    labelled = line("generate", ("x", "y"))
    assert read(TEXT) == read(line("classify", ("x", "y"))) == [0, 1]
    assert (read(labelled), read(labelled, "x"), read(labelled, "y")) == ([2, 0, 1], [3, 0, 1], [4, 0, 1])
    assert read(line("transduce")) == [0, 1, 3]
    assert read(line("tag", ("x", "y"), 1)) == [0, 1, 2]
    assert TEXT.read(AB.encode(""), AB).tolist() == [0]
    with pytest.raises(KeyError):
        read(labelled, "z")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"task": "guess"}, "no task"),
        ({"task": "classify"}, "needs records"),
        ({"unit": "line"}, "not that of the unit"),
        ({"unit": "text", "separator": "\n"}, "not that of the unit"),
        ({"unit": "line", "separator": "\n", "labels": ("b", "a")}, "ascending"),
        ({"task": "classify", "unit": "line", "separator": "\n", "labels": ("a",)}, "at least 2 labels"),
        ({"unit": "line", "separator": "\n", "labels": ("",)}, "1 to 200 characters, not 0"),
        ({"unit": "line", "separator": "\n", "labels": ("x" * 201,)}, "1 to 200 characters, not 201"),
        ({"unit": "separator", "separator": "x" * 101}, "101 characters, more than 100"),
        ({"unit": "line", "separator": "\n", "delay": 1}, "not 1 for generate"),
        (
            {"task": "tag", "unit": "line", "separator": "\n", "labels": ("a", "b"), "delay": 65},
            "up to 64 for task tag",
        ),
    ],
)
def test_fields_that_do_not_fit_together(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Arrangement(**fields)


def test_a_training_record_keeps_an_arrangement() -> None:
    for each in (TEXT, line("generate", ("x",)), line("tag", ("x", "y"), 3), Arrangement("generate", "separator", "%")):
        assert Arrangement.of({"steps": 3, **each.as_dict()}) == each
    assert TEXT.as_dict() == {}
    wrong_ones: list[dict[str, Any]] = [{"labels": "xy"}, {"labels": [1]}, {"delay": -1}, {"delay": "1"}, {"task": []}]
    for wrong in wrong_ones:
        with pytest.raises((ValueError, TypeError)):
            Arrangement.of({**line("classify", ("x", "y")).as_dict(), **wrong})


def test_marks_have_no_text() -> None:
    vocabulary = line("generate", ("x", "y")).vocabulary(AB)
    assert vocabulary.decode([2, 0, 4, 1, 2]) == "ab"
    assert vocabulary.tokens_of([2, 0, 4, 1]) == ["", "a", "", "b"]
    assert (vocabulary.start_id, vocabulary.end_id, vocabulary.text_size) == (2, 2, 2)
    with pytest.raises(IndexError, match="0 to 4"):
        vocabulary.decode([5])
    wider = vocabulary.extended(Vocabulary("ac"))
    assert (wider.characters, wider.ids_of(vocabulary).tolist()) == ("abc", [0, 1, 3, 4, 5])
    assert np.array_equal(vocabulary.encode("ba"), [1, 0])
