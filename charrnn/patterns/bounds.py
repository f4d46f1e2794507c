"""How large a pattern may become: counted, never timed, so that the same pattern is refused everywhere or nowhere."""

from __future__ import annotations

from typing import Final

from charrnn.patterns.errors import PatternTooLargeError

MAX_CHARACTERS: Final = 10_000
"""Characters of a regular expression."""

MAX_CHOICES: Final = 10_000

MAX_STATES: Final = 20_000
"""States of a regular expression's smallest automaton over a model's vocabulary."""

MAX_DEPTH: Final = 100
"""How deep the groups of a regular expression may be nested."""

MAX_CLASS_MEMBERS: Final = 2_000_000
"""Characters in all of its different classes that are not among the first 256, or that ignore case."""

MAX_CHOICE_CHARACTERS: Final = 1_000_000
"""Characters of all choices together."""

MAX_CONSTRUCTED: Final = 40_000
"""States of an automaton before it is minimized."""

MAX_ENTRIES: Final = 8_000_000
"""Entries of the table of an automaton: states times classes of characters."""

MAX_WORK: Final = 1_400_000
"""Steps of all that is constructed for one pattern: each looks at a place where a text may be in it, and what takes
longer or keeps memory counts as several."""


class Work:
    """Counts the steps of what is constructed for one pattern. `spend` raises PatternTooLargeError beyond MAX_WORK."""

    def __init__(self) -> None:
        self.spent = 0

    def spend(self, steps: int) -> None:
        """Count these steps."""
        self.spent += steps
        if self.spent > MAX_WORK:
            raise PatternTooLargeError("steps to compile", MAX_WORK)
