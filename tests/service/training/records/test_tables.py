from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.training.errors import RecordsError
from service.training.records.rows import Fault, Names, Row
from service.training.records.tables import csv_cells, csv_rows, tsv_cells, tsv_rows
from tests.service.training.records.pieces import CUTS, in_pieces

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TRICKY = st.text(alphabet='a",\n\r; \t', max_size=8)
TABLES = st.lists(st.tuples(CELLS | TRICKY, CELLS | TRICKY), max_size=8)


def written(rows: list[tuple[str, str]], delimiter: str = ",", ends: str = "\r\n") -> str:
    text = io.StringIO(newline="")
    if ends == "\r\n":
        writer = csv.writer(text, delimiter=delimiter)
    else:  # which would leave a lone CR without quotes
        writer = csv.writer(text, delimiter=delimiter, lineterminator=ends, quoting=csv.QUOTE_ALL)
    writer.writerows([("text", "label"), *rows])
    return text.getvalue()


@given(TABLES, st.sampled_from([",", ";", "\t"]), st.sampled_from(["\r\n", "\n"]), CUTS)
def test_what_the_standard_library_writes_is_read_back(
    rows: list[tuple[str, str]], delimiter: str, ends: str, cuts: list[int]
) -> None:
    text = written(rows, delimiter, ends)
    found = list(csv_rows(in_pieces(text, cuts), Names("text", "label")))
    assert [(row.text, row.label) for row in found if isinstance(row, Row)] == rows
    for index, row in enumerate(found):
        assert row.line == 1 + written(rows[:index], delimiter, ends).count("\n")


@given(TABLES, st.integers(0, 400))
def test_of_a_text_that_is_cut_the_whole_rows_are_read(rows: list[tuple[str, str]], end: int) -> None:
    text = written(rows)
    cut = text[: min(end, len(text))]
    found = list(csv_cells([cut], whole=False))
    whole = [("text", "label"), *rows]
    for index, each in enumerate(found[:-1]):
        assert not isinstance(each, Fault)
        assert tuple(each[1]) == whole[index]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('text,label\na,b\n"c,d\ne,f\n', 3, "the quote opened in line 3 is not closed: close it, and write a quote"),
        ('text,label\n"a\nb","c\nd\n', 2, "the quote opened in line 3 is not closed"),
        ('text,label\n"a"b,c\nd,e\n', 2, "the quoted field that opens in line 2 goes on after its closing quote"),
        ('text,label\nx,"a\ny,"b"\nz,c\n', 2, "the quoted field that opens in line 2 goes on after its closing quote"),
        ('text,label\n"a ""b"" c,d\n', 2, "the quote opened in line 2 is not closed"),
        (f"text,label\n{'x' * 140_000},b\n", 2, "a field has more than 131,072 characters: shorten it"),
        ("text,label\na,b\nc\n", 3, "it has 1 field, and the header has 2: text, label"),
        ("text,label\na,b,c\n", 2, "it has 3 fields, and the header has 2: text, label"),
        ("text,label\na\rb,c\n", 2, "a carriage return stands outside quotes"),
    ],
)
def test_a_faulty_row_is_reported_with_its_line(text: str, line: int, message: str) -> None:
    faults = [each for each in csv_rows([text], Names("text", "label")) if isinstance(each, Fault)]
    assert faults[0].line == line
    assert faults[0].message.startswith(message)


def test_a_broken_quote_costs_one_row() -> None:
    text = 'text,label\na,b\n"c,d\n' + "e,f\n" * 100 + "g,h\n"
    found = list(csv_rows([text], Names("text", "label")))
    assert [each.line for each in found if isinstance(each, Fault)] == [3]
    assert [each.line for each in found if isinstance(each, Row)] == [2, *range(4, 105)]


def test_a_quote_that_never_closes_is_not_looked_for_to_the_end() -> None:
    taken = []

    def pieces() -> Iterator[str]:
        yield 'text,label\n"a,b\n'
        for number in range(60):
            taken.append(number)
            yield "c,d\n" * 1000

    found = csv_rows(pieces(), Names("text", "label"))
    first = next(found)
    assert isinstance(first, Fault)
    assert first.message.startswith("a field has more than 131,072 characters, or the quote opened in line 2")
    assert len(taken) < 40
    assert sum(isinstance(each, Row) for each in found) == 60_000


def test_an_empty_line_is_no_row() -> None:
    found = list(csv_rows(["text\n\na\n\n\nb\n\n"], Names("text")))
    assert [(row.line, row.text) for row in found if isinstance(row, Row)] == [(3, "a"), (6, "b")]


@pytest.mark.parametrize("rows", [csv_rows, tsv_rows])
def test_a_header_without_the_field_lists_those_that_there_are(rows: type) -> None:
    text = "name,country\na,b\n" if rows is csv_rows else "name\tcountry\na\tb\n"
    with pytest.raises(RecordsError) as raised:
        list(rows([text], Names("text", "label")))
    assert str(raised.value) == (
        "line 1: there is no field 'text' for the text; the fields are name, country: name one in fields.text"
    )
    assert (raised.value.line, raised.value.field) == (1, "fields")


def test_a_field_that_the_header_names_twice_is_not_guessed() -> None:
    with pytest.raises(RecordsError, match="line 1: the header has the field 'text' 2 times"):
        list(csv_rows(["text,text\na,b\n"], Names("text")))


def test_a_tsv_has_neither_quotes_nor_escapes() -> None:
    found = list(tsv_rows(['text\tlabel\n"a" \\t "\tb\r\n'], Names("text", "label")))
    assert found == [Row(2, '"a" \\t "', "b")]


@given(st.lists(st.lists(st.text("ab\"\\ '", min_size=1, max_size=5), min_size=2, max_size=3), min_size=1, max_size=5))
def test_a_tsv_is_what_stands_between_tabs(rows: list[list[str]]) -> None:
    text = "".join("\t".join(row) + "\n" for row in rows)
    assert list(tsv_cells([text])) == list(enumerate(rows, 1))
