from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.tasks.record import TASKS, TaskName
from service.training.corpora.conversion import AS_FOUND, Conversion
from service.training.errors import EmptyCorpusError, UnclearEncodingError
from service.training.records.format import FILE_FORMATS, Fields, FileFormat, RecordFormat
from service.training.records.preview import PREVIEW_BYTES, Preview, ShownRecord, preview
from tests.laws import examples

LINES = RecordFormat(unit="line")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpora")


def shown(folder: Path, data: bytes | str, task: TaskName = "generate", **format: Any) -> Preview:
    data = data.encode() if isinstance(data, str) else data
    found = preview(data, folder, RecordFormat.from_dict(format), task, AS_FOUND)
    assert list(folder.iterdir()) == []
    return found


def test_a_table_is_recognized_with_its_fields(folder: Path) -> None:
    found = shown(folder, "Name,Country\nZoë,NL\nÅsa,SE\nMia,SE\nLiv,SE\nPim,NL\n", "classify")
    assert found.format == RecordFormat(format="csv", fields=Fields("Name", "Country"))
    assert found.columns == ("Name", "Country")
    assert found.records[0] == ShownRecord(2, "Zoë", "NL", None, None)
    assert (found.count, list(found.labels.items()), found.label_count) == (5, [("SE", 3), ("NL", 2)], 2)
    assert (found.faults, found.fault_count, found.whole, found.encoding) == ((), 0, True, "utf-8")


def test_what_was_given_is_kept(folder: Path) -> None:
    found = shown(folder, "a,b\nx,1\ny,2\n", "classify", fields={"text": "b", "label": "a"})
    assert [(record.text, record.label) for record in found.records] == [("1", "x"), ("2", "y")]


@pytest.mark.parametrize(
    ("data", "given", "format", "unit", "texts"),
    [
        ("Ada\nGrace\n", {}, "plain", "text", []),
        ("Ada\nGrace\n", {"unit": "line"}, "plain", "line", ["Ada", "Grace"]),
        ('{"text": "a"}\n{"text": "b"}\n', {}, "jsonl", "line", ["a", "b"]),
        ('{"text": "a"}\n', {"unit": "line"}, "plain", "line", ['{"text": "a"}']),
        ("text\tmore\na\t1\n", {}, "tsv", "line", ["a"]),
        ("a|b", {"separator": "|"}, "plain", "separator", ["a", "b"]),
    ],
)
def test_it_shows_what_a_training_would_read(
    data: str, given: dict[str, Any], format: str, unit: str, texts: list[str], folder: Path
) -> None:
    found = shown(folder, data, **given)
    assert (found.format.format, found.format.record_unit) == (format, unit)
    assert [record.text for record in found.records] == texts


def test_faults_are_shown_with_their_lines(folder: Path) -> None:
    found = shown(folder, "text,label\na,x\nb\n" + "c,x\nd,y\nd\n" * 50, "classify")
    assert (found.count, found.fault_count, len(found.faults)) == (101, 51, 20)
    assert found.faults[0] == "line 3: it has 1 field, and the header has 2: text, label"


@pytest.mark.parametrize(
    ("data", "task", "given", "fault"),
    [
        ("Ada\nGrace\n", "classify", {}, "format must be jsonl, csv or tsv for task classify"),
        ("a,b\n1,2\n", "classify", {"format": "csv", "fields": {"text": "c"}}, "line 1: there is no field 'c' for the"),
        ('a,"b\n1,2\n', "classify", {"format": "csv"}, "line 1: the quote opened in line 1 is not closed"),
    ],
)
def test_what_cannot_be_read_at_all_is_a_fault_too(
    data: str, task: TaskName, given: dict[str, Any], fault: str, folder: Path
) -> None:
    found = shown(folder, data, task, **given)
    assert (found.count, found.fault_count) == (0, 1)
    assert found.faults[0].startswith(fault)


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        ("text,label\na,x\nb,x\n", ["task classify needs at least 2 different labels, and all are 'x'"]),
        ("text,label\na,x\nb,x\nc,y\n", ["task classify needs at least 2 examples of each label"]),
        ("text,label\na,x\nb,x\nc,y\nd,y\n", []),
        ("text,label\n", []),
    ],
)
def test_of_a_whole_file_its_labels_are_checked_as_a_training_would(data: str, faults: list[str], folder: Path) -> None:
    found = shown(folder, data, "classify")
    assert found.format.format == "csv"
    assert [fault.split(", and there is")[0] for fault in found.faults] == faults
    cut = "text,label\n" + "a,x\n" * PREVIEW_BYTES
    assert shown(folder, cut[:PREVIEW_BYTES], "classify").faults == ()


@pytest.mark.parametrize("row", ["Zoë,NL\n", '"two\nlines, ë",NL\n', "ë" * 100 + ",x\n"])
@pytest.mark.parametrize("shift", range(7))
def test_a_file_that_goes_on_may_be_cut_anywhere(row: str, shift: int, folder: Path) -> None:
    data = ("text,label\n" + "x" * shift + ",y\n" + row * PREVIEW_BYTES).encode()[:PREVIEW_BYTES]
    found = shown(folder, data, "classify", format="csv")
    assert not found.whole
    assert found.faults == (("line 2: the text is empty: give it at least one character",) * (shift == 0))
    assert len(found.records) == 20
    assert set(found.labels) == {"y", row[-3:-1].lstrip(",")} - ({"y"} if shift == 0 else set())


@pytest.mark.parametrize("shift", range(3))
def test_one_long_line_may_be_cut_within_a_character(shift: int, folder: Path) -> None:
    data = ("x" * shift + "€" * PREVIEW_BYTES).encode()[:PREVIEW_BYTES]
    found = shown(folder, data, unit="paragraph")
    assert found.encoding == "utf-8"
    assert found.count == 1


def test_a_long_record_is_shown_in_part(folder: Path) -> None:
    (record,) = shown(folder, "x" * 5000, unit="line").records
    assert record.text == "x" * 300


def test_the_encoding_is_that_of_an_upload(folder: Path) -> None:
    data = "Zoë sagt, Äpfel seien schön\nMüller\n".encode("utf-16")
    found = shown(folder, data, unit="line")
    assert (found.encoding, found.records[1].text) == ("utf-16-le", "Müller")
    declared = preview("Zoë\n".encode("cp1252"), folder, LINES, "generate", Conversion("cp1252"))
    assert (declared.encoding, declared.records[0].text) == ("cp1252", "Zoë")
    with pytest.raises(UnclearEncodingError):
        shown(folder, b"Zo\xeb\n", unit="line")
    with pytest.raises(EmptyCorpusError):
        shown(folder, b"")


@examples(50)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), min_size=1, max_size=80),
    st.sampled_from(TASKS),
    st.sampled_from([None, *FILE_FORMATS]),
)
def test_any_text_is_shown_or_has_a_fault(folder: Path, text: str, task: TaskName, format: FileFormat | None) -> None:
    if task != "generate" and format == "plain":
        return
    found = preview(text.encode(), folder, RecordFormat(format=format), task, AS_FOUND)
    assert found.count == len(found.records)
