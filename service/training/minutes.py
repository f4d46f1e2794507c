"""How a job's minutes, from when a worker takes it up until it has published, are divided between preparation, training
and what comes afterwards; knows no clock."""

from __future__ import annotations

import math
from typing import Final

from charrnn.training.config import Budget

RESERVE_SHARE: Final = 0.08
RESERVE_SECONDS: Final = 6.0
"""What is reserved for the time after training, as a share of the minutes and at most: measuring the default network on
1 MB of text and searching its units takes about so long on two idle cores."""

PREPARATION_SHARE: Final = 0.5
"""Preparation uses up at most this share of the minutes: a large text with a small budget has to be trained on, too."""

SEARCH_UNTIL: Final = 1.05
"""The search for units ends after so many times the minutes. The promise is a tenth, but on a busy machine
seconds pass between two looks at the clock."""

SEARCH_SECONDS: Final = 6.0
"""The search may always take so long, or the units of jobs of less than a minute would never be found."""


def reserve(budget: Budget) -> float:
    """Seconds that are left over for what comes after training."""
    return min(RESERVE_SECONDS, RESERVE_SHARE * _seconds(budget))


def prepared(budget: Budget, seconds: float) -> float:
    """How many of the seconds that preparation took count as spent; none where the budget is in steps or epochs."""
    return min(seconds, PREPARATION_SHARE * _seconds(budget))


def search_seconds(budget: Budget, spent: float) -> float:
    """How long the search for units may take after so many seconds were spent on the rest."""
    return math.inf if budget.minutes is None else max(SEARCH_SECONDS, SEARCH_UNTIL * _seconds(budget) - spent)


def _seconds(budget: Budget) -> float:
    return 60 * (budget.minutes or 0)
