from __future__ import annotations

from typing import Any

import pytest

from charrnn.parameters import choices
from service.training.records.format import Fields, RecordFormat


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"unit": "word"}, "unit must be one of text, line, paragraph, separator, not 'word'"),
        ({"format": "xml"}, "format must be one of plain, jsonl, csv, tsv, not 'xml'"),
        ({"skip_bad_rows": 1.5}, "skip_bad_rows must be a number from 0 to 1, not 1.5"),
        ({"skip_bad_rows": True}, "skip_bad_rows must be a number from 0 to 1, not True"),
        ({"unit": "separator"}, "separator must be a text of 1 to 100 characters for this unit, not None"),
        ({"separator": ""}, "separator must be a text of 1 to 100 characters without NUL, not ''"),
        ({"separator": "\0"}, r"separator must be a text of 1 to 100 characters without NUL, not '\\x00'"),
        ({"unit": "line", "separator": "%"}, "separator must be left out for unit line, not '%'"),
        ({"unit": "text", "format": "csv"}, "unit must be line, paragraph or separator for format csv, not 'text'"),
        ({"fields": {"text": "a"}, "format": "plain"}, "fields must be left out for format plain"),
        ({"fields": "text"}, "fields must be an object with names of fields, not 'text'"),
        ({"fields": {"txt": "a"}}, "fields must name text, label, tags or target, not 'txt'"),
        ({"fields": {"label": ""}}, "fields.label must be a name of 1 to 200 characters, not ''"),
        ({"fields": {"label": 7}}, "fields.label must be a name of 1 to 200 characters, not 7"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name_bound_and_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RecordFormat.from_dict(values)


@pytest.mark.parametrize(
    ("format", "unit", "separator"),
    [
        (RecordFormat(), "text", ""),
        (RecordFormat(unit="line"), "line", "\n"),
        (RecordFormat(unit="paragraph"), "paragraph", "\n\n"),
        (RecordFormat(separator="\n%\n"), "separator", "\n%\n"),
        (RecordFormat(unit="separator", separator="|"), "separator", "|"),
        (RecordFormat(format="csv"), "line", "\n"),
        (RecordFormat(fields=Fields(text="name")), "line", "\n"),
    ],
)
def test_the_unit_and_what_stands_between_two_records(format: RecordFormat, unit: str, separator: str) -> None:
    assert (format.record_unit, format.record_separator) == (unit, separator)


def test_only_a_separator_that_was_asked_for_is_forbidden_in_records() -> None:
    assert RecordFormat(format="csv").forbidden == ""
    assert RecordFormat(format="csv", unit="line").forbidden == "\n"
    assert RecordFormat(format="jsonl", separator="|").forbidden == "|"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"unit": "line"},
        {"separator": "%"},
        {"format": "csv", "fields": {"text": "name", "label": "country"}, "skip_bad_rows": 0.25},
    ],
)
def test_what_was_given_is_read_back(values: dict[str, Any]) -> None:
    format = RecordFormat.from_dict(values)
    assert format.as_dict() == {"skip_bad_rows": 0.0, **values}
    assert RecordFormat.from_dict({**dict.fromkeys(choices(RecordFormat)), **format.as_dict()}) == format


def test_a_task_with_labels_needs_a_file_that_can_have_them() -> None:
    RecordFormat(format="plain", unit="line").check_task("generate")
    RecordFormat(format="csv").check_task("tag")
    with pytest.raises(ValueError, match="format must be jsonl, csv or tsv for task classify, not 'plain'"):
        RecordFormat(format="plain", unit="line").check_task("classify")
    with pytest.raises(ValueError, match="unit must be line, paragraph or separator for task tag, not 'text'"):
        RecordFormat(unit="text").check_task("tag")
