"""Pages of lists, as in OpenAI's API: the newest first, `limit` of them, those `after` one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from flask import request

from service.api.http.errors import ApiError, shown
from service.api.schemas.replies.common import Paged

MOST: Final = 100
"""The most items of a page, and how many it has if `limit` is omitted."""

MAX_DIGITS: Final = 15


class Sortable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


P = TypeVar("P", bound=Sortable)


@dataclass(frozen=True, slots=True)
class Page(Generic[P]):
    """The places of the items that a page lists, the newest first, and what is added to the reply."""

    places: Sequence[P]
    fields: Paged


def requested(
    oldest_first: Sequence[P], place_of: Callable[[str], P], item: str, id_of: Callable[[P], object] = str
) -> Page[P]:
    """The page that the request asks for, of a list of places. An item's place outlasts it, so that a page can follow
    one that was deleted meanwhile: `place_of` returns the place of an id, or raises LookupError or ValueError.

    Raises ApiError 422.
    """
    limit, end = _limit(), len(oldest_first)
    if "after" in request.args:
        end = bisect_left(oldest_first, _after(request.args["after"], place_of, item))
    begin = max(0, end - limit)
    places = oldest_first[begin:end][::-1]
    return Page(places, {"has_more": begin > 0, "last_id": str(id_of(places[-1])) if places else None})


def number_of(given: str) -> int:
    """The place of an item that is numbered from 1. Raises ValueError."""
    if not (given.isascii() and given.isdigit() and 0 < len(given) <= MAX_DIGITS):
        raise ValueError("not a number")
    return int(given)


def _limit() -> int:
    given = request.args.get("limit", str(MOST))
    if given.isascii() and given.isdigit() and len(given) <= MAX_DIGITS and 1 <= int(given) <= MOST:
        return int(given)
    raise ApiError(422, "invalid_value", f"limit must be an integer from 1 to {MOST}, not {shown(given)}", "limit")


def _after(given: str, place_of: Callable[[str], P], item: str) -> P:
    try:
        return place_of(given)
    except (LookupError, ValueError) as error:
        raise ApiError(422, "invalid_value", f"after must be {item}, not {shown(given)}", "after") from error
