"""A JSON array that is generated while it is sent, so that only a part of it is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from charrnn.vocabulary import Ids

T_co = TypeVar("T_co", covariant=True)


class Rows(Generic[T_co]):
    """A JSON array of `count` items, which are generated when they are written: `part(start, stop)` returns some of
    them, as a list or an array of numbers."""

    __slots__ = ("count", "part")

    def __init__(self, count: int, part: Callable[[int, int], Any]) -> None:
        self.count = count
        self.part = part

    def all(self) -> list[T_co]:
        """Every item."""
        return list(self.part(0, self.count))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In a schema it is a list of items."""
        (item,) = get_args(source)
        return core_schema.list_schema(handler.generate_schema(item))


def rows(items: Sequence[T_co]) -> Rows[T_co]:
    """An array of existing items."""
    return Rows(len(items), lambda start, stop: list(items[start:stop]))


def id_rows(ids: Ids) -> Rows[int]:
    """An array of ids."""
    return Rows(ids.size, lambda start, stop: ids[start:stop].tolist())
