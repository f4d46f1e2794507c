"""What workers tell the web processes of themselves, for their metrics; knows no worker."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError


@dataclass(frozen=True, slots=True)
class StoreRequests:
    """How often the store that machines share was asked with this method and outcome, and how many seconds that took
    together."""

    method: str
    outcome: str
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """`lost_lines`: how many lines of the log could not be written; `asked`: what the store was."""

    lost_lines: int = 0
    asked: tuple[StoreRequests, ...] = ()

    def to_json(self) -> bytes:
        """As a worker writes them."""
        return _FIGURES.dump_json(self)


_FIGURES = TypeAdapter(Figures)


def read(written: bytes) -> Figures:
    """What a worker has written; none if that is nothing, damaged or of another version."""
    with suppress(ValidationError):
        return _FIGURES.validate_json(written)
    return Figures()


def total(each_worker: Iterable[Figures]) -> Figures:
    """The sums."""
    lost, sums = 0, dict[tuple[str, str], StoreRequests]()
    for figures in each_worker:
        lost += figures.lost_lines
        for each in figures.asked:
            before = sums.get((each.method, each.outcome), StoreRequests(each.method, each.outcome, 0, 0.0))
            sums[each.method, each.outcome] = StoreRequests(
                each.method, each.outcome, before.count + each.count, before.seconds + each.seconds
            )
    return Figures(lost, tuple(sums.values()))
