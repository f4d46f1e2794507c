"""Dates in a dozen spellings, to be written in ISO 8601."""

from __future__ import annotations

import random
from datetime import date, timedelta

from benchmarks.records.parts import Parts, parts

FIRST, DAYS = date(1950, 1, 1), 36_525
SPELLINGS = (
    "{d:%Y-%m-%d}",
    "{d:%Y%m%d}",
    "{d:%d.%m.%Y}",
    "{d:%m/%d/%Y}",
    "{day} {d:%B} {d:%Y}",
    "{day} {d:%b} {d:%Y}",
    "{d:%B} {day}, {d:%Y}",
    "{d:%b} {day}, {d:%Y}",
    "{d:%A}, {day} {d:%B} {d:%Y}",
    "{d:%a} {d:%b} {d:%d} {d:%Y}",
    "the {ordinal} of {d:%B}, {d:%Y}",
    "{d:%Y}, {d:%B} {ordinal}",
)


def make(seed: int) -> Parts:
    """Each date in one spelling; no date is in both parts."""
    rng = random.Random(seed)
    rows = []
    for days in range(DAYS):
        day = FIRST + timedelta(days)
        text = rng.choice(SPELLINGS).format(d=day, day=day.day, ordinal=_ordinal(day.day))
        rows.append((day.isoformat(), {"text": text, "target": day.isoformat()}))
    return parts(rows, seed)


def _ordinal(number: int) -> str:
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
