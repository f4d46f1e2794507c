from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.tasks.record import Record, TaskName
from service.training.errors import RecordsError
from service.training.records.format import Fields, RecordFormat
from service.training.records.reading import BATCH, RecordReader, batches, records
from service.training.records.resolution import resolved
from tests.service.training.records.pieces import CUTS, in_pieces

OPEN = RecordFormat()
JSONL = RecordFormat(format="jsonl")
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9)


def read(text: str, format: RecordFormat = OPEN, task: TaskName = "generate") -> list[Record]:
    return list(RecordReader([text], resolved(format, task, text)))


def fault(text: str, format: RecordFormat, task: TaskName = "generate") -> str:
    with pytest.raises(RecordsError) as raised:
        read(text, format, task)
    return str(raised.value)


def rows(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


@pytest.mark.parametrize(
    ("format", "text", "found"),
    [
        (RecordFormat(unit="line"), "Ada\n\nGrace\nEdsger", [(1, "Ada"), (3, "Grace"), (4, "Edsger")]),
        (RecordFormat(unit="line"), " a \r\nb\r\n", [(1, " a "), (2, "b")]),
        (RecordFormat(unit="paragraph"), "a\nb\n\n\nc\n", [(1, "a\nb"), (5, "c")]),
        (RecordFormat(separator="\n%\n"), "a\nb\n%\nc\n%\n", [(1, "a\nb"), (4, "c")]),
        (RecordFormat(separator="\n%\n"), "a\n%\nb\n%", [(1, "a"), (3, "b")]),
        (RecordFormat(separator="%\n"), "a\n%\nb\n", [(1, "a\n"), (3, "b\n")]),
        (RecordFormat(separator="|"), "|a||b\n|c\n", [(1, "a"), (1, "b\n"), (2, "c")]),
    ],
)
def test_records_of_plain_texts(format: RecordFormat, text: str, found: list[tuple[int, str]]) -> None:
    reader = RecordReader([text], resolved(format, "generate", text))
    assert [(line, record.text) for line, record in reader.located()] == found
    assert {record.label for record in read(text, format)} == {None}


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6), CUTS)
def test_what_is_written_as_jsonl_is_read_back(pairs: list[tuple[str, str]], cuts: list[int]) -> None:
    text = rows(*({"target": target, "text": source, "more": [1]} for source, target in pairs))
    reader = RecordReader(in_pieces(text, cuts), resolved(RecordFormat(), "transduce", text))
    assert [(record.text, record.target) for record in reader] == pairs


@pytest.mark.parametrize(
    ("written", "label"),
    [
        *[("7", "7"), ("1.50", "1.50"), ("1e3", "1e3"), ("12345678901234567890123", "12345678901234567890123")],
        *[("true", "true"), ("false", "false"), ('"x"', "x")],
    ],
)
def test_a_label_that_is_a_number_or_a_boolean_is_its_text_in_json(written: str, label: str) -> None:
    text = f'{{"text": "a", "label": {written}}}\n'
    assert read(text, JSONL, "classify")[0].label == label


@pytest.mark.parametrize(
    ("row", "task", "message"),
    [
        ({"text": "a", "label": None}, "classify", "the label is null: it must be a text, a number, true or false"),
        ({"text": "a", "label": {"x": 1}}, "classify", "the label is an object"),
        ({"text": "a", "label": ["x"]}, "classify", "the label is a list"),
        ({"text": "a", "label": ""}, "classify", "the label is empty"),
        ({"text": "a", "label": "x" * 201}, "classify", "the label has 201 characters, more than 200: shorten it"),
        ({"text": "a", "lable": "x"}, "classify", "there is no field 'label' for the label; the fields are text,"),
        ({"text": "", "label": "x"}, "classify", "the text is empty"),
        ({"text": None, "label": "x"}, "classify", "the text is null"),
        ({"text": "a\0b", "label": "x"}, "classify", "the text has a NUL character"),
        ({"text": "x" * 100_001, "label": "x"}, "classify", "the text has more than 100,000 characters"),
        ({"text": "a", "target": ""}, "transduce", "the target is empty"),
        ({"text": "a", "target": "x" * 100_001}, "transduce", "the target has more than 100,000 characters"),
        ({"text": "abc", "tags": ["N"]}, "tag", "it has 1 tag for 3 tokens: each token needs one"),
        ({"text": "abc", "tags": "NNVV"}, "tag", "it has 4 tags for 3 tokens: each token needs one"),
        ({"text": "abc", "tags": 7}, "tag", "the tags are a number: they must be a list, or a text"),
        ({"text": "a", "tags": [None]}, "tag", "the tag is null"),
        ({"text": "a", "tags": [""]}, "tag", "the tag is empty"),
        (["a"], "classify", "it must be a JSON object, such as {\"text\": \"…\"}, not a list"),
        (None, "classify", "it must be a JSON object, such as {\"text\": \"…\"}, not null"),
        ("a", "classify", "it must be a JSON object, such as {\"text\": \"…\"}, not a text"),
    ],
)  # fmt: skip
def test_a_faulty_row_is_reported_with_its_line_and_what_to_do(row: Any, task: TaskName, message: str) -> None:
    text = rows({"text": "ab", "label": "y", "tags": "NN", "target": "z"}, row)
    told = fault(text, JSONL, task)
    assert told.startswith(f"line 2: {message}")
    assert told.endswith("(correct the row, or let a share of rows be passed over with skip_bad_rows)")


