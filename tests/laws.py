"""How many examples of each law hypothesis tries: in `make test` a few, always the same, in `make laws` many others.

So what fails in `make test` fails again, and what does not is not found by chance only.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

TIMES: Final = int(os.environ.get("EXAMPLES", "1"))
"""How many times as many as `make test` tries."""
EXAMPLES: Final = 30
SLOW: Final = HealthCheck.too_slow
"""How long an example takes says how busy the machine is, and nothing of the code."""


def examples(count: int, *allowed: HealthCheck) -> settings:
    """A decorator for a law of which so many are tried, with these health checks left out."""
    return settings(max_examples=count * TIMES, suppress_health_check=[SLOW, *allowed])


def load() -> None:
    """Set what holds for laws that say nothing of it."""
    settings.register_profile(
        "here",
        max_examples=EXAMPLES * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        suppress_health_check=[SLOW],
    )
    settings.load_profile("here")
