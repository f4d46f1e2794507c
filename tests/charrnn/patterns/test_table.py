"""Each of 200 patterns becomes as large as the table says, or is refused as it says; the table says more, which depends
on the machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charrnn.patterns.patterns import GROUPS
from tests.charrnn.patterns.table import outcome, rows

ROWS = rows()


def test_the_table_has_the_patterns() -> None:
    assert [(row["group"], row["pattern"]) for row in ROWS] == [(g, p) for g, each in GROUPS.items() for p in each]
    assert len(ROWS) >= 200


def _case(number: int, row: dict[str, Any]) -> Any:
    """Those that take much longer than others are left out of the short run."""
    marks = [pytest.mark.faults] if row["milliseconds"] > 300 else []
    return pytest.param(row, id=f"{row['group']} {number}", marks=marks)


@pytest.mark.parametrize("row", [_case(number, row) for number, row in enumerate(ROWS)])
def test_a_pattern_becomes_as_large_as_the_table_says(row: dict[str, Any]) -> None:
    found = outcome(row["pattern"])
    assert found == {name: row[name] for name in found}
