from __future__ import annotations

import pytest

from charrnn.tasks.record import TaskName
from service.training.records.format import Fields
from service.training.records.guessing import guessed


@pytest.mark.parametrize(
    ("columns", "task", "given", "fields"),
    [
        (["label", "text"], "classify", Fields(), Fields("text", "label")),
        (["Name", "Country"], "classify", Fields(), Fields("Name", "Country")),
        (["id", "tweet", "mood"], "classify", Fields("tweet"), Fields("tweet", "mood")),
        (["a", "b"], "classify", Fields(), Fields("a", "b")),
        (["a", "b"], "classify", Fields(text="b"), Fields("b", "a")),
        (["a", "b"], "generate", Fields(), Fields("a")),
        (["name", "country"], "generate", Fields(), Fields("name", "country")),
        (["input", "output"], "transduce", Fields(), Fields("input", target="output")),
        (["text", "label"], "transduce", Fields(), Fields("text", target="label")),
        (["text", "labels"], "tag", Fields(), Fields("text", tags="labels")),
        (["text", "more"], "tag", Fields(), Fields("text")),
        (["text"], "classify", Fields(), Fields("text")),
        ([], "classify", Fields(), Fields()),
    ],
)
def test_fields_are_guessed_by_their_names(columns: list[str], task: TaskName, given: Fields, fields: Fields) -> None:
    assert guessed(columns, task, given) == fields
