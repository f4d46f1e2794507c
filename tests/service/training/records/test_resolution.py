from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.tasks.record import TASKS, TaskName
from service.training.errors import RecordsError
from service.training.records.format import FILE_FORMATS, Fields, FileFormat, RecordFormat
from service.training.records.resolution import columns, detected, resolved

CSV = "text,label\nfine,yes\nbad,no\n"
PROSE = "It was late, and cold.\nNobody came, nobody went.\n"


@pytest.mark.parametrize(
    ("start", "format"),
    [
        (CSV, "csv"),
        ("text;label\n1,5;yes\n2,5;no\n", "csv"),
        ('text,label\n"two\nlines, a comma",no\n"cut', "csv"),
        ("text\tlabel\na, b\tyes\nc\tno", "tsv"),
        ('{"text": "a", "label": 1}\n{"text": "b"', "jsonl"),
        ('\n{"text": "' + "a" * 999, "jsonl"),
        ("Ada\nGrace\n", "plain"),
        ("{braces}\nand more\n", "plain"),
        ("one line, with a comma\n", "plain"),
        ("One, two.\nThree, four, five.\nSix.\n", "plain"),
        ("", "plain"),
        ("\n\n", "plain"),
        ("\t\n\t\n", "plain"),
    ],
)
def test_a_format_is_recognized_by_content(start: str, format: FileFormat) -> None:
    assert detected(start) == format


@given(st.text(max_size=50), st.sampled_from(TASKS), st.sampled_from([None, *FILE_FORMATS]))
def test_any_text_is_resolved_or_refused_and_then_stays(start: str, task: TaskName, format: FileFormat | None) -> None:
    try:
        found = resolved(RecordFormat(format=format), task, start)
    except (RecordsError, ValueError):
        return
    assert resolved(found, task, start) == found
    assert found.format is not None


@pytest.mark.parametrize(
    ("task", "given", "fields"),
    [
        ("classify", None, Fields("text", "label")),
        ("generate", None, Fields("text", "label")),
        ("generate", Fields(text="text"), Fields("text")),
        ("generate", Fields(label="country"), Fields("text", "country")),
        ("classify", Fields(text="name"), Fields("name", "label")),
        ("transduce", Fields(target="iso", label="x"), Fields("text", target="iso")),
        ("tag", None, Fields("text", tags="tags")),
    ],
)
def test_the_fields_that_a_task_reads(task: TaskName, given: Fields | None, fields: Fields) -> None:
    assert resolved(RecordFormat(format="csv", fields=given), task, CSV).fields == fields


def test_a_file_without_labels_generates_without() -> None:
    assert resolved(RecordFormat(format="csv"), "generate", "text\na\n").fields == Fields("text")


def test_a_text_is_plain_unless_fields_are_needed() -> None:
    assert resolved(RecordFormat(), "generate", CSV).format == "plain"
    assert resolved(RecordFormat(unit="line"), "generate", CSV).format == "plain"
    assert resolved(RecordFormat(fields=Fields("text")), "generate", CSV).format == "csv"
    assert resolved(RecordFormat(fields=Fields("name")), "generate", "name\nAda\n").format == "csv"


def test_a_task_with_labels_does_not_take_prose() -> None:
    with pytest.raises(RecordsError, match="the file is neither JSONL nor a table with a header, which task classify"):
        resolved(RecordFormat(), "classify", "Ada\nGrace\n")


def test_the_names_of_the_fields() -> None:
    assert columns("csv", "text, label\na,b\n") == ("text", "label")
    assert columns("tsv", "text\tlabel\n") == ("text", "label")
    assert columns("jsonl", '7\n{"b": 1, "a": 2}\n') == ("b", "a")
    assert columns("csv", '"open') == columns("plain", CSV) == columns("jsonl", "") == ()