@pytest.mark.parametrize("more", ["9" * 5000, "[" * 900 + "]" * 900, "1e999", "0.5"])
def test_what_else_is_in_a_row_does_not_matter(more: str) -> None:
    text = f'{{"text": "a", "label": 1.50, "more": {more}}}\n'
    try:
        (record,) = read(text, JSONL, "classify")
    except RecordsError as error:
        assert str(error).startswith("line 1: not JSON")
    else:
        assert record.label in ("1.50", "1.5")


def test_a_line_that_is_not_json() -> None:
    assert fault('{"text": "a"}\n{"text": "b"\n', JSONL).startswith("line 2: not JSON: ")
    assert fault('[\n{"text": "b"}\n]', JSONL).startswith("line 1: a list in brackets is not JSONL")
    assert "lone" in fault('{"text": "\\udc00"}\n', JSONL) or "surrogate" in fault('{"text": "\\udc00"}\n', JSONL)


def test_a_record_of_a_plain_text_that_is_too_long() -> None:
    for unit, ends in (("line", "\n"), ("paragraph", "\n\n")):
        text = f"ab{ends}{'x' * 100_001}{ends}"
        told = fault(text, RecordFormat.from_dict({"unit": unit}))
        assert told.startswith(f"line {1 + len(ends)}: the text has more than 100,000 characters: divide or shorten it")
    assert len(read("x" * 100_000, RecordFormat(unit="line"))[0].text) == 100_000


def test_a_separator_within_a_record_is_a_fault_if_it_was_asked_for() -> None:
    text = rows({"text": "a\nb"})
    assert read(text, JSONL)[0].text == "a\nb"
    told = fault(text, RecordFormat(unit="line", format="jsonl"))
    assert told.startswith(r"line 1: the text contains the separator '\n', which ends a record")
    target = 'text,target\na,"b|c"\n'
    assert "the target contains the separator '|'" in fault(target, RecordFormat(separator="|"), "transduce")


def test_tags_are_a_list_or_a_text_and_in_a_table_a_json_list_too() -> None:
    jsonl = rows({"text": "ab", "tags": ["noun", 1]}, {"text": "ab", "tags": "NV"})
    assert [record.tags for record in read(jsonl, JSONL, "tag")] == [("noun", "1"), ("N", "V")]
    table = 'text\ttags\nab\tNV\nab\t["noun", "verb"]\nab\t[]\n'
    assert [record.tags for record in read(table, RecordFormat(), "tag")] == [("N", "V"), ("noun", "verb"), ("[", "]")]


def test_tags_are_counted_in_tokens() -> None:
    text = rows({"text": "two words", "tags": ["N", "N"]})
    reader = RecordReader([text], resolved(JSONL, "tag", text), tokens=lambda text: len(text.split()))
    assert [record.tags for record in reader] == [("N", "N")]


def test_a_million_labels_are_not_held() -> None:
    def pieces() -> Any:
        for number in range(1_000_000):
            assert number <= 10_001
            yield f'{{"text": "a", "label": {number}}}\n'

    reader = RecordReader(pieces(), resolved(RecordFormat(format="jsonl", skip_bad_rows=1.0), "classify", ""))
    with pytest.raises(RecordsError, match="line 10001: there are more than 10,000 different labels: is 'label' the"):
        list(reader)


def test_a_share_of_bad_rows_may_be_passed_over() -> None:
    text = "text,label\n" + "a,x\n" * 8 + 'b\n"c,y\n'
    reader = RecordReader([text], resolved(RecordFormat(skip_bad_rows=0.2), "classify", text))
    assert len(list(reader)) == 8
    assert (reader.rows, reader.skipped, [each.line for each in reader.faults]) == (10, 2, [10, 11])


def test_too_many_bad_rows_are_reported_with_the_first_three() -> None:
    text = "text,label\n" + "a,x\nb\n" * 50
    told = fault(text, RecordFormat(skip_bad_rows=0.4), "classify")
    one = "it has 1 field, and the header has 2: text, label"
    assert told == (
        "50 of 100 rows are faulty, more than skip_bad_rows = 0.4 lets pass: "
        f"line 3: {one}; line 5: {one}; line 7: {one}"
    )


@pytest.mark.parametrize("text", ["\n\n\n", "text,label\n", "text,label\n\n"])
def test_a_corpus_without_records(text: str) -> None:
    format = RecordFormat(unit="line") if text == "\n\n\n" else RecordFormat(format="csv")
    assert fault(text, format) == "there are no records in the corpus"


def test_rows_that_are_all_bad_are_reported_though_all_may_be_passed_over() -> None:
    told = fault(rows({"text": ""}, 7), RecordFormat(format="jsonl", skip_bad_rows=1.0))
    assert told.startswith("there are no records in the corpus: line 1: the text is empty")


def test_a_stored_text_is_read_in_its_format(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("name,country\nZoë,NL\nÅsa,SE\n", encoding="utf-8")
    reader = records(path, RecordFormat(fields=Fields(text="name", label="country")), "classify")
    assert list(reader) == [Record("Zoë", "NL"), Record("Åsa", "SE")]
    assert reader.format == RecordFormat(format="csv", fields=Fields(text="name", label="country"))


def test_long_records_are_worked_on_in_shorter_lists() -> None:
    long = [Record("x" * 100_000, target="y" * 100_000) for _ in range(20)]
    short = [Record("x") for _ in range(2 * BATCH + 1)]
    found = list(batches([*long, *short]))
    assert [each for batch in found for each in batch] == [*long, *short]
    assert [len(batch) for batch in found] == [6, 6, 6, BATCH, BATCH, 3]
