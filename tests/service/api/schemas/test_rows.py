"""Rows are a list in the document."""

from __future__ import annotations

from pydantic import TypeAdapter

from service.api.schemas.rows import Rows, rows


def test_rows_are_documented_as_the_list_that_they_become() -> None:
    assert TypeAdapter(Rows[int]).json_schema() == TypeAdapter(list[int]).json_schema()
    assert TypeAdapter(Rows[str | None] | list[str | None]).json_schema() == TypeAdapter(list[str | None]).json_schema()


def test_all_rows_are_the_items() -> None:
    assert rows("abc").all() == ["a", "b", "c"]
    assert Rows[int](3, range).all() == [0, 1, 2]
