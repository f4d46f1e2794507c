"""Divides a job's minutes, from its start by a worker to its publication, among preparation, training and what comes
afterwards; knows no clock."""

from __future__ import annotations

import math
from typing import Final

from charrnn.training.config import Budget

RESERVE_SHARE: Final = 0.08
RESERVE_SECONDS: Final = 6.0
"""The maximum time reserved for what comes after training: measuring the default network on 1 MB of text and searching
its units takes about this long on two idle cores."""

PREPARATION_SHARE: Final = 0.5
"""Preparation counts for at most this share of the minutes, so that even a large text with a small budget is trained
on."""

SEARCH_UNTIL: Final = 1.05
"""The search for units ends after this multiple of the minutes. A tenth is promised, but on a busy machine seconds pass
between two checks of the clock."""

SEARCH_SHARE: Final = 0.1
SEARCH_SECONDS: Final = 6.0
"""The search may always take this share of the minutes, but not more than so long; otherwise the units of jobs of less
than a minute would never be found."""

SCORING_SHARE: Final = 0.02
SCORING_SECONDS: Final = 2.0
"""Measuring the held-out records takes at most this long; a part of them shows nearly as well how they are
distributed."""


def reserve(budget: Budget) -> float:
    """Seconds reserved for what comes after training."""
    return min(RESERVE_SECONDS, RESERVE_SHARE * _seconds(budget))


def prepared(budget: Budget, seconds: float) -> float:
    """How many of the seconds of preparation count as spent; none if the budget is in steps or epochs."""
    return min(seconds, PREPARATION_SHARE * _seconds(budget))


def search_seconds(budget: Budget, spent: float) -> float:
    """How long the search for units may take after `spent` seconds of other work."""
    if budget.minutes is None:
        return math.inf
    whole = _seconds(budget)
    return max(min(SEARCH_SECONDS, SEARCH_SHARE * whole), SEARCH_UNTIL * whole - spent)


def scoring_seconds(budget: Budget) -> float:
    """How long the held-out records may be measured."""
    return min(SCORING_SECONDS, SCORING_SHARE * _seconds(budget)) if budget.minutes is not None else SCORING_SECONDS


def _seconds(budget: Budget) -> float:
    return 60 * (budget.minutes or 0)
